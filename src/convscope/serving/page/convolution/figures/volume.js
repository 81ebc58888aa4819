/** The picture of many tutorials: an input of three channels, several kernels of depth 3, and a map from each. */

import { h } from "../../dom.js";
import { numberGrid } from "../../drawer/grid.js";
import { signed } from "../../drawer/sign.js";
import { t } from "../../i18n.js";
import { strongest } from "../../numbers.js";
import { outputSize, valueWithBorder } from "../compute.js";
import { stepper } from "../fields.js";
import { addedUp, partsOf, workingAt } from "./channels.js";
import { Sliding, slidingButtons } from "./sliding.js";
import { inBrackets, plain, readNumbers, readWhole } from "./text.js";

const DEPTH = 3; // channels of the input, and so kernels of each filter
const [SIZE, KERNEL, MOST_FILTERS] = [5, 3, 3];
const LIMITS = { count: [1, MOST_FILTERS], stride: [1, 3], padding: [0, 2] };
const PACE = 900; // milliseconds between two values

/** Numbers small enough for everybody to follow them. */
const INITIAL = {
  kind: "volume", count: 3, stride: 2, padding: 1, place: [0, 0, 0],
  channels: [
    [0, 1, 1, 0, 2, 2, 2, 2, 2, 1, 1, 0, 0, 2, 0, 0, 1, 1, 0, 0, 1, 2, 0, 0, 2],
    [1, 0, 2, 2, 0, 0, 0, 0, 2, 0, 1, 2, 1, 2, 1, 1, 0, 0, 0, 0, 1, 2, 1, 1, 1],
    [2, 1, 2, 0, 0, 1, 0, 0, 1, 0, 0, 2, 1, 0, 1, 0, 1, 2, 2, 2, 2, 1, 0, 0, 1],
  ],
  filters: [
    [[-1, 0, 1, 0, 0, 1, 1, -1, 1], [-1, 0, 1, 1, -1, 1, 0, 1, 0], [-1, 1, 1, 1, 1, 0, 0, -1, 0]],
    [[0, 1, -1, 0, -1, 0, 0, -1, 1], [-1, 0, 0, 1, -1, 0, 1, -1, 0], [-1, 1, -1, 0, -1, -1, 1, 0, 0]],
    [[0, 0, 0, 0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0, 0, 0, 0]],
  ],
  biases: [1, 0, -1],
};

/** Texts for the link; empty where nothing was changed. */
function write({ count, stride, padding, place, channels, filters, biases }) {
  const changed = (value, initial) => (value.flat(2).join() === initial.flat(2).join() ? "" : value.flat(2).join());
  return [[count, stride, padding, ...place].join("."), changed(channels, INITIAL.channels),
    changed(filters, INITIAL.filters), changed(biases, INITIAL.biases)];
}

/** The settings of a link; null if they cannot be read. */
function read([numbers, channels, filters, biases]) {
  const [count, stride, padding, ...place] = (numbers ?? "").split(".");
  const whole = Object.entries({ count, stride, padding }).map(([key, text]) => [key, readWhole(text, ...LIMITS[key])]);
  const where = place.map((text) => readWhole(text, 0, 99));
  const inputs = channels ? readNumbers(channels, DEPTH * SIZE ** 2) : INITIAL.channels.flat();
  const weights = filters ? readNumbers(filters, MOST_FILTERS * DEPTH * KERNEL ** 2) : INITIAL.filters.flat(2);
  const added = biases ? readNumbers(biases, MOST_FILTERS) : INITIAL.biases;
  if ([...whole.map(([, value]) => value), ...where, inputs, weights, added].includes(null)) return null;
  if (where.length !== 3) return null;
  const kernels = cut(weights, KERNEL ** 2);
  const settings = {
    ...INITIAL, ...Object.fromEntries(whole), channels: cut(inputs, SIZE ** 2), filters: cut(kernels, DEPTH),
    biases: added, place: where,
  };
  return { ...settings, place: clamped(settings) };
}

const cut = (list, size) => Array.from({ length: list.length / size }, (_, i) => list.slice(i * size, (i + 1) * size));
const replaced = (list, index, value) => list.map((one, i) => (i === index ? value : one));

const windowOf = ({ stride, padding }) => ({ kernel: KERNEL, stride, padding });
const mapsIn = ({ channels }) => channels.map((values) => ({ values, height: SIZE, width: SIZE }));
const sideOf = (settings) => outputSize(SIZE, windowOf(settings)).size;

/** The chosen place, where such a value exists. */
function clamped(settings) {
  const { place, count } = settings;
  const last = sideOf(settings) - 1;
  return place.map((at, i) => Math.min(at, i ? last : count - 1));
}

