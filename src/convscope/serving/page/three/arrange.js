/** Where every layer stands in space, and its maps in the layer's plane. One unit is about the side of a map. */

import { itemsOf } from "../network/blocks.js";
import { isVector } from "../network/layout.js";
import { countOf } from "../state/maps.js";

const BETWEEN = 1.25; // layers along the axis
const GAP = 0.12; // between maps of a layer
const BRANCH_GAP = 0.6; // between layers that share a place of the axis
const ONE_COLUMN = 10; // values of a vector that stand in one column: the classes of the answer
const SLENDER = 8; // rows of a longer one for each column
const PILLAR = 4.2; // its height
const SMALLEST = 0.45; // side of a map; the largest has 1.2

/** Items of the network (see blocks.js), each with a place `y, z` and a grid of planes (see mapGrid). */
export function arrange(store) {
  const { network, open } = store.state;
  const items = itemsOf(network, open);
  const sideOf = ({ node }) => (isVector(node.shape) ? 1 : Math.max(...node.shape.slice(1)));
  const largest = Math.max(...items.map(sideOf));
  const ranks = [];
  for (const item of items) {
    const { shape } = item.node;
    const count = countOf(store.state, item.node);
    item.rank = Math.max(-1, ...item.inputs.map(({ rank }) => rank)) + 1;
    Object.assign(item, isVector(shape) ? vectorGrid(count) : mapGrid(shape, count, largest));
    (ranks[item.rank] ??= []).push(item);
  }
  const last = Math.max(ranks.length - 1, 1);
  const distance = BETWEEN * Math.max(1, 14 / (last + 4)); // short networks are drawn out
  ranks.forEach((branches, rank) => placeBranches(branches, (rank - last / 2) * distance));
  return items;
}

/** Layers of one rank (branches) share a place of the axis, one above the other. */
function placeBranches(branches, z) {
  const tall = branches.reduce((sum, item) => sum + item.tall, BRANCH_GAP * (branches.length - 1));
  let top = -tall / 2;
  for (const item of branches) {
    Object.assign(item, { y: top + item.tall / 2, z });
    top += item.tall + BRANCH_GAP;
  }
}

/**
 * {vector, count, columns, rows, side: [wide, tall] of a map, gap, wide, tall}. Smaller maps get smaller planes, but
 * not in proportion: they must still be seen.
 */
function mapGrid([, height, width], count, largest) {
  const size = SMALLEST + 0.75 * Math.sqrt(Math.max(height, width) / largest);
  const side = [size * Math.min(1, width / height), size * Math.min(1, height / width)];
  return gridOf(false, count, Math.ceil(Math.sqrt(count)), side, GAP);
}

/** A vector is one plane, whose cells are its values: a pillar, beside which the layers behind it can be seen. */
function vectorGrid(count) {
  const rows = count <= ONE_COLUMN ? count : Math.ceil(Math.sqrt(count * SLENDER));
  const columns = Math.ceil(count / rows);
  const cell = Math.min(0.4, PILLAR / rows);
  return gridOf(true, count, columns, [cell, cell], 0);
}

function gridOf(vector, count, columns, side, gap) {
  const rows = Math.ceil(count / columns);
  const [wide, tall] = [columns * (side[0] + gap) - gap, rows * (side[1] + gap) - gap];
  return { vector, count, columns, rows, side, gap, wide, tall };
}

/** The middle [x, y, z] of a layer's i-th plane. */
export function cellMiddle(item, i) {
  const { columns, side: [wide, tall], gap } = item;
  const [row, column] = [Math.floor(i / columns), i % columns];
  const [left, top] = [-item.wide / 2 + column * (wide + gap), item.y - item.tall / 2 + row * (tall + gap)];
  return [left + wide / 2, top + tall / 2, item.z];
}
