/** The ways through a closed block, in small: its layers and blocks as dots, where they part, and where they meet. */

import { itemsOf } from "./blocks.js";

const SIGNS = { add: "+", multiply: "×", concat: "∥" };
const [LARGEST_DOT, SMALLEST_DOT] = [4, 1.2]; // radius in pixels
const LETTERS = 11; // pixels

const known = new WeakMap(); // graph -> Map from the name of a block to its ways

/**
 * {dots, lines, ranks, lanes} of a closed block when only that block is open: dots are {rank, lane, sign}, where lanes
 * lie around 0 and `sign` is null but where ways meet; lines are [from, to] of dots. The first dot is what comes in.
 */
export function waysOf(graph, open, block) {
  if (!known.has(graph)) known.set(graph, new Map());
  const blocks = known.get(graph);
  if (!blocks.has(block)) blocks.set(block, findWays(graph, open, block));
  return blocks.get(block);
}

function findWays(graph, open, block) {
  const inside = itemsOf(graph, new Set([...open, block])).filter(({ around }) => around.includes(block));
  const entry = { rank: 0, sign: null };
  const signOf = ({ block, node }) => (block === null ? SIGNS[node.kind] ?? null : null);
  const dots = new Map(inside.map((item) => [item, { rank: 0, sign: signOf(item) }]));
  const lines = [];
  for (const [item, dot] of dots) {
    const inputs = [...new Set(item.inputs.map((input) => dots.get(input) ?? entry))];
    dot.rank = Math.max(...inputs.map(({ rank }) => rank), 0) + 1;
    for (const input of inputs.length ? inputs : [entry]) lines.push([input, dot]);
  }
  const all = [entry, ...dots.values()];
  const columns = byRank(all);
  for (const column of columns.values()) {
    column.forEach((dot, i) => (dot.lane = i - (column.length - 1) / 2));
  }
  return {
    dots: all, lines, ranks: Math.max(...all.map(({ rank }) => rank)) + 1,
    lanes: Math.max(...[...columns.values()].map(({ length }) => length)),
  };
}

function byRank(dots) {
  const columns = new Map();
  for (const dot of dots) columns.set(dot.rank, [...(columns.get(dot.rank) ?? []), dot]);
  return columns;
}

/** Paints the ways into a box {x, y, width, height}; a line that passes a column runs around the dots in it. */
export function paintWays(context, { dots, lines, ranks, lanes }, { x, y, width, height }, colours, family) {
  const step = width / ranks;
  const radius = Math.min(Math.max(Math.min(step / 3.2, height / lanes / 2.6), SMALLEST_DOT), LARGEST_DOT);
  const lane = Math.min(height / lanes, 3.2 * radius + 2);
  const at = (dot) => [x + (dot.rank + 0.5) * step, y + height / 2 + dot.lane * lane];
  context.strokeStyle = colours.soft;
  context.fillStyle = colours.soft;
  context.lineWidth = 1;
  context.beginPath();
  for (const [from, to] of lines) {
    const [[x1, y1], [x2, y2]] = [at(from), at(to)];
    context.moveTo(x1, y1);
    const around = to.rank - from.rank > 1 && y1 === y2 ? y - height * 0.15 : null;
    if (around === null) context.lineTo(x2, y2);
    else context.bezierCurveTo(x1 + step / 2, around, x2 - step / 2, around, x2, y2);
  }
  context.stroke();
  context.font = `600 ${LETTERS}px ${family}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const dot of dots) paintDot(context, dot, at(dot), radius, step, colours);
}

function paintDot(context, { sign }, [x, y], radius, step, colours) {
  const room = sign && step >= LETTERS - 3;
  context.beginPath();
  context.arc(x, y, room ? LETTERS / 2 : sign ? radius * 1.4 : radius, 0, 2 * Math.PI);
  context.fillStyle = room ? colours.paper : sign ? colours.accent : colours.soft;
  context.fill();
  if (!room) return;
  context.strokeStyle = colours.accent;
  context.stroke();
  context.fillStyle = colours.accent;
  context.fillText(sign, x, y + 0.5);
}
