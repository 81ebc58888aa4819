/** Files to save: the network as a picture, the numbers in view as CSV, all numbers as JSON. */

import { cssColour, css } from "../colour.js";
import { valueAt } from "../numbers.js";
import { kindWithSize, shapeText } from "./kinds.js";
import { paintNetwork } from "./paint.js";
import { planOf, sceneOf } from "./scene.js";

const ROOM = { width: 1200, height: 560 }; // the window for which the picture is laid out
const SCALE = 2; // pixels of the picture for one of the page
const LONGEST = 16_000; // browsers refuse canvases that are longer

/** The whole network, with its heads, as a PNG. */
export async function networkPicture(store) {
  const plan = planOf(store, ROOM);
  const scale = Math.min(SCALE, LONGEST / plan.width);
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(plan.width * scale);
  canvas.height = Math.round(plan.height * scale);
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  paintNetwork(context, sceneOf(store, plan), { left: 0, top: 0, width: plan.width, height: plan.height });
  context.textAlign = "center";
  for (const item of plan.items) paintHead(context, item);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

function paintHead(context, { node, block, members, x, y, width }) {
  const lines = [block ?? node.name, block ? String(members.length) : kindWithSize(node), shapeText(node.shape)];
  lines.forEach((line, i) => {
    context.font = `${i ? "" : "600 "}11px sans-serif`;
    context.fillStyle = css(cssColour(i ? "--soft" : "--ink"));
    context.fillText(line, x + width / 2, y + 14 + i * 15, width + 10);
  });
}

const quoted = (value) => (/[",\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : String(value ?? ""));
const table = (rows) => `\uFEFF${rows.map((row) => row.map(quoted).join(",")).join("\n")}\n`;

/** [file name, CSV] of what is in view: the terms of the value, else the values of the map, else the probabilities. */
export function shownNumbers({ arithmetic, selected, forward, classifier }) {
  if (arithmetic && selected) return termsTable(arithmetic);
  const layer = selected && forward.layers.get(selected.layer);
  const map = layer?.maps.find((one) => one.map === selected.map);
  if (map) return mapTable(layer, map);
  const rows = forward.probabilities.map(({ index, label, probability }) =>
    [index, label, probability, forward.logits[index]]);
  return [`${classifier}-probabilities.csv`, table([["index", "label", "probability", "logit"], ...rows])];
}

function termsTable({ layer, index, terms, bias, value, network_value: own }) {
  const head = ["input", "channel", "row", "column", "value", "weight", "product", "padded", "chosen"];
  const rows = terms.map((term) => {
    const [channel, row, column] = term.index;
    return [term.input, channel, row, column, term.value, term.weight, term.product, term.padded, term.chosen];
  });
  const results = Object.entries({ bias, value, network_value: own }).map(([key, number]) => [key, "", "", "", number]);
  const place = index.filter((part) => part !== null).join("-");
  return [`${layer}-${place}.csv`, table([head, ...rows, ...results])];
}

function mapTable(layer, map) {
  const row = (y) => Array.from({ length: layer.width }, (_, x) => valueAt(map, y * layer.width + x));
  return [`${layer.name}-${map.map}.csv`, table(Array.from({ length: layer.height }, (_, y) => row(y)))];
}

/** Everything that the page knows of this picture, for a program to read. Maps are quantised to 256 levels. */
export function allNumbers({ classifier, network, forward, arithmetic, gradients, whatif, selected }) {
  const { probabilities, logits, layer_ms, time_ms } = forward;
  return {
    classifier, changes: whatif, probabilities, logits, layer_ms, time_ms, selected, arithmetic,
    gradient_norms: gradients?.session === forward.session ? gradients.norms : undefined,
    nodes: network.nodes, layers: [...forward.layers.values()].map(layerNumbers),
  };
}

function layerNumbers({ name, shape, low, high, maps }) {
  const mapNumbers = (map) => ({
    map: map.map, low: map.low, high: map.high,
    values: Array.from(map.data, (_, i) => Number(valueAt(map, i).toPrecision(4))),
  });
  return { name, shape, low, high, maps: maps.map(mapNumbers) };
}
