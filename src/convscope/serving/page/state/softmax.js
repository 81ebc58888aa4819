/** The last step, which networks leave to their users: from logits to probabilities, term by term. */

/** Whether a picture may have several labels, whose probabilities do not depend on each other. */
export const isMultiLabel = (network) => network.task === "multi-label";

/** What the last step is called, in the keys of its words: of several labels a sigmoid for each. */
export const lastStep = (network) => (isMultiLabel(network) ? "sigmoid" : "softmax");

/** Stands for the step where a layer's name is expected; no module can be called that. */
export const SOFTMAX = "softmax()";

const steps = new WeakMap(); // network -> the node of its last step, or null

/** That step as a node of the graph; null where the network ends in one of its own. */
export function lastStepNode(network) {
  if (!steps.has(network)) steps.set(network, makeLastStep(network));
  return steps.get(network);
}

function makeLastStep(network) {
  const last = network.nodes.at(-1);
  const classes = network.class_names.length;
  const fits = last.shape.length === 1 && last.shape[0] === classes;
  if (!fits || ["softmax", "sigmoid"].includes(last.kind)) return null;
  return { name: SOFTMAX, kind: lastStep(network), type: lastStep(network), shape: [classes], inputs: [last.name],
    attributes: {}, parameters: 0, group: "" };
}

/** A node by its name, the last step included. */
export const nodeOf = (network, name) => (name === SOFTMAX ? lastStepNode(network) : network.byName.get(name));

const IN_ORDER = 20; // classes up to which all are shown, in their own order
const MOST_PROBABLE = 10; // of more classes

/** The numbers of the classes that stand in the column of the last step: all, or the most probable ones. */
export function classesShown({ network, forward }) {
  const count = network.class_names.length;
  if (count <= IN_ORDER) return Array.from({ length: count }, (_, i) => i);
  return forward ? forward.probabilities.slice(0, MOST_PROBABLE).map(({ index }) => index)
    : Array.from({ length: MOST_PROBABLE }, () => null);
}

/** The calculation of one probability, in the form that GET /api/arithmetic answers with. */
export function probabilityArithmetic(network, forward, index) {
  return isMultiLabel(network) ? sigmoidArithmetic(network, forward, index) : softmaxArithmetic(forward, index);
}

function softmaxArithmetic({ logits, probabilities, session }, index) {
  const largest = Math.max(...logits);
  const powers = logits.map((z) => Math.exp(z - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return {
    layer: SOFTMAX, kind: "softmax", type: "softmax", index: [index, null, null], operation: "softmax",
    terms: logits.map((value, i) => ({ input: null, index: [i], value, weight: null, product: powers[i],
      padded: false, chosen: i === index })),
    grid: null, bias: null, parameters: { largest, sum }, partial_sums: [],
    value: powers[index] / sum,
    network_value: probabilities.find((p) => p.index === index).probability,
    session, of: `${index},0,0`,
  };
}

function sigmoidArithmetic(network, { logits, probabilities, session }, index) {
  const value = 1 / (1 + Math.exp(-logits[index]));
  const term = { input: network.nodes.at(-1).name, index: [index, null, null], value: logits[index], weight: null,
    product: value, padded: false, chosen: true };
  return {
    layer: SOFTMAX, kind: "activation", type: "sigmoid", index: [index, null, null], operation: "function",
    terms: [term], grid: null, bias: null, parameters: { function: "sigmoid" }, partial_sums: [], value,
    network_value: probabilities.find((p) => p.index === index).probability,
    session, of: `${index},0,0`,
  };
}
