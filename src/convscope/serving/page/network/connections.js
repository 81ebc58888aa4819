/** Lines between the items of a network: from layer to layer, and from map to map for what was chosen. */

import { colourOf, css } from "../colour.js";
import { cellOf } from "./layout.js";

const middleOf = ({ grid }) => (grid.y + grid.bottom) / 2;

/** Lines from each item to the next ones, and arcs below for connections that skip columns. */
export function paintConnections(context, { plan, lit }, colours, view) {
  const inSight = (from, to) => to.x + to.width >= view.left && from.x <= view.left + view.width;
  context.lineWidth = 1.5;
  context.strokeStyle = colours.line;
  context.globalAlpha = lit ? 0.5 : 1;
  context.beginPath();
  for (const target of plan.items) {
    for (const source of target.inputs) {
      if (target.rank - source.rank === 1 && inSight(source, target)) addLine(context, source, target);
    }
  }
  for (const arc of plan.arcs) {
    if (inSight(arc.source, arc.target)) addArc(context, arc);
  }
  context.stroke();
  context.globalAlpha = 1;
}

function addLine(context, source, target) {
  const [x1, y1, x2, y2] = [source.x + source.width + 2, middleOf(source), target.x - 2, middleOf(target)];
  context.moveTo(x1, y1);
  context.bezierCurveTo(x1 + 9, y1, x2 - 9, y2, x2, y2);
}

function addArc(context, { source, target, y }) {
  const [x1, x2] = [source.x + source.width + 6, target.x - 8];
  const [from, to] = [middleOf(source), middleOf(target)];
  context.moveTo(x1 - 4, from);
  context.bezierCurveTo(x1 + 2, from, x1, from, x1, from + 8);
  context.lineTo(x1, y - 6);
  context.quadraticCurveTo(x1, y, x1 + 6, y);
  context.lineTo(x2 - 6, y);
  context.quadraticCurveTo(x2, y, x2, y - 6);
  context.lineTo(x2, to + 8);
  context.quadraticCurveTo(x2, to, x2 + 6, to);
}

/**
 * Links between single maps, in the colour and width of their weight (-1 to 1). Those of what is pointed at have no
 * weight: they are lit, and so are the maps at both ends.
 */
export function paintLinks(context, scene, colours) {
  const cells = cellFinder(scene);
  const near = new Set(scene.near ?? []);
  for (const link of [...near, ...(scene.links ?? [])]) {
    const { from, to, weight } = link;
    const [a, b] = [cells(from), cells(to)];
    if (!a || !b) continue;
    if (near.has(link)) frameCells(context, [a, b], colours.accent);
    const [x1, y1] = [a.x + a.width + 1, a.y + a.height / 2];
    const [x2, y2] = [b.x - 2, b.y + b.height / 2];
    const bend = Math.max((x2 - x1) * 0.45, 12);
    context.strokeStyle = near.has(link) ? colours.accent : linkColour(weight, colours.soft);
    context.lineWidth = near.has(link) ? 1.25 : 0.75 + 2.25 * Math.abs(weight);
    context.beginPath();
    context.moveTo(x1, y1);
    context.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
    context.stroke();
  }
}

function frameCells(context, cells, colour) {
  context.strokeStyle = colour;
  context.lineWidth = 2;
  for (const { x, y, width, height } of cells) context.strokeRect(x, y, width, height);
}

/** The colour of a weight from -1 to 1, strong enough for a thin line; `none` for (almost) 0. */
export function linkColour(weight, none) {
  const strength = Math.abs(weight);
  return strength < 0.02 ? none : css(colourOf(Math.sign(weight) * (0.45 + 0.55 * strength)));
}

/** A function from {layer, map} to the cell in which that map is shown; null if it is not. */
function cellFinder({ plan, layers, maps }) {
  const positions = new Map(); // layer -> Map from the number of a map to its position
  const positionsOf = ({ node, grid }) => {
    const layer = layers?.get(node.name);
    const shown = layer ? maps(layer).slice(0, grid.count) : [];
    return new Map(shown.map(({ map }, i) => [map, i]));
  };
  return ({ layer, map }) => {
    const item = plan.byLayer.get(layer);
    if (item?.node.name !== layer) return null; // inside a closed block
    if (item.grid.vector) return cellOf(item.grid, map);
    if (!positions.has(layer)) positions.set(layer, positionsOf(item));
    const position = positions.get(layer).get(map);
    return position === undefined ? null : cellOf(item.grid, position);
  };
}
