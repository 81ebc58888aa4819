/** Values forward and gradients backward through a small graph of operations. Every value is a list of numbers. */

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

/** An operation on each number by itself; a list of one number goes with each number of the other list. */
function elementwise(f, slopes) {
  const at = (list, i) => list[list.length === 1 ? 0 : i];
  return {
    forward: (...inputs) => {
      const length = Math.max(...inputs.map((input) => input.length));
      return Array.from({ length }, (_, i) => f(...inputs.map((input) => at(input, i))));
    },
    backward: (gradient, inputs) => inputs.map((input, k) => {
      const parts = gradient.map((g, i) => g * slopes[k](...inputs.map((one) => at(one, i))));
      return input.length === 1 ? [parts.reduce((sum, part) => sum + part, 0)] : parts;
    }),
  };
}

function softmax(values) {
  const largest = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

const ONE = () => 1;
const total = (values) => values.reduce((sum, value) => sum + value, 0);

/** forward(...inputs) -> values; backward(gradient of the values, inputs) -> a gradient for each input. */
const OPERATIONS = {
  add: elementwise((a, b) => a + b, [ONE, ONE]),
  subtract: elementwise((a, b) => a - b, [ONE, () => -1]),
  multiply: elementwise((a, b) => a * b, [(a, b) => b, (a) => a]),
  halfSquare: elementwise((a) => (a * a) / 2, [(a) => a]),
  sigmoid: elementwise(sigmoid, [(a) => sigmoid(a) * (1 - sigmoid(a))]),
  relu: elementwise((a) => Math.max(a, 0), [(a) => (a > 0 ? 1 : 0)]),
  minusLog: elementwise((a) => -Math.log(a), [(a) => -1 / a]),
  sum: { forward: (values) => [total(values)], backward: ([g], [values]) => [values.map(() => g)] },
  // The first number of a list: here the chance of the true class.
  first: { forward: ([a]) => [a], backward: ([g], [values]) => [values.map((_, i) => (i ? 0 : g))] },
  softmax: {
    forward: softmax,
    backward: (gradient, [values]) => {
      const shares = softmax(values);
      const mean = total(shares.map((share, i) => share * gradient[i]));
      return [shares.map((share, i) => share * (gradient[i] - mean))];
    },
  },
};

/** Map of each node's values. `nodes` come in an order in which inputs are before what is made of them. */
export function forward(nodes, leaves) {
  const values = new Map();
  for (const { id, operation, inputs } of nodes) {
    const made = operation ? OPERATIONS[operation].forward(...inputs.map((input) => values.get(input))) : leaves[id];
    values.set(id, made);
  }
  return values;
}

/**
 * Map of the gradients of the last node's number, after going back through `steps` operations: what a node gets from
 * several others is added up.
 */
export function backward(nodes, values, steps = Infinity) {
  const gradients = new Map([[nodes.at(-1).id, [1]]]);
  const operations = nodes.filter(({ operation }) => operation).reverse().slice(0, steps);
  for (const { id, operation, inputs } of operations) {
    const parts = OPERATIONS[operation].backward(gradients.get(id), inputs.map((input) => values.get(input)));
    inputs.forEach((input, k) => {
      const before = gradients.get(input);
      gradients.set(input, parts[k].map((part, i) => part + (before ? before[i] : 0)));
    });
  }
  return gradients;
}
