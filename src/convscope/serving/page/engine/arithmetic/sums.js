/** Linear layers, sums over whole axes, and operations on two inputs. */

import { sizeOf } from "../weights.js";
import { flatPlace, placeOf, shownPlace, termOf } from "./unit.js";

export function linear(unit, operation) {
  const [input, weight, bias] = operation.inputs;
  const { data, shape } = unit.read(input);
  const weights = unit.read(weight);
  const [out, depth] = weights.shape;
  const before = unit.place.slice(0, -1);
  const unitNumber = unit.place[unit.place.length - 1] % out;
  const row = flatPlace(before, shape) * depth;
  const terms = Array.from({ length: depth }, (_, i) =>
    termOf(unit.nameOf(input), [...before, i], data[row + i], weights.data[unitNumber * depth + i]));
  const formula = `sum(w * x)${bias === null ? "" : " + b"}`;
  return unit.result("sum of products", terms, formula, { bias: unit.parameter(bias, unitNumber) });
}

export function reduction(unit, operation) {
  const [input] = operation.inputs;
  const { data, shape } = unit.read(input);
  const { axes, op } = operation;
  const kept = shape.length === operation.shape.length;
  const rest = unit.place.filter((_, axis) => !kept || !axes.includes(axis)).values();
  const fixed = shape.map((_, axis) => (axes.includes(axis) ? null : rest.next().value));
  const sides = axes.map((axis) => shape[axis]);
  const n = sizeOf(sides);
  const weight = { mean: 1 / n, sum: 1 }[op] ?? null;
  const terms = Array.from({ length: n }, (_, i) => {
    const inner = placeOf(i, sides).values();
    const place = fixed.map((at) => at ?? inner.next().value);
    return termOf(unit.nameOf(input), place, data[flatPlace(place, shape)], weight);
  });
  const more = shape.length === 3 && axes.join() === "1,2" ? { channels: [fixed[0]], window: shape.slice(1) } : {};
  if (op === "mean") return unit.result("average", terms, "sum(x) / n", { ...more, n });
  if (op === "sum") return unit.result("sum", terms, "sum(x)", more);
  const best = terms.reduce((a, b) => ((op === "amax" ? b.value > a.value : b.value < a.value) ? b : a));
  best.chosen = true;
  return unit.result("maximum", terms, `${op.slice(1)}(x)`, { ...more, value: best.value });
}

/** The value of an operand that is broadcast to this place. */
function operandOf(unit, operand) {
  const { data, shape } = unit.read(operand);
  const place = unit.place.slice(unit.place.length - shape.length).map((i, axis) => (shape[axis] === 1 ? 0 : i));
  const own = operand.number === undefined ? place : [];
  return termOf(unit.nameOf(operand), own, data[flatPlace(place, shape)]);
}

export function addition(unit, operation) {
  const sign = operation.op === "add" ? 1 : -1;
  const terms = operation.inputs.map((operand, i) => {
    const { input, index, value } = operandOf(unit, operand);
    return { ...termOf(input, [], value, i ? sign : 1), index };
  });
  return unit.result("sum", terms, sign > 0 ? "a + b" : "a - b");
}

export function product(unit, operation) {
  const [term, factor] = operation.inputs.map((operand) => operandOf(unit, operand));
  const isProduct = operation.op === "multiply";
  const weight = isProduct ? factor.value : 1 / factor.value;
  const weightFrom = { input: factor.input, index: factor.index };
  const terms = [{ ...term, weight, product: term.value * weight, weight_from: weightFrom }];
  return unit.result("sum of products", terms, isProduct ? "a * b" : "a / b");
}

export function extreme(unit, operation) {
  const terms = operation.inputs.map((operand) => operandOf(unit, operand));
  const sign = operation.op === "maximum" ? 1 : -1;
  const best = sign * terms[1].value > sign * terms[0].value ? terms[1] : terms[0];
  best.chosen = true;
  return unit.result("maximum", terms, `${operation.op.slice(0, 3)}(a, b)`, { value: best.value });
}

/** LeNet-5's output: the squared distance to the target of a class. */
export function squaredDistance(unit, input, targets) {
  const { data } = unit.read(input);
  const { data: all, shape: [, count] } = unit.read(targets);
  const terms = Array.from({ length: count }, (_, i) => {
    const target = all[unit.place[0] * count + i];
    return { ...termOf(unit.nameOf(input), [i], data[i], target), product: (data[i] - target) ** 2 };
  });
  return unit.result("sum", terms, "sum((x - w)^2)");
}

/** What only passes a value on: its one source, which the gradient tells. */
export function copied(unit, sources) {
  const [source] = sources;
  if (!source) {
    const value = unit.networkValue; // a border
    const term = termOf(unit.node.inputs[0], [], value, 1, { padded: true });
    return unit.result("copy", [term], "x");
  }
  return unit.result("copy", [{ ...source, weight: 1, product: source.value, index: shownPlace(source.index) }], "x");
}
