/** Names that a learner can read: "Conv 1", "ReLU 2", "Output". The code's own names stand beneath them. */

import { has, t } from "../i18n.js";
import { lastStep, SOFTMAX } from "../state/softmax.js";

const FUNCTIONS = {
  relu: "ReLU", relu6: "ReLU6", leaky_relu: "leaky ReLU", leakyrelu: "leaky ReLU", prelu: "PReLU", elu: "ELU",
  gelu: "GELU", silu: "SiLU", sigmoid: "sigmoid", tanh: "tanh", scaledtanh: "tanh", hardswish: "hard swish",
};

/** The type of an activation as it is written in texts. */
export function functionOf({ type, attributes }) {
  const called = attributes?.function ?? type;
  return FUNCTIONS[called.toLowerCase()] ?? type;
}

// Layers that do something else than their kind says: [kind, what their type is called, sort].
const SPECIAL = [
  ["other", /^RBF$/, "rbf"], ["other", /^neg$/i, "neg"],
  ["global_pool", /max/i, "global_pool-max"],
  ["norm", /local_?response/i, "norm-local"], ["norm", /layer|group|instance/i, "norm-own"],
  ["identity", /StochasticDepth|DropPath/, "identity-depth"],
  ["reshape", /PaddedIdentity/, "reshape-padded"],
  ["flatten", /getitem|select|narrow/, "flatten-part"], ["reshape", /getitem|select|narrow/, "flatten-part"],
];

/**
 * What a layer does, finer than its kind: the end of the keys "short.", "kind." and "explain." of its words. A layer
 * that the page has no words for is "other".
 */
export function sortOf({ kind, type, attributes, shape, inputs, tokens, last }, network) {
  if (kind === "linear" && (tokens || last)) return "linear-tokens";
  if (kind === "pool") {
    if (/subsampl/i.test(type)) return "pool-trained";
    return /max/i.test(type) ? "pool-max" : /avg|average/i.test(type) ? "pool-average" : "pool-other";
  }
  if (kind === "conv") return sortOfConv(type, attributes ?? {}, shape, network?.byName.get(inputs[0]));
  return SPECIAL.find(([some, words]) => some === kind && words.test(type))?.[2] ?? kind;
}

function sortOfConv(type, { kernel_size: kernel, groups }, shape, source) {
  if (/transpose/i.test(type)) return "conv-transposed";
  if (/table/i.test(type)) return "conv-table";
  if (source && groups > 1 && groups === source.shape[0]) return "conv-depthwise";
  const single = Array.isArray(kernel) ? kernel.every((size) => size === 1) : kernel === 1;
  return single && shape.length === 3 ? "conv-single" : "conv";
}

/** The most exact key that there is: of "explain.pool-max" or "explain.pool"; `key` makes one of a sort. */
export function wordsFor(key, sort) {
  return [key(sort), key(sort.split("-")[0])].find(has) ?? null;
}

const shortKey = (sort) => `short.${sort}`;

const numbered = new WeakMap(); // network -> Map from each node's name to {sort, n, many}

/** How many layers of its sort come before each node. Elementwise functions are told apart by where they stand. */
function numbersOf(network) {
  if (numbered.has(network)) return numbered.get(network);
  const counts = new Map();
  const places = new Map();
  for (const node of network.nodes) {
    const sort = sortOf(node, network);
    const family = wordsFor(shortKey, sort) ?? node.type;
    const n = (counts.get(family) ?? 0) + 1;
    counts.set(family, n);
    places.set(node.name, { sort, family, n });
  }
  for (const place of places.values()) place.many = counts.get(place.family) > 1;
  numbered.set(network, places);
  return places;
}

const UNNUMBERED = new Set(["input", "activation", "flatten", "dropout", "identity", "pad", "reshape"]);

/** "Conv 1", "Pool 2", "Output": what a learner calls a layer. */
export function plainName(node, network) {
  if (node.name === SOFTMAX) return t(`short.${lastStep(network)}`);
  if (node === network.nodes.at(-1) && node.shape[0] === network.class_names.length) return t("short.output");
  if (node.kind === "activation") return functionOf(node);
  const place = numbersOf(network).get(node.name);
  if (!place) return node.name;
  const key = wordsFor(shortKey, place.sort);
  const word = key ? t(key) : node.type;
  return place.many && !UNNUMBERED.has(node.kind) ? `${word} ${place.n}` : word;
}
