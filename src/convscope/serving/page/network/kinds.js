/** Layers in words: "convolution 5×5", "1 × 32 × 32". */

import { has, t } from "../i18n.js";

const FUNCTIONS = { relu: "ReLU", relu6: "ReLU6", leaky_relu: "leaky ReLU", leakyrelu: "leaky ReLU", gelu: "GELU", silu: "SiLU",
  sigmoid: "sigmoid", tanh: "tanh", scaledtanh: "scaled tanh", hardswish: "hard swish", elu: "ELU", prelu: "PReLU" };

const pair = (value) => (Array.isArray(value) ? value : [value, value]);
const size = (value) => pair(value).join("×");

/** The kind in the reader's language; kinds that nobody foresaw keep their type's name. */
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
  const { kernel_size: kernel } = node.attributes ?? {};
  return kernel === undefined || kernel === null ? kindOf(node) : `${kindOf(node)} ${size(kernel)}`;
}

/** The window, or how many values there are, for where there is little room. */
export function windowOrAmount(node) {
  const kernel = node.attributes?.kernel_size;
  return kernel === undefined || kernel === null ? amount(node.shape) : size(kernel);
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
  const vector = shape.length < 3 || shape[1] * shape[2] === 1;
  return t(vector ? "layer.values" : "layer.maps", { n: shape[0] });
}

/** One line that says everything: "C1 · convolution 5×5, 6 maps, 6×28×28". */
export function sentence(node) {
  return `${node.name} · ${kindWithSize(node)}, ${amount(node.shape)}, ${shapeText(node.shape)}`;
}

/** [word, value] for what distinguishes a layer from others of its kind. */
export function facts(node) {
  const attributes = node.attributes ?? {};
  const rows = [];
  for (const key of ["kernel_size", "stride", "padding", "dilation"]) {
    if (attributes[key] !== undefined && attributes[key] !== null) rows.push([t(`fact.${key}`), size(attributes[key])]);
  }
  for (const key of ["groups", "eps", "p"]) {
    if (attributes[key] !== undefined && attributes[key] !== null) rows.push([t(`fact.${key}`), String(attributes[key])]);
  }
  rows.unshift([t("fact.shape"), shapeText(node.shape)]);
  rows.push([t("fact.parameters"), node.parameters.toLocaleString("en")]);
  return rows;
}
