/** Where everything stands in the picture of a network. Pure arithmetic: no page, no pixels, no server. */

import { itemsOf } from "./blocks.js";

const HEAD = 114; // above an item's maps: "?", its name, window, shape, the code's name and the strongest colour
const WAYS = 34; // below the head of a closed block: its inner paths in small
const FOOT = 22; // below them: "+48 more"
const BRACKET = 26; // a line with the name of an open block
const TRACK = 12; // a line below the items, for connections that skip columns
const MOST_TRACKS = 6;
const GAP = [4, 14]; // between columns: at least, at most
const PAD = 8;
const COLUMN = { roomy: [84, 116], most: 150, wide: 260 };
const LANE_LEAST = 176; // the height of one of several items in a column
// Columns stay narrow if that brings most of the network in sight: if they fit a window so many times as wide.
const NEARLY_FITS = 1.35;
const LARGEST_MAP = 112;
const LARGEST_CELL = 20; // of a vector
export const LABEL_GAP = 5; // between a cell and the name of its class
const NEARLY_AS_LARGE = 0.94; // a squarer arrangement may cost so much of a map's size

/** Whether a layer of that shape is a vector. It is shown as one map whose cells are its values. */
export const isVector = (shape) => shape.length < 3 || shape[1] * shape[2] === 1;

/**
 * The layout {items, gap, brackets, arcs, width, height, byLayer} of a network in `room` {width, height}, the window.
 *
 * `counts(node)` tells how many maps of a layer are shown, `texts` {least(item), labels(node)} how many pixels its
 * words need: at least those of its head, and those of the names beside its cells, 0 for none. Items get `x, y, width,
 * height` and `grid` (see gridOf); `gap` lies between columns; `brackets` are the open blocks; `arcs` the connections
 * that skip columns, each with the height `y` at which it runs; `byLayer` maps the name of each layer to its item.
 */
export function layout(graph, open, counts, room, texts) {
  const items = itemsOf(graph, open);
  const columns = columnsOf(items);
  const brackets = bracketsOf(items);
  const arcs = arcsOf(items);
  const top = PAD + brackets.rows * BRACKET;
  const bottom = PAD + arcs.tracks * TRACK;
  const alone = Math.max(room.height - top - bottom, 200);
  const lanes = Math.max(...columns.map((column) => column.length));
  const tall = Math.max(alone, lanes > 1 ? lanes * LANE_LEAST : 0);
  const { widths, gap } = columnWidths(columns, counts, room.width, alone, texts);
  let x = PAD;
  columns.forEach((column, rank) => {
    const height = column.length > 1 ? tall / column.length : alone; // one by itself is never out of sight
    column.forEach((item, i) => {
      Object.assign(item, { x, y: top + i * height, width: widths[rank], height });
      const labels = item.block === null ? texts.labels(item.node) : 0;
      item.grid = gridOf(item.node.shape, counts(item.node), item, item.block !== null, labels);
    });
    x += widths[rank] + gap;
  });
  for (const bracket of brackets.list) placeBracket(bracket, items);
  const floor = Math.max(...items.map(({ grid }) => grid.bottom)) + FOOT;
  for (const arc of arcs.list) arc.y = floor + TRACK / 2 + arc.track * TRACK;
  return {
    items, gap, brackets: brackets.list, arcs: arcs.list, width: x - gap + PAD, height: top + tall + bottom,
    byLayer: new Map(items.flatMap((item) => item.members.map((node) => [node.name, item]))),
  };
}

/** Items by `rank`: one column behind the last of their inputs. In a column they stand near what they come from. */
function columnsOf(items) {
  const columns = [];
  for (const item of items) {
    item.rank = Math.max(-1, ...item.inputs.map(({ rank }) => rank)) + 1;
    (columns[item.rank] ??= []).push(item);
  }
  columns.forEach(arrangeLanes);
  return columns;
}

/** Orders the items of one column from top to bottom so that few connections cross. */
function arrangeLanes(column) {
  const share = ({ lane, lanes }) => (lane + 0.5) / lanes;
  const wish = ({ inputs }) => inputs.reduce((sum, input) => sum + share(input), 0) / (inputs.length || 1);
  const wishes = new Map(column.map((item) => [item, wish(item)]));
  column.sort((a, b) => wishes.get(a) - wishes.get(b));
  column.forEach((item, lane) => Object.assign(item, { lane, lanes: column.length }));
}

