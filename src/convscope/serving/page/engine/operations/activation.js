/** Functions of single values, each with its derivative by input x and output y. */

const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const softplus = (x) => (x > 20 ? x : Math.log1p(Math.exp(x)));
const sigmoidOf = { forward: sigmoid, backward: (x, y) => y * (1 - y) };

/** The error function: W. J. Cody's accuracy is not needed; its series and its continued fraction reach 1e-14. */
function erf(x) {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  if (size < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n += 1) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n -= 1) fraction = n / 2 / (size + fraction);
  return Math.sign(x) * (1 - Math.exp(-size * size) / Math.sqrt(Math.PI) / (size + fraction));
}

const normalDensity = (x) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
const normalShare = (x) => (1 + erf(x / Math.SQRT2)) / 2;
const geluInner = (x) => Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3);

function gelu({ approximate }) {
  if (approximate !== "tanh") {
    return { forward: (x) => x * normalShare(x), backward: (x) => normalShare(x) + x * normalDensity(x) };
  }
  return {
    forward: (x) => 0.5 * x * (1 + Math.tanh(geluInner(x))),
    backward: (x) => {
      const t = Math.tanh(geluInner(x));
      return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
    },
  };
}

/** x where it is positive, else `below(x)`. */
const linearAbove = (below, slope) => ({
  forward: (x) => (x > 0 ? x : below(x)),
  backward: (x) => (x > 0 ? 1 : slope(x)),
});
const between = (low, high) => ({
  forward: (x) => Math.min(Math.max(x, low), high),
  backward: (x) => (x >= low && x <= high ? 1 : 0),
});
// Outside, like torch, without the ends themselves.
const within = (low, high) => ({ ...between(low, high), backward: (x) => (x > low && x < high ? 1 : 0) });

const FUNCTIONS = {
  abs: () => ({ forward: Math.abs, backward: Math.sign }),
  celu: ({ alpha }) => linearAbove((x) => alpha * Math.expm1(x / alpha), (x) => Math.exp(x / alpha)),
  clamp: ({ low, high }) => between(low ?? -Infinity, high ?? Infinity),
  elu: ({ alpha }) => linearAbove((x) => alpha * Math.expm1(x), (x) => alpha * Math.exp(x)),
  exp: () => ({ forward: Math.exp, backward: (x, y) => y }),
  gelu,
  hardsigmoid: () => ({
    forward: (x) => Math.min(Math.max(x + 3, 0), 6) / 6,
    backward: (x) => (x > -3 && x < 3 ? 1 / 6 : 0),
  }),
  hardswish: () => ({
    forward: (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
    backward: (x) => (x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5),
  }),
  leaky_relu: ({ negative_slope: slope = 0.01 }) => linearAbove((x) => slope * x, () => slope),
  log: () => ({ forward: Math.log, backward: (x) => 1 / x }),
  log_sigmoid: () => ({ forward: (x) => -softplus(-x), backward: (x) => sigmoid(-x) }),
  mish: () => ({
    forward: (x) => x * Math.tanh(softplus(x)),
    backward: (x) => {
      const t = Math.tanh(softplus(x));
      return t + x * (1 - t * t) * sigmoid(x);
    },
  }),
  neg: () => ({ forward: (x) => -x, backward: () => -1 }),
  reciprocal: () => ({ forward: (x) => 1 / x, backward: (x, y) => -y * y }),
  relu6: () => within(0, 6),
  rsqrt: () => ({ forward: (x) => 1 / Math.sqrt(x), backward: (x, y) => -0.5 * y ** 3 }),
  selu: () => linearAbove((x) => SELU_ALPHA * Math.expm1(x), (x) => SELU_ALPHA * Math.exp(x)),
  sigmoid: () => sigmoidOf,
  silu: () => ({
    forward: (x) => x * sigmoid(x),
    backward: (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x))),
  }),
  softplus: ({ beta = 1, threshold = 20 }) => ({
    forward: (x) => (x * beta > threshold ? x : Math.log1p(Math.exp(x * beta)) / beta),
    backward: (x) => (x * beta > threshold ? 1 : sigmoid(x * beta)),
  }),
  softsign: () => ({ forward: (x) => x / (1 + Math.abs(x)), backward: (x) => (1 + Math.abs(x)) ** -2 }),
  sqrt: () => ({ forward: Math.sqrt, backward: (x, y) => 0.5 / y }),
  square: () => ({ forward: (x) => x * x, backward: (x) => 2 * x }),
  tanh: () => ({ forward: Math.tanh, backward: (x, y) => 1 - y * y }),
};

/** In other rules than the gradient, what is negative does not go back (nor, guided, where the input was negative). */
function addRelu(step, into, passes) {
  const { inputs: [{ data }], gradient, pass: { rule } } = step;
  for (let i = 0; i < into.length; i += 1) {
    if (rule === null ? passes(data[i]) : gradient[i] > 0 && (rule === "deconvnet" || passes(data[i]))) {
      into[i] += gradient[i];
    }
  }
}

const pointwise = (functionOf) => ({
  forward(step) {
    const { data } = step.inputs[0];
    const { forward } = functionOf(step.settings);
    const output = step.create();
    for (let i = 0; i < output.length; i += 1) output[i] = forward(data[i]);
    return output;
  },
  backward(step) {
    const into = step.into(0);
    if (!into) return;
    const { inputs: [{ data }], output, gradient } = step;
    const { backward } = functionOf(step.settings);
    for (let i = 0; i < into.length; i += 1) into[i] += gradient[i] * backward(data[i], output[i]);
  },
});

const scaledSelu = (settings) => {
  const { forward, backward } = FUNCTIONS.selu(settings);
  return { forward: (x) => SELU_SCALE * forward(x), backward: (x) => SELU_SCALE * backward(x) };
};

/** ReLU in a loop of its own: it is the most frequent one. */
const relu = {
  forward(step) {
    const { data } = step.inputs[0];
    const output = step.create();
    for (let i = 0; i < output.length; i += 1) {
      const x = data[i];
      output[i] = x > 0 || x !== x ? x : 0;
    }
    return output;
  },
  backward(step) {
    const into = step.into(0);
    if (into) addRelu(step, into, (x) => x > 0);
  },
};

export const activations = {
  ...Object.fromEntries(Object.entries(FUNCTIONS).map(([name, functionOf]) => [name, pointwise(functionOf)])),
  relu,
  relu6: {
    ...pointwise(FUNCTIONS.relu6),
    backward(step) {
      const into = step.into(0);
      if (into) addRelu(step, into, (x) => x > 0 && x < 6);
    },
  },
  selu: pointwise(scaledSelu),
};