/** The map of each filter. */
const mapsOf = (settings) => settings.filters.slice(0, settings.count).map((kernels, f) =>
  addedUp(partsOf(mapsIn(settings), kernels, windowOf(settings)), settings.biases[f]));

function create({ settings, change }) {
  const set = (changes) => {
    const next = { ...settings(), ...changes };
    change({ ...next, place: clamped(next) });
  };
  const perMap = () => sideOf(settings()) ** 2;
  const sliding = new Sliding({
    count: () => settings().count * perMap(), pace: () => PACE, onChange: () => figure.show(),
    index: () => {
      const { place: [map, y, x] } = settings();
      return map * perMap() + y * sideOf(settings()) + x;
    },
    go: (index) => set({ place: placeOf(index, sideOf(settings())) }),
  });
  const stopAnd = (act) => (...words) => {
    sliding.stop();
    act(...words);
  };
  const parts = [inputGrids(settings, stopAnd(set)), filterCards(settings, stopAnd(set)), sumOf(settings)];
  const buttons = slidingButtons(sliding);
  const fields = Object.keys(LIMITS).map((key) => [key, stepper(key, stopAnd((value) => {
    const [least, most] = LIMITS[key];
    if (value >= least && value <= most) set({ [key]: value });
    else figure.show();
  }))]);
  buttons.element.append(...fields.map(([, field]) => field.element), randomButton(stopAnd(set), settings));
  const element = h("div", { class: "conv-figure volume" }, h("p", { class: "soft" }, t("figure.volume.about")),
    buttons.element, parts.map((part) => part.element));
  const figure = {
    element, stop: () => sliding.stop(),
    show() {
      buttons.show();
      fields.forEach(([key, field]) => field.show(settings()[key]));
      parts.forEach((part) => part.show(sliding.running ? sliding.index() : Infinity));
    },
  };
  return figure;
}

const placeOf = (index, side) =>
  [Math.floor(index / side ** 2), Math.floor((index % side ** 2) / side), index % side];

function randomButton(set, settings) {
  const some = (count, least, most) =>
    Array.from({ length: count }, () => least + Math.floor(Math.random() * (most - least + 1)));
  return h("button", { class: "quiet", onclick: () => set({
    channels: settings().channels.map(() => some(SIZE ** 2, 0, 2)),
    filters: settings().filters.map((kernels) => kernels.map(() => some(KERNEL ** 2, -1, 1))),
  }) }, t("figure.volume.random"));
}

/** The three channels with their border, and behind an arrow the maps that the filters make of them. */
function inputGrids(settings, set) {
  const inputs = Array.from({ length: DEPTH }, (_, c) => numberGrid({
    caption: t("figure.volume.channel", { c }), step: 1,
    onEdit: (values) => set({ channels: replaced(settings().channels, c, inner(values, settings().padding)) }),
  }));
  const outputs = Array.from({ length: MOST_FILTERS }, (_, f) => numberGrid({
    caption: t("figure.volume.map", { f }), onPick: (i) => {
      const side = sideOf(settings());
      set({ place: [f, Math.floor(i / side), i % side] });
    },
  }));
  const arrow = h("span", { class: "arrow", "aria-hidden": "true" }, "→");
  const element = h("div", { class: "volume-line" },
    inputs.map((grid) => grid.element), arrow, outputs.map((grid) => grid.element));

  function show(until) {
    const now = settings();
    const { place: [map, y, x], padding, count } = now;
    const working = workingAt(mapsIn(now), now.filters[map], [y, x], windowOf(now));
    const limit = strongest(now.channels.map(strongest));
    const side = SIZE + 2 * padding;
    mapsIn(now).forEach((channel, c) => {
      const inside = new Set(working[c].taps.map((tap) => `${tap.y} ${tap.x}`));
      const entries = Array.from({ length: side * side }, (_, i) => {
        const [row, column] = [Math.floor(i / side) - padding, (i % side) - padding];
        const padded = row < 0 || column < 0 || row >= SIZE || column >= SIZE;
        const value = valueWithBorder(channel, row, column, "zeros");
        return { value, padded, inside: inside.has(`${row} ${column}`) };
      });
      inputs[c].show(entries, side, side, { limit, editing: true });
    });
    const maps = mapsOf(now);
    const most = strongest(maps.map(({ values }) => strongest(values)));
    outputs.forEach((grid, f) => {
      grid.element.hidden = f >= count;
      if (f >= count) return;
      const { values, height, width } = maps[f];
      const before = f * height * width;
      const entries = Array.from(values, (value, i) => ({ value, later: before + i > until }));
      grid.show(entries, height, width, { limit: most, picked: f === map ? y * width + x : null });
    });
  }
  return { element, show };
}

