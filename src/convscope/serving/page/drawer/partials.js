/** The maps between: what each kernel alone makes of its input map. Added up, with the bias, they are the map. */

import { valuesPicture } from "../colour.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { fixed, short, strongest, valueAt } from "../numbers.js";
import { findMap } from "../state/maps.js";
import { isOff } from "../state/whatif.js";

const MOST_SHOWN = 8; // of more, the strongest are shown and the others are one map
const MOST_PRODUCTS = 4e6; // so that nobody waits
const HALF_LEVEL = 1 / 510; // of a map's range: how far the value of one of 256 levels may lie from the network's own
const SINGLE = 1e-5; // of a map's largest value: what sums in single precision may differ by

const inBoth = (value) => (Array.isArray(value) ? value : [value, value]);

/** Fills `root` with the maps that make the selected one, and by how much their sum is off; else empties it. */
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
  const { selected, kernels, network, forward, whatif } = store.state;
  if (isOff(whatif, selected.layer, selected.map)) return null; // all of it is 0, whatever the kernels make
  const node = network.byName.get(selected.layer);
  const layer = forward?.layers.get(selected.layer);
  if (node?.type !== "Conv2d" || (node.attributes.padding_mode ?? "zeros") !== "zeros") return null;
  if (!layer || layer.vector || kernels?.layer !== node.name) return null;
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
    allowed: levelsAllow(kernels, inputs, map),
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

/** How far the sum of the maps may be off because each value is one of 256 levels; more is an error. */
function levelsAllow({ values, shape: [, rows, columns] }, inputs, map) {
  const weights = (i) => values.slice(i * rows * columns, (i + 1) * rows * columns);
  const reach = (i) => weights(i).reduce((sum, weight) => sum + Math.abs(weight), 0);
  const most = Math.max(Math.abs(map.low), Math.abs(map.high));
  const ofInputs = inputs.reduce((sum, { low, high }, i) => sum + reach(i) * (high - low), 0);
  return (ofInputs + map.high - map.low) * HALF_LEVEL + most * SINGLE;
}

const added = (parts) => parts[0].values.map((_, at) => parts.reduce((sum, { values }) => sum + values[at], 0));

/** The elements; only a sentence if the parts do not make the map. */
function pictures(store, { parts, bias, map, layer, allowed }) {
  const sum = added(parts).map((value) => value + (bias ?? 0));
  const off = sum.reduce((most, value, i) => Math.max(most, Math.abs(value - valueAt(map, i))), 0);
  const words = { off: short(off), allowed: short(allowed) };
  if (!(off <= allowed)) return [h("p", { class: "notice", role: "status" }, t("sum.partialOff", words))];
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
    show([sum, t("unit.map", { layer: name, map: number })])),
  h("p", { class: "soft partial-check", data: { off, allowed } }, t("sum.partialCheck", words))];
}

function picture(values, { height, width }, limit, text) {
  const canvas = valuesPicture(values, height, width, limit);
  canvas.className = "partial-map";
  canvas.setAttribute("aria-hidden", "true");
  const element = h("figure", { class: "partial" }, canvas, h("figcaption", {}, text));
  element.values = values; // for tests, and whoever asks in the console
  return element;
}
