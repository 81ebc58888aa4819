/**
 * The steps of the lesson. Each: `id` (its words are below "lesson.ID"), `show(state, marks)` the changes of the store,
 * `lit` the part of the page that it speaks of, `values(state, marks)` what the words fill in, and a question:
 * `answer(state, marks)` a number, or `options` of which the first is right (they are shuffled the same way each time), or
 * `done(state)`, something to do. `possible` says whether the network has what the step speaks of.
 */

import { SOFTMAX } from "../state/softmax.js";
import { percent } from "../numbers.js";
import { tellingPlace, windowOf } from "./landmarks.js";

const product = (shape) => shape.reduce((a, b) => a * b, 1);
const weightsOfMap = (node, network) => {
  const { k, inputs } = windowOf(node, network);
  return { k, inputs: inputs / (node.attributes.groups ?? 1), bias: node.attributes.bias === false ? 0 : 1 };
};
/** The class that the picture shows, if somebody said so, else the answer. */
function truth({ source, examples, network, forward }) {
  const label = source?.kind === "example" ? examples.find(({ id }) => id === source.id)?.label : null;
  const index = network.class_names.indexOf(label);
  return index >= 0 ? index : forward.probabilities[0].index;
}
const chanceOf = ({ forward }, index) => forward.probabilities.find((one) => one.index === index).probability;
const wrongClass = (state) => state.forward.probabilities.find(({ index }) => index !== truth(state)).index;

export const STEPS = [
  { id: "image", lit: "#seen",
    show: () => ({}),
    values: ({ network: { input_size: [channels, height, width] } }) => ({ channels, height, width }),
    answer: ({ network }) => product(network.input_size) },
  { id: "convolution", lit: "#drawer", possible: ({ conv }) => conv,
    show: ({ forward }, { conv }) => ({ selected: tellingPlace(forward, conv.name) }),
    values: ({ network }, { conv }) => ({ layer: conv.name, ...windowOf(conv, network) }),
    options: ["sum", "largest", "average"] },
  { id: "kernel", lit: "#drawer", possible: ({ conv }) => conv,
    show: ({ forward }, { conv }) => ({ selected: { layer: conv.name, map: tellingPlace(forward, conv.name).map } }),
    values: ({ network }, { conv }) => ({ layer: conv.name, ...weightsOfMap(conv, network) }),
    answer: ({ network }, { conv }) => {
      const { k, inputs, bias } = weightsOfMap(conv, network);
      return k * k * inputs + bias;
    } },
  { id: "size", lit: "#drawer", possible: ({ conv }) => conv,
    show: (_, { conv }) => ({ selected: { layer: conv.name } }),
    values: ({ network }, { conv }) => {
      const window = windowOf(conv, network);
      return { layer: conv.name, maps: conv.shape[0], ...window, twice: 2 * window.s };
    },
    answer: ({ network }, { conv }) => {
      const { n, p, k, d, s } = windowOf(conv, network);
      return Math.floor((n + 2 * p - d * (k - 1) - 1) / (2 * s)) + 1;
    } },
  { id: "activation", lit: "#drawer", possible: ({ activation }) => activation,
    show: ({ forward, network }, { activation }) => ({ selected: { ...tellingPlace(forward, activation.name), ...negativePlace(forward, activation, network) } }),
    values: (_, { activation }) => ({ layer: activation.name }),
    options: ["one", "twice", "nothing"] },
  { id: "pooling", lit: "#drawer", possible: ({ pool }) => pool,
    show: ({ forward }, { pool }) => ({ selected: tellingPlace(forward, pool.name) }),
    values: ({ network }, { pool }) => ({ layer: pool.name, ...windowOf(pool, network) }),
    answer: ({ network }, { pool }) => (pool.kind === "global_pool" ? windowOf(pool, network).n : windowOf(pool, network).k) ** 2 },
  { id: "dense", lit: "#drawer", possible: ({ linear }) => linear,
    show: ({ forward }, { linear }) => ({ selected: tellingPlace(forward, linear.name) }),
    values: ({ network }, { linear }) => ({ layer: linear.name, inputs: product(network.byName.get(linear.inputs[0]).shape), outputs: linear.shape[0] }),
    answer: (_, { linear }) => linear.parameters },
  { id: "softmax", lit: "#answer",
    show: ({ forward }) => ({ selected: { layer: SOFTMAX, map: forward.probabilities[0].index, y: 0, x: 0 } }),
    values: ({ forward, network }) => ({ classes: network.class_names.length, label: forward.probabilities[0].label, share: percent(forward.probabilities[0].probability) }),
    answer: () => 1 },
  { id: "loss", lit: "#answer",
    show: () => ({}),
    values: (state) => {
      const index = truth(state);
      const p = chanceOf(state, index);
      return { label: state.network.class_names[index], p: p.toPrecision(4), loss: Math.max(-Math.log(p), 0).toPrecision(3) };
    },
    options: ["smaller", "larger", "same"] },
  { id: "backward", lit: "#network",
    show: (state) => ({ direction: "backward", label: wrongClass(state) }),
    values: (state) => ({ label: state.network.class_names[wrongClass(state)] }),
    options: ["largest", "even", "stops"] },
  { id: "descent", lit: "#toolbar",
    show: (state) => ({ direction: "backward", label: truth(state) }),
    values: () => ({}),
    answer: () => 0.48 },
  { id: "yours", lit: "#draw", early: true,
    show: ({ source }) => ({ source: source?.kind === "drawing" ? source : null }),
    values: () => ({}),
    done: ({ source, forward, classifier }) => source?.kind === "drawing" && forward?.classifier === classifier && forward.probabilities[0].probability > 0.9 },
];

/** A place where the value that goes in is negative: there the function does something. */
function negativePlace(forward, activation, network) {
  const source = forward.layers.get(network.byName.get(activation.inputs[0])?.name);
  if (!source || source.vector) return {};
  const { map, y, x } = tellingPlace(forward, source.name, true);
  return { map, y, x };
}