/** What lies inside of the border. */
function inner(values, padding) {
  const side = SIZE + 2 * padding;
  const at = (i) => values[(Math.floor(i / SIZE) + padding) * side + (i % SIZE) + padding];
  return Array.from({ length: SIZE * SIZE }, (_, i) => at(i));
}

/** A card for each filter: its three kernels and its bias. */
function filterCards(settings, set) {
  const cards = Array.from({ length: MOST_FILTERS }, (_, f) => {
    const kernels = Array.from({ length: DEPTH }, (_kernel, c) => {
      const caption = t("figure.volume.kernel", { f, c });
      const edited = (values) => replaced(settings().filters, f, replaced(settings().filters[f], c, values));
      const grid = numberGrid({ caption, step: 1, onEdit: (values) => set({ filters: edited(values) }) });
      grid.caption(t("figure.volume.of", { c }));
      return grid;
    });
    const bias = h("input", { type: "number", step: "1", oninput: () => {
      if (Number.isFinite(bias.valueAsNumber)) set({ biases: replaced(settings().biases, f, bias.valueAsNumber) });
    } });
    const title = h("h3", {}, t("figure.volume.filter", { f }));
    const field = h("label", { class: "field" }, t("sum.bias"), bias);
    const element = h("section", { class: "conv-card" }, h("div", { class: "row" }, title, field),
      h("div", { class: "grids" }, kernels.map((grid) => grid.element)));
    return { element, kernels, bias };
  });

  function show() {
    const { filters, biases, count, place: [map] } = settings();
    const limit = strongest(filters.slice(0, count).flat().map(strongest));
    cards.forEach(({ element, kernels, bias }, f) => {
      element.hidden = f >= count;
      element.classList.toggle("front", f === map);
      kernels.forEach((grid, c) => {
        const entries = filters[f][c].map((value) => ({ value }));
        grid.show(entries, KERNEL, KERNEL, { limit, editing: true });
      });
      if (document.activeElement !== bias) bias.value = String(biases[f]);
    });
  }
  return { element: h("div", { class: "volume-line" }, cards.map((card) => card.element)), show };
}

/** How the chosen value comes about: window × kernel = products for each channel, their sums, and the bias. */
function sumOf(settings) {
  const channels = Array.from({ length: DEPTH }, (_, c) => {
    const grids = ["sum.patch", "sum.kernel", "sum.products"].map((key) => numberGrid({ caption: t(key) }));
    const [patch, kernel, products] = grids.map((grid) => grid.element);
    const total = h("p", { class: "channel-sum" });
    const sums = h("div", { class: "grids" }, patch, signed("×", kernel), signed("=", products));
    const element = h("section", { class: "conv-card" }, h("h3", {}, t("figure.volume.of", { c })), sums, total);
    return { element, grids, total };
  });
  const title = h("h3", {});
  const sum = h("p", { class: "conv-sum", "aria-live": "polite" });
  const element = h("section", { class: "conv-working" }, h("div", { class: "row" }, title, sum),
    h("div", { class: "volume-line" }, channels.map((channel) => channel.element)));

  function show() {
    const now = settings();
    const { place: [map, y, x], filters, biases } = now;
    title.textContent = t("figure.volume.working", { f: map, y, x });
    const working = workingAt(mapsIn(now), filters[map], [y, x], windowOf(now));
    const most = strongest(working.flatMap(({ products }) => products));
    working.forEach(({ taps, products, sum: part }, c) => {
      const [patch, kernel, made] = channels[c].grids;
      patch.show(taps, KERNEL, KERNEL, { limit: strongest(now.channels.map(strongest)) });
      const weights = filters[map][c].map((value) => ({ value }));
      kernel.show(weights, KERNEL, KERNEL, { limit: strongest(filters[map].map(strongest)) });
      made.show(products.map((value) => ({ value })), KERNEL, KERNEL, { limit: most });
      channels[c].total.replaceChildren(t("figure.volume.part", { c }), " ", h("b", {}, plain(part)));
    });
    const terms = [...working.map((one) => one.sum), biases[map]];
    const total = terms.reduce((a, b) => a + b, 0);
    sum.replaceChildren(`${terms.map(inBrackets).join(" + ")} =\u00a0`, h("output", {}, plain(total)),
      h("span", { class: "soft small" }, ` ${t("figure.volume.terms")}`));
  }
  return { element, show };
}

export const VOLUME = { INITIAL, write, read, create };
