/** Where everything stands in the picture of a network. Pure arithmetic: no page, no pixels, no server. */

import { itemsOf } from "./blocks.js";

export const HEAD = 82; // above an item: its name, kind, shape and time
const FOOT = 22; // below: "+48 more"
const BRACKET = 26; // a line with the name of an open block
const ARC = 12; // a lane for connections that skip columns
const GAP = 14;
const PAD = 12;
const COLUMN = { least: 54, roomy: [84, 116], most: 150, wide: 260 };
const NEARLY = 1.35; // columns that would fit a window so much wider stay narrow: most of the network is in sight
const MAP_MOST = 112;
const NEARLY_AS_LARGE = 0.94; // a squarer arrangement may cost so much of a map's size
const LANE_LEAST = 176;

/** A layer of vectors has one map, whose values are its cells. */
export const isVector = (shape) => shape.length < 3 || shape[1] * shape[2] === 1;

/**
 * Items with `x, y, width, height` and `grid`, brackets of open blocks, links, and the size of it all.
 * `counts(node)` says how many maps of a layer are shown, `room` is {width, height} of the window.
 */
export function layout(graph, open, counts, room) {
  const items = itemsOf(graph, open);
  const columns = [];
  for (const item of items) {
    item.rank = Math.max(-1, ...item.inputs.map(({ rank }) => rank)) + 1;
    (columns[item.rank] ??= []).push(item);
  }
  columns.forEach(arrangeLanes);
  const brackets = bracketsOf(items);
  const top = PAD + brackets.rows * BRACKET;
  const arcs = arcsOf(items);
  const bottom = PAD + arcs.lanes * ARC;
  const lanes = Math.max(...columns.map((column) => column.length));
  const alone = Math.max(room.height - top - bottom, 200);
  const tall = Math.max(alone, lanes > 1 ? lanes * LANE_LEAST : 0);

  const roomy = Math.min(Math.max(alone * 0.19, COLUMN.roomy[0]), COLUMN.roomy[1]);
  const fits = columns.length * (COLUMN.least + GAP) + 2 * PAD <= room.width * NEARLY;
  const least = fits ? COLUMN.least : roomy;
  // Columns with many maps get more of what is left when all have the least that they need.
  const need = (node) => (isVector(node.shape) ? 0.6 : counts(node) > 8 ? 1.6 : 1);
  const needs = columns.map((column) => Math.max(...column.map(({ node }) => need(node))));
  const spare = room.width - 2 * PAD - GAP * (columns.length - 1) - least * columns.length;
  const share = Math.max(spare, 0) / needs.reduce((a, b) => a + b, 0);
  let x = PAD;
  columns.forEach((column, rank) => {
    const many = column.some(({ node }) => !isVector(node.shape) && counts(node) > 16);
    const width = many ? COLUMN.wide : Math.min(least + share * needs[rank], COLUMN.most);
    const lane = column.length > 1 ? tall / column.length : alone; // one by itself is never out of sight
    column.forEach((item, i) => {
      Object.assign(item, { x, y: top + i * lane, width, height: lane, rank });
      item.grid = gridOf(item.node.shape, counts(item.node), item, item.block !== null);
    });
    x += width + GAP;
  });
  for (const bracket of brackets.list) {
    const inside = items.filter(({ around }) => around.includes(bracket.name));
    bracket.x = Math.min(...inside.map((item) => item.x)) - 4;
    bracket.width = Math.max(...inside.map((item) => item.x + item.width)) + 4 - bracket.x;
    bracket.y = PAD / 2 + bracket.row * BRACKET;
  }
  const floor = Math.max(...items.map(({ grid }) => grid.bottom)) + FOOT;
  const height = top + tall + bottom;
  return { items, brackets: brackets.list, arcs: arcs.list, width: x - GAP + PAD, height, floor,
    byLayer: new Map(items.flatMap((item) => item.members.map((node) => [node.name, item]))) };
}

/** Items of one column from top to bottom, so that few links cross: each near what it comes from. */
function arrangeLanes(column) {
  const wish = ({ inputs }) => inputs.reduce((sum, { lane, lanes }) => sum + (lane + 0.5) / lanes, 0) / (inputs.length || 1);
  const wishes = new Map(column.map((item) => [item, wish(item)]));
  column.sort((a, b) => wishes.get(a) - wishes.get(b));
  column.forEach((item, lane) => Object.assign(item, { lane, lanes: column.length }));
}