/** {widths, gap}: all columns get the least that they need; of what is left, those with many maps get more. */
function columnWidths(columns, counts, width, height, texts) {
  const words = columns.map((column) => Math.max(...column.map(texts.least)));
  const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
  const gaps = columns.length - 1;
  const narrow = sum(words) + gaps * GAP[0] + 2 * PAD <= width * NEARLY_FITS;
  const roomy = Math.min(Math.max(height * 0.19, COLUMN.roomy[0]), COLUMN.roomy[1]);
  const least = narrow ? words : words.map((own) => Math.max(own, roomy));
  const need = ({ node }) => (isVector(node.shape) ? 0.4 : counts(node) > 8 ? 1.6 : 1);
  const needs = columns.map((column) => Math.max(...column.map(need)));
  const spare = Math.max(width - 2 * PAD - GAP[0] * gaps - sum(least), 0);
  const gap = Math.min(GAP[0] + (0.3 * spare) / Math.max(gaps, 1), GAP[1]);
  const share = (spare - (gap - GAP[0]) * gaps) / sum(needs);
  const hasMany = ({ node }) => !isVector(node.shape) && counts(node) > 16;
  const widths = columns.map((column, rank) => (column.some(hasMany) ? COLUMN.wide
    : Math.min(least[rank] + share * needs[rank], Math.max(COLUMN.most, least[rank]))));
  return { widths, gap };
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
    while (rows[row]?.some(clash)) row += 1;
    (rows[row] ??= []).push(span);
    span.row = row;
  }
  return { list, rows: rows.length };
}

function placeBracket(bracket, items) {
  const inside = items.filter(({ around }) => around.includes(bracket.name));
  bracket.x = Math.min(...inside.map((item) => item.x)) - 4;
  bracket.width = Math.max(...inside.map((item) => item.x + item.width)) + 4 - bracket.x;
  bracket.y = PAD / 2 + bracket.row * BRACKET;
}

/** Connections that skip columns run below all columns, the longer the lower, none on the track of another. */
function arcsOf(items) {
  const list = items.flatMap((target) => target.inputs
    .filter((source) => target.rank - source.rank > 1).map((source) => ({ source, target })));
  const span = ({ source, target }) => target.rank - source.rank;
  list.sort((a, b) => span(a) - span(b));
  const tracks = [];
  for (const arc of list) {
    const apart = ({ source, target }) => target.rank <= arc.source.rank || arc.target.rank <= source.rank;
    const free = tracks.findIndex((others) => others.every(apart));
    arc.track = free >= 0 ? free : Math.min(tracks.length, MOST_TRACKS - 1);
    (tracks[arc.track] ??= []).push(arc);
  }
  return { list, tracks: tracks.length };
}

/**
 * `count` maps (or values of a vector) below an item's head, as large as they can be; in one column where each has a
 * label of so many pixels beside it:
 * {vector, count, labels, columns, rows, gap, width, height, x, y, bottom, ways}, where width and height are of one map
 * and `ways` is the box {x, y, width, height} for the inner paths of a closed block, else null.
 */
function gridOf(shape, count, { x, y, width, height }, stacked, labels) {
  const vector = isVector(shape);
  const beside = stacked ? 8 : labels ? labels + LABEL_GAP : 0;
  const head = HEAD + (stacked ? WAYS : 0);
  const room = { width: width - beside, height: height - head - FOOT };
  const [tall, wide] = vector ? [1, 1] : [shape[1], shape[2]];
  const ratio = tall / wide;
  const gap = vector ? (labels ? 3 : count > 1500 ? 0 : 1) : 4;
  const most = vector ? LARGEST_CELL : LARGEST_MAP;
  const widest = labels ? 1 : vector ? Math.ceil(Math.sqrt(count) * 1.5) + 1 : Math.min(count, 12);
  const choices = Array.from({ length: widest }, (_, i) => {
    const rows = Math.ceil(count / (i + 1));
    const across = (room.width - i * gap) / (i + 1);
    const down = (room.height - (rows - 1) * gap) / rows / ratio;
    return { columns: i + 1, size: Math.max(Math.min(across, down, most), 0.5) };
  });
  const largest = Math.max(...choices.map(({ size }) => size));
  const { columns, size } = choices.findLast((choice) => choice.size >= largest * NEARLY_AS_LARGE);
  const rows = Math.ceil(count / columns);
  const total = { width: columns * (size + gap) - gap, height: rows * (size * ratio + gap) - gap };
  const top = y + head + Math.max(room.height - total.height, 0) / 2;
  return {
    vector, count, labels, columns, rows, gap, width: size, height: size * ratio,
    x: x + (room.width - total.width) / 2, y: top, bottom: top + total.height,
    ways: stacked ? { x, y: y + HEAD - 6, width, height: WAYS - 6 } : null,
  };
}

/** The place of the i-th map or value of a grid. */
export function cellOf({ x, y, width, height, gap, columns }, i) {
  return { x: x + (i % columns) * (width + gap), y: y + Math.floor(i / columns) * (height + gap), width, height };
}

/** The map or value at a point: {item, position, row, column} with row and column from 0 to 1 in its cell; or null. */
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
