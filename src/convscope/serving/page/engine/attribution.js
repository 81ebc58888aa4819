/** Heat maps of the evidence for a class, or for it rather than another one: the methods of `convscope explain`. */

import { sizeOf } from "./weights.js";

// Maps below this side say little about where something is.
const FINE = 7;
const STEPS = 50;

/** The score's gradient by the logits: 1 for the label, -1 for the class that it is compared with. */
function seedOf(network, images, label, versus) {
  const classes = sizeOf(network.valueInfo(network.graph.answer).shape);
  const seed = new Float32Array(images * classes);
  for (let n = 0; n < images; n += 1) {
    seed[n * classes + label] += 1;
    if (versus !== null) seed[n * classes + versus] -= 1;
  }
  return new Map([[network.graph.answer, seed]]);
}

function scoreOf(network, input, label, versus) {
  const logits = network.logits(network.forward(input));
  return logits[label] - (versus === null ? 0 : logits[versus]);
}

/** For each position of the image, a summary of its channels. */
function overChannels([channels, height, width], values, combine) {
  const area = height * width;
  return Float32Array.from({ length: area }, (_, i) => {
    let result = 0;
    for (let c = 0; c < channels; c += 1) result = combine(result, values[c * area + i]);
    return result;
  });
}

const sum = (total, value) => total + value;
const largest = (most, value) => Math.max(most, Math.abs(value));

function inputGradient({ network, input, label, versus }, rule = null) {
  const pass = network.forward(input);
  pass.backward(seedOf(network, 1, label, versus), { rule, tensors: false });
  return pass.gradients[0];
}

/** The layer that a class-activation map is made from: the last whose maps are fine enough, or a given one. */
function mapLayer(graph, layer = null) {
  const maps = graph.nodes.filter(({ shape, kind }) => shape.length === 3 && kind !== "input");
  if (layer !== null) return maps.find(({ name }) => name === layer) ?? null;
  const fine = maps.filter(({ shape, kind }) => Math.min(...shape.slice(1)) >= FINE && kind !== "conv");
  const some = fine.length ? fine : maps.filter(({ shape }) => shape[1] * shape[2] > 1);
  return some[some.length - 1] ?? null;
}

/** Bilinear enlargement, in which the outermost pixels' centres do not coincide. */
function enlarged(values, height, width, rows, columns) {
  const along = (i, size, count) => {
    const at = Math.max(((i + 0.5) * size) / count - 0.5, 0);
    const first = Math.min(Math.floor(at), size - 1);
    return [first, Math.min(first + 1, size - 1), at - first];
  };
  return Float32Array.from({ length: rows * columns }, (_, i) => {
    const [top, bottom, down] = along(Math.floor(i / columns), height, rows);
    const [left, right, across] = along(i % columns, width, columns);
    const row = (y) => values[y * width + left] * (1 - across) + values[y * width + right] * across;
    return row(top) * (1 - down) + row(bottom) * down;
  });
}

/** Grad-CAM weights each map by its mean gradient, HiResCAM each position by its own. */
function classActivationMap({ network, input, label, versus, layer }, byPosition) {
  const node = mapLayer(network.graph, layer);
  if (!node) throw new RangeError(`${layer ?? "this network"} gives no maps`);
  const [channels, height, width] = node.shape;
  const area = height * width;
  const pass = network.forward(input);
  pass.backward(seedOf(network, 1, label, versus), { tensors: false });
  const maps = pass.values[node.value];
  const gradient = pass.gradients[node.value];
  if (!gradient) throw new RangeError(`the answer does not depend on ${node.name}`);
  const heat = new Float32Array(area);
  for (let c = 0; c < channels; c += 1) {
    const own = gradient.subarray(c * area, (c + 1) * area);
    const mean = own.reduce(sum, 0) / area;
    for (let i = 0; i < area; i += 1) heat[i] += maps[c * area + i] * (byPosition ? own[i] : mean);
  }
  const signed = versus === null ? heat.map((value) => Math.max(value, 0)) : heat;
  const [, rows, columns] = network.graph.input;
  return enlarged(signed, height, width, rows, columns);
}

/** Places and weights of Gauss and Legendre between 0 and 1, by Newton's method. */
function gaussLegendre(count) {
  return Array.from({ length: count }, (_, i) => {
    let x = Math.cos((Math.PI * (i + 0.75)) / (count + 0.5));
    let slope = 1;
    for (let turn = 0; turn < 20; turn += 1) {
      let [before, value] = [1, x];
      for (let n = 2; n <= count; n += 1) [before, value] = [value, ((2 * n - 1) * x * value - (n - 1) * before) / n];
      slope = (count * (x * value - before)) / (x * x - 1);
      x -= value / slope;
    }
    return { at: (x + 1) / 2, weight: 1 / ((1 - x * x) * slope * slope) };
  });
}

function integratedGradients(question) {
  const { network, input } = question;
  const total = new Float64Array(input.length);
  for (const { at, weight } of gaussLegendre(STEPS)) {
    const gradient = inputGradient({ ...question, input: input.map((value) => value * at) });
    gradient.forEach((value, i) => (total[i] += value * weight));
  }
  return overChannels(network.graph.input, total.map((value, i) => value * input[i]), sum);
}

/** By how much the score falls when a square is filled with 0, the mean colour; where squares overlap, their mean. */
function occlusion({ network, input, label, versus }) {
  const [channels, height, width] = network.graph.input;
  const side = Math.min(height, width);
  const window = Math.min(Math.max(Math.round(side / 6), 1), side);
  const stride = Math.max(Math.floor(window / 2), 1);
  const score = scoreOf(network, input, label, versus);
  const total = new Float64Array(height * width);
  const count = new Float64Array(height * width);
  const starts = (size) => Array.from({ length: Math.ceil((size - window) / stride) + 1 }, (_, i) => i * stride);
  for (const top of starts(height)) {
    for (const left of starts(width)) {
      const places = [];
      for (let y = top; y < Math.min(top + window, height); y += 1) {
        for (let x = left; x < Math.min(left + window, width); x += 1) places.push(y * width + x);
      }
      const hidden = input.slice();
      for (let c = 0; c < channels; c += 1) for (const place of places) hidden[c * height * width + place] = 0;
      const fall = score - scoreOf(network, hidden, label, versus);
      for (const place of places) {
        total[place] += fall;
        count[place] += 1;
      }
    }
  }
  return Float32Array.from(total, (value, i) => (count[i] ? value / count[i] : 0));
}

const shapeOf = ({ network }) => network.graph.input;
const METHODS = {
  "grad-cam": (question) => classActivationMap(question, false),
  "hires-cam": (question) => classActivationMap(question, true),
  "guided-backprop": (question) => overChannels(shapeOf(question), inputGradient(question, "guided"), sum),
  "integrated-gradients": integratedGradients,
  saliency: (question) => overChannels(shapeOf(question), inputGradient(question), largest),
  occlusion,
  deconvnet: (question) => overChannels(shapeOf(question), inputGradient(question, "deconvnet"), sum),
};

/** A heat map of the image's size for { network, input (of one image), label, versus (or null), layer (or null) }. */
export function attribute(method, question) {
  if (!(method in METHODS)) throw new RangeError(`no method '${method}': choose ${Object.keys(METHODS).join(", ")}`);
  return METHODS[method](question);
}
