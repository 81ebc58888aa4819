/** The inputs that one value depends on, each with its local gradient as weight. */

import { OPERATIONS } from "../operations/operations.js";
import { flatPlace, placeOf, termOf } from "./unit.js";

const MOST_TERMS = 4096;

/** Terms of all inputs of the node whose gradient is not 0; at most the 4,096 with the largest share. */
export function localGradient(unit) {
  const { pass, node, operations } = unit;
  const own = new Set(operations.map(({ output }) => output));
  const gradients = new Map();
  const into = (operand) => {
    if (typeof operand !== "number") return null;
    if (!gradients.has(operand)) gradients.set(operand, new Float32Array(pass.values[operand].length));
    return gradients.get(operand);
  };
  into(node.value)[flatPlace(unit.place, node.shape)] = 1;
  for (const operation of [...operations].reverse()) {
    const step = pass.steps[operation.output - 1];
    const gradient = gradients.get(operation.output);
    if (!gradient) continue;
    const local = Object.create(step, {
      gradient: { value: gradient }, into: { value: (i) => into(operation.inputs[i]) },
      pass: { value: Object.create(pass, { rule: { value: null } }) },
    });
    OPERATIONS[operation.op].backward(local);
  }
  const terms = [];
  for (const [value, gradient] of gradients) {
    if (own.has(value)) continue;
    const { data, shape } = unit.read(value);
    gradient.forEach((weight, i) => {
      if (weight !== 0) terms.push(termOf(unit.nameOf(value), placeOf(i, shape), data[i], weight));
    });
  }
  return terms.sort((a, b) => Math.abs(b.product) - Math.abs(a.product)).slice(0, MOST_TERMS);
}
