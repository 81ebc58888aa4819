/** Convolutions and pooling: a window over maps, seen through a padding that the same layer put around them. */

import { termOf } from "./unit.js";

/** The maps that a window takes: their name, numbers and size, and how they are padded. */
function mapsBehind(unit, operand) {
  const padding = unit.operations.find(({ op, output }) => op === "pad" && output === operand);
  const inner = padding ? padding.inputs[0] : operand;
  const { data, shape: [, height, width] } = unit.read(inner);
  const [, top = 0, left = 0] = padding?.before ?? [];
  const [, rows, columns] = padding?.shape ?? [0, height, width];
  return { name: unit.nameOf(inner), data, height, width, top, left, rows, columns, fill: padding?.value ?? 0 };
}

/**
 * A term for each place of a window; rows and columns count within the padded maps, and null stands for none.
 * `weights(i)` is that of term i.
 */
function tapsOf(maps, channels, rows, columns, weights = () => null) {
  const terms = [];
  for (const channel of channels) {
    for (const row of rows) {
      for (const column of columns) {
        const [y, x] = [row === null ? null : row - maps.top, column === null ? null : column - maps.left];
        const padded = y === null || x === null || !(y >= 0 && y < maps.height && x >= 0 && x < maps.width);
        const inBorder = row >= 0 && row < maps.rows && column >= 0 && column < maps.columns;
        const outside = inBorder ? maps.fill : 0;
        const value = padded ? outside : maps.data[(channel * maps.height + y) * maps.width + x];
        terms.push(termOf(maps.name, [channel, y, x], value, weights(terms.length), { padded, counts: inBorder }));
      }
    }
  }
  return terms;
}

const range = (count, first = 0, step = 1) => Array.from({ length: count }, (_, i) => first + i * step);
const withoutCounts = (terms) => terms.map(({ counts, ...term }) => term);

/** Rows or columns of the window of output `i`. */
const windowAt = (i, axis, { stride, padding, dilation = [1, 1] }, kernel) =>
  range(kernel[axis], i * stride[axis] - padding[axis], dilation[axis]);

/** For kernels by a connection table, the place of each of their numbers (-1: no connection); null for others. */
function connectionsOf(unit, weight) {
  if (typeof weight !== "number") return null;
  const [, index] = unit.network.graph.operations[weight - 1].inputs;
  return unit.read(index).data;
}

export function convolution(unit, operation) {
  const [input, weight, bias] = operation.inputs;
  const maps = mapsBehind(unit, input);
  const { data, shape: [out, inputs, ...kernel] } = unit.read(weight);
  const [channel, y, x] = unit.place;
  const first = Math.floor(channel / (out / operation.groups)) * inputs;
  const size = kernel[0] * kernel[1];
  const start = channel * inputs * size;
  const connected = connectionsOf(unit, weight);
  const own = range(inputs).filter((i) => !connected || connected[start + i * size] >= 0);
  const channels = own.map((i) => first + i);
  const rows = windowAt(y, 0, operation, kernel);
  const columns = windowAt(x, 1, operation, kernel);
  const weights = (i) => data[start + own[Math.floor(i / size)] * size + (i % size)];
  const terms = withoutCounts(tapsOf(maps, channels, rows, columns, weights));
  const formula = `sum(w * x)${bias === null ? "" : " + b"}`;
  const more = { bias: unit.parameter(bias, channel), channels, window: kernel };
  return unit.result("sum of products", terms, formula, more);
}

/** Every input spreads its kernel around itself; here, the inputs whose kernels reach this place. */
export function transposedConvolution(unit, operation) {
  const [input, weight, bias] = operation.inputs;
  const maps = mapsBehind(unit, input);
  const { data, shape: [channels, perGroup, ...kernel] } = unit.read(weight);
  const { stride, padding, dilation, groups } = operation;
  const [channel, ...place] = unit.place;
  const [rows, columns] = [0, 1].map((axis) => range(kernel[axis]).map((k) => {
    const offset = place[axis] + padding[axis] - k * dilation[axis];
    return offset % stride[axis] === 0 ? offset / stride[axis] : null;
  }));
  const inputs = channels / groups;
  const own = range(inputs, Math.floor(channel / perGroup) * inputs);
  const size = kernel[0] * kernel[1];
  const start = (i) => (own[Math.floor(i / size)] * perGroup + (channel % perGroup)) * size + (i % size);
  const terms = withoutCounts(tapsOf(maps, own, rows, columns, (i) => data[start(i)]));
  const more = { bias: unit.parameter(bias, channel), channels: own, window: kernel };
  return unit.result("sum of products", terms, `sum(w * x)${bias === null ? "" : " + b"}`, more);
}

function windowOfPool(unit, operation) {
  const [channel, y, x] = unit.place;
  const maps = mapsBehind(unit, operation.inputs[0]);
  if (operation.kernel) {
    const axis = (i, a) => windowAt(i, a, operation, operation.kernel);
    return { channel, maps, rows: axis(y, 0), columns: axis(x, 1) };
  }
  const part = (i, size, count) =>
    range(Math.ceil(((i + 1) * size) / count) - Math.floor((i * size) / count), Math.floor((i * size) / count));
  const [, rows, columns] = operation.shape;
  return { channel, maps, rows: part(y, maps.rows, rows), columns: part(x, maps.columns, columns) };
}

export function maximum(unit, operation) {
  const { channel, maps, rows, columns } = windowOfPool(unit, operation);
  const terms = tapsOf(maps, [channel], rows, columns);
  const best = terms.filter(({ counts }) => counts).reduce((a, b) => (b.value > a.value ? b : a));
  best.chosen = true;
  for (const term of terms) if (Math.abs(term.value) > 1e38) term.value = 0; // a border that takes no part
  const more = { value: best.value, channels: [channel], window: [rows.length, columns.length] };
  return unit.result("maximum", withoutCounts(terms), "max(x)", more);
}

/** How many rows (or columns) of a window count: with the padding of the pool, or only those of the maps. */
function counted(window, size, padding, countPadding) {
  const [start, end] = [window[0], window[window.length - 1] + 1];
  return countPadding ? Math.min(end, size + padding) - start : Math.min(end, size) - Math.max(start, 0);
}

export function average(unit, operation) {
  const { channel, maps, rows, columns } = windowOfPool(unit, operation);
  const { padding = [0, 0], count_padding: withPadding } = operation;
  const n = operation.divisor ?? counted(rows, maps.rows, padding[0], withPadding)
    * counted(columns, maps.columns, padding[1], withPadding);
  const terms = withoutCounts(tapsOf(maps, [channel], rows, columns, () => 1 / n));
  return unit.result("average", terms, "sum(x) / n", { channels: [channel], window: [rows.length, columns.length], n });
}

/** LeNet-5's trainable pooling: the sum of a 2 x 2 field times one coefficient per map, plus one bias per map. */
export function subSampling(unit, [pool, product, sum]) {
  const { channel, maps, rows, columns } = windowOfPool(unit, pool);
  const weight = unit.parameter(product.inputs[1], channel);
  const terms = withoutCounts(tapsOf(maps, [channel], rows, columns, () => weight));
  const more = { bias: unit.parameter(sum.inputs[1], channel), channels: [channel], window: [2, 2] };
  return unit.result("sum of products", terms, "w * sum(x) + b", more);
}
