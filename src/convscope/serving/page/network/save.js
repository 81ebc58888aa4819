/** Files to save: the network as a picture, the numbers in view as CSV, all numbers as JSON. */

import { colourOf, cssColour, css } from "../colour.js";
import { t } from "../i18n.js";
import { percent, short, valueAt } from "../numbers.js";
import { limitOf } from "./heads.js";
import { headText } from "./headtext.js";
import { limits, paintNetwork } from "./paint.js";
import { planOf, sceneOf } from "./scene.js";

const ROOM = { width: 1200, height: 560 }; // the window for which the picture is laid out
const SCALE = 2; // pixels of the picture for one of the page
const [TOP, BOTTOM, MARGIN, BAR] = [64, 36, 16, 160]; // pixels above, below and beside the network; of the scale
const LONGEST = 16_000; // browsers refuse canvases that are longer

/** The whole network as a PNG: a title with the answer above, the heads, and the scale of the colours below. */
export async function networkPicture(store) {
  const plan = planOf(store, ROOM);
  const scale = Math.min(SCALE, LONGEST / plan.width);
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(plan.width * scale);
  canvas.height = Math.round((plan.height + TOP + BOTTOM) * scale);
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  context.fillStyle = css(cssColour("--paper"));
  context.fillRect(0, 0, plan.width, plan.height + TOP + BOTTOM);
  paintTitle(context, store.state);
  context.translate(0, TOP);
  const scene = sceneOf(store, plan);
  paintNetwork(context, scene, { left: 0, top: 0, width: plan.width, height: plan.height });
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  for (const item of plan.items) paintHead(context, item, store.state.network, limitOf(scene, item.node));
  paintScale(context, store.state, plan.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

const familyOf = () => getComputedStyle(document.body).fontFamily;

function write(context, text, x, y, { size = 13, weight = 400, colour = "--soft" } = {}) {
  context.font = `${weight} ${size}px ${familyOf()}`;
  context.fillStyle = css(cssColour(colour));
  context.fillText(text, x, y);
}

/** The network's name and its answer. */
function paintTitle(context, { classifier, forward }) {
  write(context, classifier, MARGIN, 30, { size: 18, weight: 600, colour: "--ink" });
  if (!forward) return;
  const [{ label, probability }] = forward.probabilities;
  const refused = forward.refusal ? ` · ${t("answer.abstains")}` : "";
  const answer = `${t("answer.title")}${t("answer.colon")}${label} · ${percent(probability)} %${refused}`;
  write(context, answer, MARGIN, 52, { weight: 600, colour: "--accent" });
}

/** From blue to orange, with what the ends stand for. */
function paintScale(context, { forward, scale, direction }, top) {
  context.textAlign = "left";
  const y = top + 20;
  for (let i = 0; i <= BAR; i += 1) {
    context.fillStyle = css(colourOf((2 * i) / BAR - 1));
    context.fillRect(MARGIN + 88 + i, y - 9, 1.5, 10);
  }
  const whole = forward && scale === "network" && direction === "forward";
  const limit = whole ? short(limits(forward.layers, scale)(null, null)) : null;
  write(context, limit ? `−${limit}` : t("legend.negative"), MARGIN, y);
  write(context, `${limit ? `+${limit}` : t("legend.positive")}   ${t("legend.zero")}`, MARGIN + 96 + BAR, y);
}

function paintHead(context, item, network, limit) {
  const { title, lines, code } = headText(item, network);
  [title, ...lines, code, limit ? `±${short(limit)}` : ""].filter(Boolean).forEach((line, i) => {
    context.font = `${i ? "" : "600 "}11px ${familyOf()}`;
    context.fillStyle = css(cssColour(i ? "--soft" : "--ink"));
    context.fillText(line, item.x + item.width / 2, item.y + 14 + i * 15, item.width + 10);
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
