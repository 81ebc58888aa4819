/** Where every layer stands in space, and its maps in the layer's plane. One unit is about the side of a map. */

import { itemsOf } from "../network/blocks.js";
import { isVector } from "../network/layout.js";
import { countOf } from "../state/maps.js";

const BETWEEN = 1.0; // layers along the axis, as a part of a map's side
const GAP = 0.12;
const ROW = 10; // classes in a line, for the answer

/** Items of the network's picture with `z` and a grid of planes: {columns, rows, side, tall, gap}. */
export function arrange(store) {
  const { network, open } = store.state;
  const items = itemsOf(network, open);
  const largest = Math.max(...items.map(({ node }) => (isVector(node.shape) ? 1 : Math.max(...node.shape.slice(1)))));
  for (const item of items) {
    item.rank = Math.max(-1, ...item.inputs.map(({ rank }) => rank)) + 1;
    Object.assign(item, isVector(item.node.shape) ? vectorGrid(item.node.shape[0]) : mapGrid(item.node.shape, countOf(store.state, item.node), largest));
  }
  const last = Math.max(...items.map(({ rank }) => rank), 1);
  // Layers of one rank (branches) share a place of the axis, one above the other.
  const ranks = new Map();
  for (const item of items) ranks.set(item.rank, [...(ranks.get(item.rank) ?? []), item]);
  for (const column of ranks.values()) {
    const tall = column.reduce((sum, item) => sum + item.tall + 0.6, -0.6);
    let y = -tall / 2;
    for (const item of column) {
      item.z = (item.rank - last / 2) * BETWEEN * Math.max(1, 14 / (last + 4));
      item.y = y + item.tall / 2;
      y += item.tall + 0.6;
    }
  }
  return items;
}

/** Smaller maps get smaller planes, but not as small as they are: one still wants to see them. */
function mapGrid([, height, width], count, largest) {
  const side = 0.45 + 0.75 * Math.sqrt(Math.max(height, width) / largest);
  const columns = Math.ceil(Math.sqrt(count));
  const rows = Math.ceil(count / columns);
  const [wide, tall] = [side * Math.min(1, width / height), side * Math.min(1, height / width)];
  return { vector: false, count, columns, rows, side: [wide, tall], gap: GAP, wide: columns * (wide + GAP) - GAP, tall: rows * (tall + GAP) - GAP };
}

function vectorGrid(count) {
  const columns = count <= ROW ? 1 : Math.ceil(Math.sqrt(count));
  const rows = Math.ceil(count / columns);
  const cell = count <= ROW ? 0.4 : Math.min(0.3, 3.4 / columns);
  return { vector: true, count, columns, rows, side: [cell, cell], gap: 0, wide: columns * cell, tall: rows * cell };
}

/** The middle of a layer's i-th plane. */
export function cellMiddle(item, i) {
  const { columns, side: [wide, tall], gap } = item;
  const [row, column] = [Math.floor(i / columns), i % columns];
  return [-item.wide / 2 + column * (wide + gap) + wide / 2, item.y - item.tall / 2 + row * (tall + gap) + tall / 2, item.z];
}