/** Open blocks as spans of columns, in as few rows as keep them apart, outer ones above inner ones. */
function bracketsOf(items) {
  const spans = new Map();
  for (const { around, rank } of items) {
    around.forEach((name, depth) => {
      const span = spans.get(name) ?? { name, depth, from: rank, to: rank };
      spans.set(name, { ...span, from: Math.min(span.from, rank), to: Math.max(span.to, rank) });
    });
  }
  const list = [...spans.values()].sort((a, b) => a.depth - b.depth || a.from - b.from);
  const rows = [];
  for (const span of list) {
    let row = 0;
    const clash = (other) => other.from <= span.to && span.from <= other.to;
    while (rows[row]?.some((other) => clash(other))) row += 1;
    (rows[row] ??= []).push(span);
    span.row = row;
  }
  return { list, rows: rows.length };
}

/** Links that skip columns run below all columns, the longer the lower, none through another. */
function arcsOf(items) {
  const list = items.flatMap((target) => target.inputs
    .filter((source) => target.rank - source.rank > 1).map((source) => ({ source, target })));
  list.sort((a, b) => (a.target.rank - a.source.rank) - (b.target.rank - b.source.rank));
  const lanes = [];
  for (const arc of list) {
    arc.lane = lanes.findIndex((last) => last.every(({ source, target }) =>
      target.rank <= arc.source.rank || arc.target.rank <= source.rank));
    if (arc.lane < 0) arc.lane = lanes.length < 6 ? lanes.length : 5;
    (lanes[arc.lane] ??= []).push(arc);
  }
  return { list, lanes: lanes.length };
}

/**
 * `count` maps (or values of a vector) in the room below an item's head: as large as they can be.
 * {columns, rows, width, height, gap, x, y}: width and height are of one map.
 */
function gridOf(shape, count, { x, y, width, height }, stacked) {
  const vector = isVector(shape);
  const room = { width: width - (stacked ? 8 : 0), height: height - HEAD - FOOT };
  const [tall, wide] = vector ? [1, 1] : [shape[1], shape[2]];
  const ratio = tall / wide;
  const gap = vector ? (count > 1500 ? 0 : 1) : 4;
  const most = vector ? 20 : MAP_MOST;
  const widest = vector ? Math.ceil(Math.sqrt(count) * 1.5) + 1 : Math.min(count, 12);
  const choices = Array.from({ length: widest }, (_, i) => {
    const rows = Math.ceil(count / (i + 1));
    const across = (room.width - i * gap) / (i + 1);
    const down = (room.height - (rows - 1) * gap) / rows / ratio;
    return { columns: i + 1, size: Math.max(Math.min(across, down, most), 0.5) };
  });
  const largest = Math.max(...choices.map(({ size }) => size));
  const best = choices.findLast(({ size }) => size >= largest * NEARLY_AS_LARGE);
  const { columns, size } = best;
  const rows = Math.ceil(count / columns);
  const total = { width: columns * (size + gap) - gap, height: rows * (size * ratio + gap) - gap };
  return { vector, count, columns, rows, width: size, height: size * ratio, gap,
    x: x + (room.width - total.width) / 2, y: y + HEAD + Math.max(room.height - total.height, 0) / 2,
    bottom: y + HEAD + Math.max(room.height - total.height, 0) / 2 + total.height };
}

/** The place of the i-th map or value of an item. */
export function cellOf({ x, y, width, height, gap, columns }, i) {
  return { x: x + (i % columns) * (width + gap), y: y + Math.floor(i / columns) * (height + gap), width, height };
}

/** What lies at a point: {item, position, row, column} with row and column in 0..1 of the cell; or null. */
export function hit(items, x, y) {
  for (const item of items) {
    const { grid } = item;
    const [column, row] = [(x - grid.x) / (grid.width + grid.gap), (y - grid.y) / (grid.height + grid.gap)];
    if (column < 0 || row < 0 || column >= grid.columns || row >= grid.rows) continue;
    const position = Math.floor(row) * grid.columns + Math.floor(column);
    const cell = cellOf(grid, position);
    const inside = { row: (y - cell.y) / cell.height, column: (x - cell.x) / cell.width };
    if (position < grid.count && inside.row < 1 && inside.column < 1) return { item, position, ...inside };
  }
  return null;
}
