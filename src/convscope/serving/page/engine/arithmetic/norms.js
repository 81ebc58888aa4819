/** Normalisations, and softmax, which makes a sum one. */

import { sizeOf } from "../weights.js";
import { flatPlace, placeOf, termOf } from "./unit.js";

function moments(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length };
}

/** `factor` is the place in weight and bias. */
function normalised(unit, operation, { mean, variance }, factor) {
  const [input, weight, bias] = operation.inputs;
  const value = unit.read(input).data[flatPlace(unit.place, unit.node.shape)];
  const parameters = { mean, variance, eps: operation.eps };
  let formula = "(x - mean) / sqrt(variance + eps)";
  let result = (value - mean) / Math.sqrt(variance + operation.eps);
  if (weight !== null) {
    parameters.weight = unit.parameter(weight, factor);
    formula += " * weight";
    result *= parameters.weight;
  }
  const shift = unit.parameter(bias, factor);
  if (shift !== null) {
    formula += " + bias";
    result += shift;
  }
  const term = termOf(unit.nameOf(input), unit.place, value);
  return unit.result("normalise", [term], formula, { ...parameters, bias: shift, value: result });
}

export function batchNorm(unit, operation) {
  const [, , , mean, variance] = operation.inputs;
  const [channel] = unit.place;
  const known = { mean: unit.parameter(mean, channel), variance: unit.parameter(variance, channel) };
  return normalised(unit, operation, known, channel);
}

export function groupNorm(unit, operation) {
  const { data } = unit.read(operation.inputs[0]);
  const [channel] = unit.place;
  const size = data.length / operation.groups;
  const group = Math.floor(channel / (unit.node.shape[0] / operation.groups));
  return normalised(unit, operation, moments(data.subarray(group * size, (group + 1) * size)), channel);
}

export function layerNorm(unit, operation) {
  const { data } = unit.read(operation.inputs[0]);
  const at = flatPlace(unit.place, unit.node.shape);
  const start = at - (at % operation.size);
  const own = moments(data.subarray(start, start + operation.size));
  return normalised(unit, operation, own, at % operation.size);
}

/** `alpha` here multiplies the sum: PyTorch's own norm divides its alpha by the size. */
export function responseNorm(unit, input, { size, alpha, beta, k }, formula) {
  const { data, shape } = unit.read(input);
  const [channel, ...place] = unit.place;
  const first = Math.max(channel - Math.floor(size / 2), 0);
  const last = Math.min(channel + Math.floor((size - 1) / 2), shape[0] - 1);
  const terms = Array.from({ length: last - first + 1 }, (_, i) => {
    const at = [first + i, ...place];
    const value = data[flatPlace(at, shape)];
    return termOf(unit.nameOf(input), at, value, value, { chosen: first + i === channel });
  });
  const energy = terms.reduce((sum, { product }) => sum + product, 0);
  const value = terms[channel - first].value / (k + alpha * energy) ** beta;
  return unit.result("normalise", terms, formula, { value, size, alpha, beta, k, sum: energy });
}

export function softmax(unit, operation) {
  const [input] = operation.inputs;
  const { data, shape } = unit.read(input);
  const { axis, op } = operation;
  const distance = sizeOf(shape.slice(axis + 1));
  const own = flatPlace(unit.place, shape);
  const start = own - unit.place[axis] * distance;
  const values = Array.from({ length: shape[axis] }, (_, i) => data[start + i * distance]);
  const maximum = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - maximum));
  const sum = powers.reduce((a, b) => a + b, 0);
  const terms = values.map((value, i) => {
    const place = placeOf(start + i * distance, shape);
    return { ...termOf(unit.nameOf(input), place, value), product: powers[i], chosen: i === unit.place[axis] };
  });
  const mine = unit.place[axis];
  const [formula, value] = op === "softmax"
    ? ["exp(x - max) / sum(exp(x - max))", powers[mine] / sum]
    : ["x - max - log(sum(exp(x - max)))", values[mine] - maximum - Math.log(sum)];
  return unit.result("softmax", terms, formula, { value, maximum, sum });
}
