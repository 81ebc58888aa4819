/**
 * The view as a program: the picture, the changes and the selected value in PyTorch, which prints the page's numbers.
 * Names and numbers from outside the page stand in Python literals only.
 */

import { outputIndex } from "../network/tokens.js";
import { lastStep, SOFTMAX } from "./softmax.js";
import { isOff } from "./whatif.js";

const MOST_PIXELS = 600_000; // of a picture that is written into the program: 3 x 447 x 447
const LINES = /.{1,100}/g; // of the picture's text
const AT_ONCE = 8192; // bytes that are made a text in one go

const SNAPSHOTS = ["from convscope.snapshots import load_snapshot, snapshots_of"];
const NETWORKS = ["from convscope.opening import open_target", "from convscope.target import Target"];
const OWN_CODE = ["from convscope.classifier import card_of"];

/** The program as text; null while there is no answer. */
export function pytorchCode(state) {
  const { forward, network, classifiers, classifier } = state;
  if (!forward || !network) return null;
  const { whatif, epoch } = state;
  const { python, caution } = classifiers.find(({ id }) => id === classifier);
  const changes = [...edits(network, whatif), ...switchedOff(network, whatif)];
  return `${[
    "import base64", "",
    "import numpy as np", "import torch", "import torch.nn.functional as F", "", "import convscope as cs",
    "from convscope.insight import trace",
    ...(epoch === null || python.options ? [] : [...(python.model ? OWN_CODE : []), ...SNAPSHOTS]),
    ...(python.options ? NETWORKS : []), "",
    ...opened(python, epoch, caution), ...picture(state), ...changes, ...answer(state), ...selected(state),
  ].join("\n")}\n`;
}

/** A text as a Python literal: JSON's escapes are Python's, but for lone surrogates, which no name has. */
const text = (value) => JSON.stringify(value);
const tuple = (values) => `(${values.join(", ")}${values.length === 1 ? "," : ""})`;

/** How Python opens the classifier, by the names that it has on the service's machine. */
function opened({ source, model, options, bundled }, epoch, caution) {
  const hints = [
    ...(bundled ? [] : ["# Run this in the folder in which the page was started, or write whole paths for the names."]),
    ...(caution ? [`# ${caution.en}.`] : []),
  ];
  return [...hints, `classifier = ${call(source, model, options, epoch)}`,
    "network = classifier.network.train(False)"];
}

function call(source, model, options, epoch) {
  if (options) {
    const given = Object.entries(options).map(([key, value]) => `, ${key}=${value === true ? "True" : text(value)}`);
    return `open_target(Target(${text(source)}${given.join("")})).classifier`;
  }
  if (epoch === null) return `cs.load(${text(source)}${model ? `, model=${text(model)}` : ""})`;
  const card = model ? `, card_of(${text(model)})` : "";
  return `load_snapshot(snapshots_of(${text(source)}), ${epoch}${card})  # the weights after that epoch`;
}

/** Whether the picture is too large to be written into the program, which is then not offered. */
export const isTooLarge = ({ forward }) => forward?.seen.data.length > MOST_PIXELS;

function picture({ forward: { seen: { channels, height, width, data } } }) {
  const parts = Array.from({ length: Math.ceil(data.length / AT_ONCE) }, (_, i) =>
    String.fromCharCode(...data.subarray(i * AT_ONCE, (i + 1) * AT_ONCE)));
  const code = btoa(parts.join(""));
  const lines = code.match(LINES).map((line) => `    "${line}"`);
  return [
    "# The picture as the network sees it, before it is normalised.",
    "pixels = np.frombuffer(base64.b64decode(", ...lines, `), np.uint8).reshape(1, ${channels}, ${height}, ${width})`,
    "images = classifier.preprocess.normalize(torch.tensor(pixels))", "",
  ];
}

/** Kernels that were edited. */
function edits(network, { kernels }) {
  if (!kernels.length) return [];
  const lines = kernels.map(({ layer, map, input, values }) => {
    const node = network.byName.get(layer);
    const rows = values.map((row) => `[${row.join(", ")}]`).join(", ");
    const weight = `network.get_submodule(${text(node.module)}).weight`;
    const place = weightIndex(network, node, map, input);
    return `    ${weight}[${place}] = torch.tensor([${rows}]).reshape(${weight}[${place}].shape)`;
  });
  return ["# Kernels that were changed.", "with torch.no_grad():", ...lines, ""];
}

function weightIndex(network, { inputs, shape, attributes }, map, input) {
  if (attributes?.table) { // one kernel per connection, in the order of the output maps
    const before = attributes.table.slice(0, map).reduce((sum, row) => sum + row.length, 0);
    return String(before + attributes.table[map].indexOf(input));
  }
  const groups = attributes?.groups ?? 1;
  const channels = inputs.reduce((sum, name) => sum + network.byName.get(name).shape[0], 0);
  return `${map}, ${input - Math.floor(map / (shape[0] / groups)) * (channels / groups)}`;
}

