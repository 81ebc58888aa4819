/** The maps between: what each kernel alone makes of its input map. Added up, with the bias, they are the map. */

import { mapPicture, valuesPicture } from "../colour.js";
import { h, icon, pointIn, stillness } from "../dom.js";
import { t } from "../i18n.js";
import { fixed, short, strongest, valueAt } from "../numbers.js";
import { paced } from "../pace.js";
import { findMap } from "../state/maps.js";
import { isOff } from "../state/whatif.js";
import { signed } from "./sign.js";

const MOST_SHOWN = 8; // of more, the strongest are shown and the others are one map
const PACE = 420; // milliseconds between two maps
const MOST_PRODUCTS = 4e6; // so that nobody waits
const CONVOLUTIONS = ["Conv2d", "TableConv2d"];
const HALF_LEVEL = 1 / 510; // of a map's range: how far the value of one of 256 levels may lie from the network's own
const SINGLE = 1e-5; // of a map's largest value: what sums in single precision may differ by

const inBoth = (value) => (Array.isArray(value) ? value : [value, value]);

/**
 * Fills `root` with the maps that make the selected one, and by how much their sum is off; else empties it. They appear
 * one after the other. `onPlace(number, y, x)` hears of a click into the map that an input map's kernel makes.
 */
export function partialsView(root, store, onPlace) {
  const view = { root, store, onPlace, shown: null, opened: "", made: null, timers: [] };
  return {
    update() {
      const { selected, kernels, forward } = store.state;
      const sum = sumOf(store);
      const key = sum && [selected.layer, selected.map, kernels, forward, store.state.theme].map(idOf).join();
      if (key !== view.shown) rebuild(view, sum, key);
      if (view.made) mark(view.made, selected);
    },
  };
}

function rebuild(view, sum, key) {
  const { root, store, timers } = view;
  timers.splice(0).forEach(clearTimeout);
  root.classList.remove("adding");
  view.shown = key;
  view.made = sum && made(view, sum());
  root.replaceChildren(...(view.made?.elements ?? []));
  const { layer, map, y } = store.state.selected;
  const opened = `${layer} ${map}`;
  // Once for each map that is opened; not for each stroke, nor for somebody who came to see a single value.
  if (view.made?.figures && view.opened !== opened && y === undefined) addUp(view);
  if (view.made) view.opened = opened;
}

/** One map after the other appears, and the last one is the sum of those that are there. */
function addUp(view) {
  const { root, timers, made: { figures, running, total } } = view;
  timers.splice(0).forEach(clearTimeout);
  if (stillness()) return;
  root.classList.add("adding");
  for (const { element } of figures) element.classList.remove("here");
  total.paint(running[0].map(() => 0));
  figures.forEach(({ element }, i) => timers.push(setTimeout(() => {
    element.classList.add("here");
    total.paint(running[i]);
    if (i === figures.length - 1) root.classList.remove("adding");
  }, paced(PACE) * (i + 1))));
}

/** A frame around the selected place in every map, and its value there. */
function mark({ figures, total, width, height }, { y, x }) {
  for (const { frame, value, values } of figures ? [...figures, total] : []) {
    frame.hidden = y === undefined;
    value.textContent = y === undefined ? "" : short(values[y * width + x]);
    const [left, top, wide, high] = [x / width, y / height, 1 / width, 1 / height].map((share) => `${100 * share}%`);
    Object.assign(frame.style, { left, top, width: wide, height: high });
  }
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
  if (!CONVOLUTIONS.includes(node?.type) || (node.attributes.padding_mode ?? "zeros") !== "zeros") return null;
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
    parts: inputs.map((input, i) => partWith(input, source, layer, kernels, i, node.attributes, numbers[i]))
      .filter(({ weights }) => node.type !== "TableConv2d" || strongest(weights)), // the table leaves out the others
  });
}

