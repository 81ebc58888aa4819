/**
 * The steps of the lesson, in order. `state` is the store's, `marks` are the network's landmarks.
 *
 *   id                      its words are below "lesson.ID" in i18n/
 *   highlight               selector of the part of the page that it speaks of
 *   needs                   the landmark without which the network has nothing to show here
 *   early                   it needs no answer of the network
 *   fromInput               it speaks of the network from its input on
 *   arrange(state, marks)   the changes of the store that show what the step speaks of
 *   values(state, marks)    what its words fill in
 *
 *   variant(marks, network)  the end of the keys of its words, where those of this kind of layer or network differ
 *
 * and its question: `answer(state, marks)`, a number; or `options`, of which the first is right; or `done(state)`,
 * whether it was done.
 */

import { functionOf, sortOf } from "../network/names.js";
import { percent, short } from "../numbers.js";
import { readsDigits } from "../state/first.js";
import { SOFTMAX } from "../state/softmax.js";
import { NO_CHANGES } from "../state/whatif.js";
import { largestPlace, smallestPlace, windowOf } from "./landmarks.js";

const CERTAIN = 0.9; // the probability from which the network has recognised a drawing
const LEAST_LOSS = 5e-4; // three decimals would show 0.000

export const STEPS = [
  {
    id: "image", fromInput: true, highlight: "#seen",
    arrange: () => ({}),
    values: ({ network: { input_size: [channels, height, width] } }) => ({ channels, height, width }),
    answer: ({ network }) => product(network.input_size),
  },
  {
    id: "convolution", highlight: "#drawer", needs: "conv",
    arrange: ({ forward }, { conv }) => ({ selected: largestPlace(forward, conv.name) }),
    values: ({ network }, { conv }) => ({ layer: conv.name, ...windowOf(conv, network) }),
    options: ["sum", "largest", "average"],
  },
  {
    id: "kernel", highlight: "#drawer", needs: "conv",
    arrange: ({ forward }, { conv }) => ({ selected: { layer: conv.name, map: largestPlace(forward, conv.name).map } }),
    values: ({ network }, { conv }) => ({ layer: conv.name, ...weightsPerMap(conv, network) }),
    answer: ({ network }, { conv }) => {
      const { k, inputs, bias } = weightsPerMap(conv, network);
      return k * k * inputs + bias;
    },
  },
  {
    id: "size", highlight: "#drawer", needs: "conv",
    arrange: (_, { conv }) => ({ selected: { layer: conv.name } }),
    values: ({ network }, { conv }) => {
      const window = windowOf(conv, network);
      return { layer: conv.name, maps: conv.shape[0], ...window, twice: 2 * window.s };
    },
    // With twice the stride.
    answer: ({ network }, { conv }) => {
      const { n, p, k, d, s } = windowOf(conv, network);
      return Math.floor((n + 2 * p - d * (k - 1) - 1) / (2 * s)) + 1;
    },
  },
  {
    id: "activation", highlight: "#drawer", needs: "activation",
    arrange: ({ forward, network }, { activation }) => ({ selected: activePlace(forward, activation, network) }),
    values: (_, { activation }) => ({ layer: activation.name, function: functionOf(activation) }),
    variant: ({ activation }) => ({ ReLU: "relu", tanh: "tanh" })[functionOf(activation)] ?? "other",
    options: ["one", "twice", "nothing"],
  },
  {
    id: "pooling", highlight: "#drawer", needs: "pool",
    arrange: ({ forward }, { pool }) => ({ selected: largestPlace(forward, pool.name) }),
    values: ({ network }, { pool }) => ({ layer: pool.name, ...windowOf(pool, network) }),
    variant: ({ pool }, network) => {
      const sort = sortOf(pool, network);
      return sort === "global_pool" ? "average" : sort.split("-")[1];
    },
    answer: ({ network }, { pool }) => {
      const { n, k } = windowOf(pool, network);
      return (pool.kind === "global_pool" ? n : k) ** 2;
    },
  },
  {
    id: "dense", highlight: "#drawer", needs: "linear",
    arrange: ({ forward }, { linear }) => ({ selected: largestPlace(forward, linear.name) }),
    values: ({ network }, { linear }) => {
      const source = network.byName.get(linear.inputs[0]);
      const inputs = source.tokens || source.last ? source.shape[0] : product(source.shape);
      return { layer: linear.name, inputs, outputs: linear.shape[0] };
    },
    answer: (_, { linear }) => linear.parameters,
  },
  {
    id: "softmax", highlight: "#answer", needs: "softmax",
    arrange: ({ forward }) => ({ selected: { layer: SOFTMAX, map: forward.probabilities[0].index, y: 0, x: 0 } }),
    values: ({ forward: { probabilities: [best] }, network }) =>
      ({ classes: network.class_names.length, label: best.label, share: percent(best.probability) }),
    answer: () => 1,
  },
  {
    id: "loss", highlight: "#answer", needs: "softmax",
    arrange: () => ({}),
    values: (state) => {
      const [index, other] = [trueClass(state), wrongClass(state)];
      const { probability } = state.forward.probabilities.find((one) => one.index === index);
      const { logits } = state.forward;
      const top = Math.max(...logits);
      const whole = top + Math.log(logits.reduce((sum, z) => sum + Math.exp(z - top), 0)); // shares may round to 0
      const loss = (at) => (whole - logits[at] < LEAST_LOSS ? "≈ 0" : short(whole - logits[at]));
      const [label, another] = [index, other].map((at) => state.network.class_names[at]);
      return { label, share: percent(probability), loss: loss(index), another, more: loss(other) };
    },
    options: ["smaller", "larger", "same"],
  },
  {
    id: "backward", highlight: "#network", needs: "softmax",
    arrange: (state) => ({ direction: "backward", label: wrongClass(state) }),
    values: (state) => ({ label: state.network.class_names[wrongClass(state)] }),
    variant: ({ activation }, network) =>
      (!network.nodes.some(isMaxPool) && activation && functionOf(activation) === "ReLU" ? "relu" : ""),
    options: ["largest", "even", "stops"],
  },
  {
    id: "descent", highlight: "#toolbar", needs: "softmax",
    arrange: (state) => ({ direction: "backward", label: trueClass(state) }),
    values: () => ({}),
    answer: () => 0.48,
  },
  {
    id: "yours", fromInput: true, highlight: "#draw", early: true,
    arrange: ({ source }) => ({ source: isOwn(source) ? source : null }),
    values: () => ({}),
    variant: (_, network) => (readsDigits(network) ? "digit" : "photo"),
    done: ({ source, forward, classifier }) => {
      const isAnswered = isOwn(source) && forward?.classifier === classifier;
      return isAnswered && forward.probabilities[0].probability > CERTAIN;
    },
  },
  {
    id: "stacked", fromInput: true, highlight: "#network",
    arrange: () => ({}),
    values: () => ({}),
    answer: () => 18, // two kernels of 3 x 3
  },
  {
    id: "single", highlight: "#drawer", needs: "single",
    arrange: ({ forward }, { single }) => ({ selected: largestPlace(forward, single.name) }),
    values: ({ network }, { single }) => {
      const { inputs, bias } = weightsPerMap(single, network);
      return { layer: single.name, inputs, outputs: single.shape[0], bias };
    },
    answer: ({ network }, { single }) => {
      const { inputs, bias } = weightsPerMap(single, network);
      return single.shape[0] * (inputs + bias);
    },
  },
  {
    id: "inception", highlight: "#drawer", needs: "concat",
    arrange: ({ forward }, { concat }) => ({ selected: largestPlace(forward, concat.name) }),
    values: ({ network }, { concat }) => ({
      layer: concat.name, parts: concat.inputs.map((name) => network.byName.get(name).shape[0]).join(" + "),
    }),
    answer: (_, { concat }) => concat.shape[0],
  },
  {
    id: "residual", highlight: "#drawer", needs: "add",
    arrange: ({ forward }, { add }) => ({ selected: largestPlace(forward, add.name) }),
    values: (_, { add }) => ({ layer: add.name, first: add.inputs[0], second: add.inputs[1] }),
    options: ["input", "zeros", "twice"],
  },
  {
    id: "invariance", fromInput: true, highlight: "#draw",
    arrange: () => ({}),
    values: () => ({}),
    variant: ({ conv }) => (conv ? "" : "dense"),
    options: ["moves", "stays", "vanishes"],
  },
  {
    id: "overfitting", highlight: "#to-training",
    arrange: () => ({}),
    values: () => ({}),
    options: ["heart", "short", "small"],
  },
  {
    id: "dropout", fromInput: true, highlight: "#network",
    arrange: () => ({ whatif: NO_CHANGES }),
    values: () => ({}),
    done: ({ whatif, forward, before, busy }) => {
      const isOff = Object.values(whatif.channels_off).some((maps) => maps.length);
      if (!isOff || busy || !forward || !before) return false;
      const best = forward.probabilities[0].index;
      return before.every((chance) => chance <= before[best]);
    },
  },
];

