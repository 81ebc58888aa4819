/** Pictures and numbers to take away. */

import { cssColour, css } from "../colour.js";
import { kindWithSize, shapeText } from "./kinds.js";
import { valueAt } from "../numbers.js";
import { paintNetwork } from "./paint.js";
import { planOf, sceneOf } from "./scene.js";

const SCALE = 2; // pixels of the picture for one of the page
const LONGEST = 16_000; // browsers refuse canvases that are longer

/** The whole network, with its heads, as a PNG. */
export async function networkPicture(store) {
  const plan = planOf(store, { width: 1200, height: 560 });
  const scale = Math.min(SCALE, LONGEST / plan.width);
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(plan.width * scale);
  canvas.height = Math.round(plan.height * scale);
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  paintNetwork(context, sceneOf(store, plan), { left: 0, top: 0, width: plan.width, height: plan.height });
  context.textAlign = "center";
  for (const item of plan.items) {
    const { node, block, x, y, width } = item;
    const lines = [block ?? node.name, block ? `${item.members.length}` : kindWithSize(node), shapeText(node.shape)];
    lines.forEach((line, i) => {
      context.font = `${i ? "" : "600 "}11px sans-serif`;
      context.fillStyle = css(cssColour(i ? "--soft" : "--ink"));
      context.fillText(line, x + width / 2, y + 14 + i * 15, width + 10);
    });
  }
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

const quoted = (value) => (/[",\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : String(value ?? ""));
const table = (rows) => `\uFEFF${rows.map((row) => row.map(quoted).join(",")).join("\n")}\n`;

/** [file name, CSV] of what is in front: the terms of the value, else the values of the map, else the probabilities. */
export function shownNumbers({ arithmetic, selected, forward, classifier }) {
  if (arithmetic && selected) {
    const head = ["input", "channel", "row", "column", "value", "weight", "product", "padded", "chosen"];
    const rows = arithmetic.terms.map(({ input, index: [c, y, x], value, weight, product, padded, chosen }) =>
      [input, c, y, x, value, weight, product, padded, chosen]);
    const end = [["bias", "", "", "", arithmetic.bias], ["value", "", "", "", arithmetic.value], ["network_value", "", "", "", arithmetic.network_value]];
    return [`${arithmetic.layer}-${arithmetic.index.filter((i) => i !== null).join("-")}.csv`, table([head, ...rows, ...end])];
  }
  const layer = selected && forward.layers.get(selected.layer);
  const map = layer?.maps.find((m) => m.map === selected.map);
  if (map) {
    const rows = Array.from({ length: layer.height }, (_, y) => Array.from({ length: layer.width }, (_, x) => valueAt(map, y * layer.width + x)));
    return [`${layer.name}-${map.map}.csv`, table(rows)];
  }
  const rows = forward.probabilities.map(({ index, label, probability }) => [index, label, probability, forward.logits[index]]);
  return [`${classifier}-probabilities.csv`, table([["index", "label", "probability", "logit"], ...rows])];
}

/** Everything that the page knows of this picture, for a program to read. Maps come quantised to 256 levels. */
export function allNumbers({ classifier, network, forward, arithmetic, gradients, whatif, selected }) {
  const values = (layer) => ({ name: layer.name, shape: layer.shape, low: layer.low, high: layer.high,
    maps: layer.maps.map((map) => ({ map: map.map, low: map.low, high: map.high, values: Array.from(map.data, (_, i) => Number(valueAt(map, i).toPrecision(4))) })) });
  const { probabilities, logits, layer_ms, time_ms } = forward;
  return { classifier, changes: whatif, probabilities, logits, layer_ms, time_ms, selected, arithmetic,
    gradient_norms: gradients?.session === forward.session ? gradients.norms : undefined,
    nodes: network.nodes, layers: [...forward.layers.values()].map(values) };
}
