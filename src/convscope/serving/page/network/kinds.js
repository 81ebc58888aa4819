/** Layers in words: "convolution 5×5", "6 maps", "1×32×32". */

import { has, t } from "../i18n.js";
import { isVector } from "./layout.js";

const FUNCTIONS = {
  relu: "ReLU", relu6: "ReLU6", leaky_relu: "leaky ReLU", leakyrelu: "leaky ReLU", prelu: "PReLU", elu: "ELU",
  gelu: "GELU", silu: "SiLU", sigmoid: "sigmoid", tanh: "tanh", scaledtanh: "scaled tanh", hardswish: "hard swish",
};

const pair = (value) => (Array.isArray(value) ? value : [value, value]);
const sizeText = (value) => pair(value).join("×");
const isKnown = (value) => value !== undefined && value !== null;

/** The kind in the reader's language; the type's name for kinds that have no translation. */
export function kindOf(node) {
  if (node.kind === "pool") {
    const how = /max/i.test(node.type) ? "max" : /avg|average/i.test(node.type) ? "average" : "other";
    return t(`kind.pool.${how}`);
  }
  if (node.kind === "activation") {
    const called = node.attributes?.function ?? node.type;
    return FUNCTIONS[called.toLowerCase()] ?? node.type;
  }
  return has(`kind.${node.kind}`) && node.kind !== "other" ? t(`kind.${node.kind}`) : node.type;
}

/** The kind with its window, where it has one. */
export function kindWithSize(node) {
  const kernel = node.attributes?.kernel_size;
  return isKnown(kernel) ? `${kindOf(node)} ${sizeText(kernel)}` : kindOf(node);
}

/** The window, or the number of maps, for where there is little room. */
export function windowOrAmount(node) {
  const kernel = node.attributes?.kernel_size;
  return isKnown(kernel) ? sizeText(kernel) : amount(node.shape);
}

/** The part of a name that tells it from its neighbours: "conv1" of layer1.0.conv1, but "features.0" as it is. */
export function ownName(path) {
  const parts = path.split(".");
  const last = parts.at(-1);
  return /^\d/.test(last) ? parts.slice(-2).join(".") : last;
}

export const shapeText = (shape) => shape.join("×");

/** "6 maps" or "120 values". */
export function amount(shape) {
  return t(isVector(shape) ? "layer.values" : "layer.maps", { n: shape[0] });
}

/** One line that says everything: "C1 · convolution 5×5, 6 maps, 6×28×28". */
export function sentence(node) {
  return `${node.name} · ${kindWithSize(node)}, ${amount(node.shape)}, ${shapeText(node.shape)}`;
}

/** Rows [word, value] for the shape, the settings and the number of parameters of a layer. */
export function facts(node) {
  const attributes = node.attributes ?? {};
  const rows = (keys, text) => keys.filter((key) => isKnown(attributes[key]))
    .map((key) => [t(`fact.${key}`), text(attributes[key])]);
  return [
    [t("fact.shape"), shapeText(node.shape)],
    ...rows(["kernel_size", "stride", "padding", "dilation"], sizeText),
    ...rows(["groups", "eps", "p"], String),
    [t("fact.parameters"), node.parameters.toLocaleString("en")],
  ];
}