const isMaxPool = ({ kind, type }) => ["pool", "global_pool"].includes(kind) && /max/i.test(type ?? "");

const isOwn = (source) => source?.kind === "drawing" || source?.kind === "file";

const product = (shape) => shape.reduce((a, b) => a * b, 1);

/** A kernel's size, the input maps that it sees, and 1 for a bias. */
function weightsPerMap(conv, network) {
  const { k, inputs } = windowOf(conv, network);
  const { groups, bias } = conv.attributes;
  return { k, inputs: inputs / (groups ?? 1), bias: bias === false ? 0 : 1 };
}

/** A value of the activation whose input is negative: there the function does something. */
function activePlace(forward, activation, network) {
  const place = largestPlace(forward, activation.name);
  const source = forward.layers.get(network.byName.get(activation.inputs[0])?.name);
  return source && !source.vector ? { ...smallestPlace(forward, source.name), layer: activation.name } : place;
}

/** The class of the picture as far as it is known, else the most probable one. */
function trueClass({ source, examples, network, forward }) {
  const label = source?.kind === "example" ? examples.find(({ id }) => id === source.id)?.label : null;
  const index = network.class_names.indexOf(label);
  return index >= 0 ? index : forward.probabilities[0].index;
}

/** The most probable class that is wrong. */
const wrongClass = (state) => state.forward.probabilities.find(({ index }) => index !== trueClass(state)).index;
