/** The maps between: what each kernel alone makes of its input map. Added up, with the bias, they are the map. */

import { valuesPicture } from "../colour.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { fixed, strongest, valueAt } from "../numbers.js";
import { findMap } from "../state/maps.js";

const MOST_SHOWN = 8; // of more, the strongest are shown and the others are one map
const MOST_PRODUCTS = 4e6; // so that nobody waits
const SLACK = 0.05; // of the map's largest value: the most that 256 levels may be blamed for

const inBoth = (value) => (Array.isArray(value) ? value : [value, value]);

/** Fills `root` with the maps that make the selected one; empties it where they are unknown or do not add up. */
export function partialsView(root, store) {
  let shown = null;
  return {
    update() {
      const { selected, kernels, forward } = store.state;
      const sum = sumOf(store);
      const key = sum && [selected.layer, selected.map, kernels, forward, store.state.theme].map(idOf).join();
      if (key === shown) return;
      shown = key;
      root.replaceChildren(...(sum ? pictures(store, sum()) : []));
    },
  };
}

const ids = new WeakMap();
let last = 0;

/** A text that is another one for another object. */
function idOf(value) {
  if (typeof value !== "object" || value === null) return String(value);
  if (!ids.has(value)) ids.set(value, (last += 1));
  return `#${ids.get(value)}`;
}

/** A function that computes {parts, bias, map, layer}, or null where something is missing for it. */
function sumOf(store) {
  const { selected, kernels, network, forward } = store.state;
  const node = network.byName.get(selected.layer);
  const layer = forward?.layers.get(selected.layer);
  if (node?.type !== "Conv2d" || !layer || layer.vector || kernels?.layer !== node.name) return null;
  if (kernels.map !== selected.map || kernels.session !== forward.session) return null;
  const source = forward.layers.get(node.inputs[0]);
  const [count, height, width] = kernels.shape;
  if (!source || source.vector || count * height * width * layer.width * layer.height > MOST_PRODUCTS) return null;
  const group = Math.floor(selected.map / (node.shape[0] / (node.attributes.groups ?? 1)));
  const numbers = Array.from({ length: count }, (_, i) => group * count + i);
  const inputs = numbers.map((number) => findMap(store, source.name, number));
  const map = findMap(store, node.name, selected.map);
  if (!map || !inputs.every(Boolean)) return null;
  return () => ({
    layer, map, bias: typeof kernels.bias === "number" ? kernels.bias : null,
    parts: inputs.map((input, i) => ({
      number: numbers[i], values: partOf(input, source, layer, kernels, i, node.attributes),
    })),
  });
}

/** One input map through its own kernel, as numbers of the output's size. */
function partOf(map, source, { height, width }, { values, shape: [, rows, columns] }, number, attributes) {
  const { stride: steps = 1, dilation: spread = 1 } = attributes;
  const [stride, dilation] = [steps, spread].map(inBoth);
  const border = bordersOf(attributes.padding ?? 0, [rows, columns], dilation);
  const weights = values.slice(number * rows * columns, (number + 1) * rows * columns);
  return Array.from({ length: height * width }, (_, at) => {
    const top = Math.floor(at / width) * stride[0] - border[0];
    const left = (at % width) * stride[1] - border[1];
    let sum = 0;
    for (let i = 0; i < rows * columns; i += 1) {
      const y = top + Math.floor(i / columns) * dilation[0];
      const x = left + (i % columns) * dilation[1];
      const inside = y >= 0 && x >= 0 && y < source.height && x < source.width;
      if (inside) sum += weights[i] * valueAt(map, y * source.width + x);
    }
    return sum;
  });
}

function bordersOf(padding, size, dilation) {
  if (padding === "valid") return [0, 0];
  if (padding === "same") return size.map((length, i) => Math.floor((dilation[i] * (length - 1)) / 2));
  return inBoth(padding);
}

const added = (parts) => parts[0].values.map((_, at) => parts.reduce((sum, { values }) => sum + values[at], 0));

/** The elements; none if the parts do not make the map: other borders than zeros, or a changed network. */
function pictures(store, { parts, bias, map, layer }) {
  const sum = added(parts).map((value) => value + (bias ?? 0));
  const most = Math.max(Math.abs(map.low), Math.abs(map.high));
  if (!sum.every((value, i) => Math.abs(value - valueAt(map, i)) <= SLACK * most)) return [];
  const ranked = [...parts].sort((a, b) => strongest(b.values) - strongest(a.values));
  const few = parts.length <= MOST_SHOWN ? parts : ranked.slice(0, MOST_SHOWN - 1);
  const rest = parts.filter((part) => !few.includes(part));
  const all = few.map(({ number, values }) => [values, t("sum.map", { map: number })]);
  if (rest.length) all.push([added(rest), t("sum.rest", { n: rest.length })]);
  const limit = Math.max(strongest(sum), ...all.map(([values]) => strongest(values)));
  const { layer: name, map: number } = store.state.selected;
  const show = ([values, text]) => picture(values, layer, limit, text);
  const sign = (text) => h("span", { class: "sign", "aria-hidden": "true" }, text);
  const biasText = bias === null ? [] : [sign("+"), h("span", { class: "partial-bias" }, t("sum.bias"), " ",
    fixed(bias, 3))];
  return [h("h3", {}, t("sum.partial")), h("div", { class: "partials" },
    all.flatMap((one, i) => (i ? [sign("+"), show(one)] : [show(one)])), biasText, sign("="),
    show([sum, t("unit.map", { layer: name, map: number })]))];
}

function picture(values, { height, width }, limit, text) {
  const canvas = valuesPicture(values, height, width, limit);
  canvas.className = "partial-map";
  canvas.setAttribute("aria-hidden", "true");
  const element = h("figure", { class: "partial" }, canvas, h("figcaption", {}, text));
  element.values = values; // for tests, and whoever asks in the console
  return element;
}
