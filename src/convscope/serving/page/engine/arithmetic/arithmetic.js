/** One value of a network taken apart into the numbers that made it, as `convscope.insight.arithmetic` does. */

import { localGradient } from "./local_gradient.js";
import { batchNorm, groupNorm, layerNorm, responseNorm, softmax } from "./norms.js";
import { addition, copied, extreme, linear, product, reduction, squaredDistance } from "./sums.js";
import { termOf, Unit } from "./unit.js";
import { average, convolution, maximum, subSampling, transposedConvolution } from "./windows.js";

const EXPLAINED = {
  adaptive_average_pool: average, adaptive_max_pool: maximum, add: addition, amax: reduction, amin: reduction,
  average_pool: average, batch_norm: batchNorm, convolution, divide: product, group_norm: groupNorm,
  layer_norm: layerNorm, linear, local_response_norm: pytorchResponseNorm, log_softmax: softmax, max_pool: maximum,
  maximum: extreme, mean: reduction, minimum: extreme, multiply: product, softmax, subtract: addition, sum: reduction,
  transposed_convolution: transposedConvolution,
};
const WINDOWS = new Set(["convolution", "max_pool", "average_pool", "adaptive_max_pool", "adaptive_average_pool"]);
const PASSING = new Set(["reshape", "identity", "dropout", "strided", "gather", "pad", "concatenate"]);
const FORMULAS = {
  relu: "max(0, x)", relu6: "min(max(0, x), 6)", sigmoid: "1 / (1 + exp(-x))", tanh: "tanh(x)",
  silu: "x / (1 + exp(-x))", hardsigmoid: "min(max(0, x + 3), 6) / 6", softplus: "log(1 + exp(x))",
  hardswish: "x * min(max(0, x + 3), 6) / 6", leaky_relu: "x if x > 0 else negative_slope * x",
  elu: "x if x > 0 else alpha * (exp(x) - 1)", gelu: "x * Phi(x)", mish: "x * tanh(log(1 + exp(x)))",
  softsign: "x / (1 + |x|)", prelu: "x if x > 0 else weight * x",
  selu: "scale * (x if x > 0 else alpha * (exp(x) - 1))", celu: "max(0, x) + min(0, alpha * (exp(x/alpha) - 1))",
  log_sigmoid: "-log(1 + exp(-x))", neg: "-x", square: "x^2", sqrt: "sqrt(x)", exp: "exp(x)",
};
const NOT_POINTWISE = new Set([...WINDOWS, ...PASSING, ...Object.keys(EXPLAINED), "matmul"]);

/** PyTorch's form of local response normalisation. */
function pytorchResponseNorm(unit, operation) {
  const { size, alpha } = operation;
  const constants = { ...operation, alpha: alpha / size };
  return responseNorm(unit, operation.inputs[0], constants, "x / (k + alpha / size * sum(x^2)) ^ beta");
}

/** The sum of squares of the paper, which a layer computes by several operations; null if it is not such a layer. */
function krizhevskysResponseNorm(unit) {
  const numberIn = (name) => unit.operations.findLast(({ op }) => op === name)?.inputs
    .find((operand) => operand?.number !== undefined)?.number;
  const [alpha, k, beta] = ["multiply", "add", "pow"].map(numberIn);
  const size = unit.operations.filter(({ op }) => op === "strided").length;
  if (alpha === undefined || k === undefined || beta === undefined || size % 2 === 0) return null;
  const { inputs: [input] } = unit.operations[0];
  return responseNorm(unit, input, { size, alpha, beta, k }, "x / (k + alpha * sum(x^2)) ^ beta");
}

/** Layers of several operations that are explained as a whole; null for others. */
function layerAsAWhole(unit) {
  const { type } = unit.node;
  const named = (name) => unit.operations.find(({ op }) => op === name);
  if (type === "SubSampling") return subSampling(unit, unit.operations);
  if (type === "RBF") return squaredDistance(unit, unit.operations[0].inputs[0], named("subtract").inputs[1]);
  if (type === "LocalResponseNorm" && unit.operations.length > 1) return krizhevskysResponseNorm(unit);
  if (type === "ScaledTanh") return ofOneValue(unit, "1.7159 * tanh(2/3 * x)");
  return null;
}

/** A function of single values: the one value that it took. */
function ofOneValue(unit, formula, parameters = {}) {
  const [input] = unit.operations[0].inputs;
  const { data, shape } = unit.read(input);
  const place = unit.place.map((i, axis) => (shape[axis] === 1 ? 0 : i));
  const at = place.reduce((flat, i, axis) => flat * shape[axis] + i, 0);
  const value = unit.networkValue;
  return unit.result("function", [termOf(unit.nameOf(input), place, data[at])], formula, { ...parameters, value });
}

function pointwise(unit) {
  const [operation] = unit.operations;
  const { negative_slope: slope, alpha } = operation;
  const given = Object.entries({ negative_slope: slope, alpha }).filter(([, number]) => number !== undefined);
  if (unit.node.attributes.function === "hardtanh") {
    return ofOneValue(unit, "min(max(min_val, x), max_val)", { min_val: operation.low, max_val: operation.high });
  }
  return ofOneValue(unit, FORMULAS[operation.op] ?? `${operation.op}(x)`, Object.fromEntries(given));
}

function taken(unit) {
  const { operations, node } = unit;
  if (!operations.length) throw new RangeError(`${node.name} is where the numbers come from; choose a layer behind it`);
  const whole = layerAsAWhole(unit);
  if (whole) return whole;
  if (operations.every(({ op }) => PASSING.has(op))) return copied(unit, localGradient(unit));
  const heavy = operations.filter(({ op }) => op !== "pad" && op !== "reshape" && op !== "identity");
  const padded = operations.some(({ op }) => op === "pad");
  const reshaped = operations.some(({ op }) => op === "reshape");
  const [only] = heavy;
  if (heavy.length === 1 && !reshaped && (!padded || WINDOWS.has(only.op))) {
    if (only.op in EXPLAINED) return EXPLAINED[only.op](unit, only);
    if (!NOT_POINTWISE.has(only.op)) return pointwise(unit);
  }
  const terms = localGradient(unit);
  return unit.result("composite", terms, "weights are local gradients", { value: unit.networkValue });
}

/** How the value of `node` at `place` of a pass of one image came about. */
export function arithmeticOf(network, pass, node, place) {
  return taken(new Unit(network, pass, node, place));
}
