/** Layers in words: "convolution 5×5", "6 maps", "1×32×32". */

import { t } from "../i18n.js";
import { SOFTMAX } from "../state/softmax.js";
import { isVector } from "./layout.js";
import { functionOf, plainName, sortOf, wordsFor } from "./names.js";

const pair = (value) => (Array.isArray(value) ? value : [value, value]);
const sizeText = (value) => pair(value).join("×");
const isKnown = (value) => value !== undefined && value !== null;

/** The kind in the reader's language; the type's name for kinds that have no translation. */
function kindOf(node, network) {
  if (node.kind === "activation") return functionOf(node);
  const key = wordsFor((sort) => `kind.${sort}`, sortOf(node, network));
  return key ? t(key) : node.type;
}

/** The kind with its window, where it has one. */
export function kindWithSize(node, network) {
  const [kind, size] = [kindOf(node, network), windowText(node)];
  return size && !kind.includes(size) ? `${kind} ${size}` : kind; // "1×1 convolution" has it already
}

/** The window as "5×5"; nothing where there is none. */
export function windowText({ attributes }) {
  return isKnown(attributes?.kernel_size) ? sizeText(attributes.kernel_size) : "";
}

/** The part of a name that tells it from its neighbours: "conv1" of layer1.0.conv1, but "features.0" as it is. */
export function ownName(path) {
  const parts = path.split(".");
  const last = parts.at(-1);
  return /^\d/.test(last) ? parts.slice(-2).join(".") : last;
}

/** The shape of a layer's output, also where it is shown in another one. */
export const shapeText = ({ shape, table }) => (table ?? shape).join("×");

/** "6 maps", "120 values" or, of tokens, "192 features". */
export function amount({ shape, tokens }) {
  const values = shape.length === 2 ? shape[0] * shape[1] : shape[0];
  return t(isVector(shape) ? "layer.values" : tokens ? "layer.features" : "layer.maps", { n: values });
}

/** One line that says everything: "Conv 1 (C1): convolution 5×5, 6 maps, 6×28×28". */
export function sentence(node, network) {
  const what = `${kindWithSize(node, network)}, ${amount(node)}, ${shapeText(node)}`;
  const plain = plainName(node, network);
  return plain === node.name || node.name === SOFTMAX ? `${plain}${t("answer.colon")}${what}`
    : `${plain} (${node.name})${t("answer.colon")}${what}`;
}

/** Rows [word, value] for the shape, the settings and the number of parameters of a layer. */
export function facts(node) {
  const attributes = node.attributes ?? {};
  const rows = (keys, text) => keys.filter((key) => isKnown(attributes[key]))
    .map((key) => [t(`fact.${key}`), text(attributes[key])]);
  return [
    [t("fact.shape"), shapeText(node)],
    ...rows(["kernel_size", "stride", "padding", "dilation"], sizeText),
    ...rows(["groups", "eps", "p"], String),
    [t("fact.parameters"), node.parameters.toLocaleString("en")],
  ];
}