/** What one kernel makes of its input map, with both. */
function partWith(input, source, layer, kernels, i, attributes, number) {
  const [, rows, columns] = kernels.shape;
  const weights = kernels.values.slice(i * rows * columns, (i + 1) * rows * columns);
  const values = partOf(input, source, layer, kernels, i, attributes);
  return { number, input, source, weights, rows, columns, values };
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

/** {elements, figures, total, running, ...}; `elements` is only a sentence if the parts do not make the map. */
function made(view, { parts, bias, map, layer, allowed }) {
  const sum = added(parts).map((value) => value + (bias ?? 0));
  const off = sum.reduce((most, value, i) => Math.max(most, Math.abs(value - valueAt(map, i))), 0);
  const words = { off: short(off), allowed: short(allowed) };
  if (!(off <= allowed)) return { elements: [h("p", { class: "notice", role: "status" }, t("sum.partialOff", words))] };
  const all = listed(parts);
  const limit = Math.max(strongest(sum), ...all.map(({ values }) => strongest(values)));
  const figures = all.map((part) => picture(view, part, layer, limit));
  const { layer: name, map: number } = view.store.state.selected;
  const total = picture(view, { values: sum, text: t("unit.map", { layer: name, map: number }) }, layer, limit);
  total.element.classList.add("total");
  const biasText = bias === null ? [] : [signed("+", h("span", { class: "partial-bias" }, t("sum.bias"), " ",
    fixed(bias, 3)))];
  const again = h("button", { class: "quiet small", onclick: () => addUp(view) }, icon("play"), t("sum.again"));
  const elements = [h("div", { class: "row" }, h("h3", {}, t("sum.partial")), stillness() ? null : again),
    h("div", { class: "partials" }, figures.map(({ element }, i) => (i ? signed("+", element) : element)),
      biasText, signed("=", total.element)),
    h("p", { class: "soft partial-check", data: { off, allowed } }, t("sum.partialCheck", words))];
  return { elements, figures, total, running: runningSums(all, sum), width: layer.width, height: layer.height };
}

/** The parts with their words; of many, the strongest, and one for the sum of all others. */
function listed(parts) {
  const ranked = [...parts].sort((a, b) => strongest(b.values) - strongest(a.values));
  const few = parts.length <= MOST_SHOWN ? parts : ranked.slice(0, MOST_SHOWN - 1);
  const rest = parts.filter((part) => !few.includes(part));
  const all = few.map((part) => ({ ...part, text: t("sum.map", { map: part.number }) }));
  return rest.length ? [...all, { values: added(rest), text: t("sum.rest", { n: rest.length }) }] : all;
}

/** The sum of the first, of the first two ...; the last one with the bias. */
function runningSums(parts, sum) {
  const sums = [];
  for (const { values } of parts) sums.push(values.map((value, i) => value + (sums.at(-1)?.[i] ?? 0)));
  return [...sums.slice(0, -1), sum];
}

/** {element, values, frame, value, paint(values)} of one map, and above it what it was made of. */
function picture({ store, onPlace }, part, { height, width }, limit) {
  const { values, text, number } = part;
  const canvas = h("canvas", { width, height, class: "partial-map", "aria-hidden": "true" });
  const paint = (now) => canvas.getContext("2d").drawImage(valuesPicture(now, height, width, limit), 0, 0);
  paint(values);
  const frame = h("span", { class: "partial-frame", hidden: true });
  const value = h("b", {});
  const box = h("div", { class: "partial-box", onclick: (event) => {
    const [x, y] = pointIn(canvas, event);
    const place = [y * height, x * width].map(Math.floor);
    if (number !== undefined) onPlace(number, ...place);
    else store.set({ selected: { ...store.state.selected, y: place[0], x: place[1], term: undefined } });
  } }, canvas, frame);
  const element = h("figure", { class: "partial" }, madeOf(part), box, h("figcaption", {}, text, " ", value));
  element.values = values; // for tests, and whoever asks in the console
  return { element, values, frame, value, paint };
}

/** The input map and its kernel, small. */
function madeOf({ input, source, weights, rows, columns }) {
  if (!input) return null;
  const most = Math.max(Math.abs(input.low), Math.abs(input.high));
  const [from, kernel] = [mapPicture(input, source.height, source.width, most),
    valuesPicture(weights, rows, columns, strongest(weights))];
  for (const one of [from, kernel]) {
    one.className = "mini";
    one.setAttribute("aria-hidden", "true");
  }
  return h("span", { class: "partial-of", "aria-hidden": "true" }, from, "×", kernel);
}