/** Maps that were switched off; the hook counts, where a module is called more than once. */
function switchedOff(network, { channels_off: off }) {
  const layers = Object.entries(off).filter(([, maps]) => maps.length);
  if (!layers.length) return [];
  const lines = layers.map(([layer, maps]) => {
    const node = network.byName.get(layer);
    const call = layer.includes("#") ? Number(layer.split("#").at(-1)) : 1;
    return `switch_off(${text(node.module)}, ${call}, [${maps.join(", ")}]${axisOf(node)})`;
  });
  return [
    "",
    "def switch_off(module, call, maps, axis=1, shape=None):  # the maps of the module's `call`-th call are zero",
    "    calls = []",
    "    def hook(module, inputs, output):",
    "        calls.append(1)",
    "        if len(calls) == call:",
    "            values = output if shape is None else output.reshape(shape)",
    "            return values.index_fill(axis, torch.tensor(maps), 0).reshape(output.shape)",
    "    network.register_forward_pre_hook(lambda *_: calls.clear())",
    "    network.get_submodule(module).register_forward_hook(hook)", "",
    "", ...lines, "",
  ];
}

/** Which axis of the output counts the maps that the page shows, where it is not the second one. */
function axisOf({ table, tokens, last, shape }) {
  if (!table || tokens?.axis === 1) return "";
  return tokens || last ? ", axis=-1" : `, axis=0, shape=${tuple(shape)}`;
}

function answer({ network }) {
  return [
    "traced = trace(network, images)  # one pass, with the output of every operation",
    `logits = traced.output(${text(network.nodes.at(-1).name)})`,
    "chances = classifier.task.probabilities(logits)[0]",
    "for i in chances.argsort(descending=True)[:3].tolist():",
    "    print(f\"{classifier.class_names[i]}: {float(chances[i]):.1%}\")",
  ];
}

/** The selected value, and where it is a convolution or a dense layer, the same from its window and kernel. */
function selected({ selected: chosen, network, whatif }) {
  if (!chosen || chosen.map === undefined) return [];
  const { layer, map, y = 0, x = 0 } = chosen;
  if (layer === SOFTMAX) return ["", `print("${lastStep(network)}:", float(chances[${map}]))`];
  const node = network.byName.get(layer);
  const place = outputIndex(node, { map, y, x });
  const index = node.windows ? place : [0, ...place]; // else the first axis is that of the images
  const lines = ["", `value = traced.output(${text(layer)})[${index.join(", ")}]`,
    `print(${text(`${layer} ${tuple(place)}:`)}, float(value))`];
  return isOff(whatif, layer, map) ? lines : [...lines, ...byHand(network, node, { map, y, x })];
}

function byHand(network, node, { map, y, x }) {
  const { attributes = {}, inputs, type, module } = node;
  const isWhole = !node.table || node.tokens?.axis === 0 || node.last; // the features of one place are together
  if (inputs.length !== 1 || !module || !isWhole) return [];
  const token = node.table ? outputIndex(node, { map, y, x }).slice(0, -1).map((at) => `, ${at}`).join("") : "";
  const begin = ["", `layer = network.get_submodule(${text(module)})`,
    `inputs = traced.output(${text(inputs[0])})[0${token}]`];
  const print = "print(\"worked out by hand:\", by_hand.item())";
  const bias = attributes.bias ? ` + layer.bias[${map}]` : "";
  if (type === "Linear") {
    return [...begin, `by_hand = (inputs * layer.weight[${map}]).sum()${bias}`, print];
  }
  if (type !== "Conv2d" || attributes.pad || typeof attributes.padding === "string") return [];
  const [[sy, sx], [py, px], [dy, dx]] = ["stride", "padding", "dilation"].map((key) => attributes[key]);
  const [kh, kw] = attributes.kernel_size;
  const mode = attributes.padding_mode ? `, mode=${text(attributes.padding_mode)}` : "";
  const groups = attributes.groups ?? 1;
  const channels = network.byName.get(inputs[0]).shape[0] / groups;
  const first = Math.floor(map / (node.shape[0] / groups)) * channels;
  const range = (at, stride, size, dilation) =>
    `${at * stride}:${at * stride + (size - 1) * dilation + 1}${dilation > 1 ? `:${dilation}` : ""}`;
  return [
    ...begin, `padded = F.pad(inputs, ${tuple([px, px, py, py])}${mode})`,
    `window = padded[${first}:${first + channels}, ${range(y, sy, kh, dy)}, ${range(x, sx, kw, dx)}]`,
    `by_hand = (window * layer.weight[${map}]).sum()${bias}`, print,
  ];
}
