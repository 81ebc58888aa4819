/** A sum of products over windows of input maps: patch x kernel, map by map, then the bias. */

import { valuesPicture } from "../colour.js";
import { h, icon } from "../dom.js";
import { t } from "../i18n.js";
import { findMap } from "../state/maps.js";
import { mapBox } from "./mapbox.js";
import { numberGrid } from "./grid.js";
import { fixed } from "../numbers.js";
import { limits } from "../network/paint.js";
import { productLine } from "./product.js";
import { commonDecimals, line, results } from "./total.js";

const MOST = 12; // input maps listed at first, the strongest

const strongest = (values) => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);

/** `root` is filled for one map of one layer; `update()` follows the store. */
export function sumView(root, store) {
  let position = null; // which input map is taken apart, as a place in grid.channels
  let all = false;
  let editing = false;
  const input = mapBox({ size: 148, caption: "" });
  const pick = (i) => {
    const { arithmetic, selected } = store.state;
    if (arithmetic) store.set({ selected: { ...selected, term: position * perMap() + i } });
  };
  const patch = numberGrid({ caption: t("sum.patch"), onPick: pick });
  const kernel = numberGrid({ caption: t("sum.kernel"), onPick: pick, onEdit: edit });
  const products = numberGrid({ caption: t("sum.products"), onPick: pick });
  const editButton = h("button", { class: "quiet", onclick: () => setEditing(!editing), "aria-pressed": "false" });
  const resetButton = h("button", { class: "quiet", onclick: reset, hidden: true }, icon("reset"), t("sum.reset"));
  const signs = ["×", "="].map((sign) => h("span", { class: "sign", "aria-hidden": "true" }, sign));
  const one = h("div", { class: "oneline" });
  const sums = h("div", { class: "sums" });
  root.append(
    h("div", { class: "taken" },
      h("div", { class: "grids" }, input.element, patch.element, signs[0], kernel.element, signs[1], products.element),
      one, h("div", { class: "row" }, editButton, resetButton)),
    sums);

  const perMap = () => store.state.arithmetic.grid.height * store.state.arithmetic.grid.width;

  function setEditing(yes) {
    editing = yes;
    update();
    if (yes) kernel.element.querySelector("input")?.focus();
  }
  const mine = (entry) => entry.layer === store.state.selected.layer && entry.map === store.state.selected.map && entry.input === position;
  function edit(values) {
    const { kernels, whatif, selected } = store.state;
    const [, rows, columns] = kernels.shape;
    const table = Array.from({ length: rows }, (_, y) => values.slice(y * columns, (y + 1) * columns));
    const others = whatif.kernels.filter((entry) => !mine(entry));
    store.set({ whatif: { ...whatif, kernels: [...others, { layer: selected.layer, map: selected.map, input: position, values: table }] } });
  }
  function reset() {
    const { whatif } = store.state;
    store.set({ whatif: { ...whatif, kernels: whatif.kernels.filter((entry) => !mine(entry)) } });
  }

  /** Terms of all input maps, or, without a place, the kernel alone. */
  function material() {
    const { arithmetic, kernels, selected, network } = store.state;
    const node = network.byName.get(selected.layer);
    if (arithmetic?.grid) {
      const { channels, height, width } = arithmetic.grid;
      return { channels, height, width, terms: arithmetic.terms, source: arithmetic.terms[0].input, partial: arithmetic.partial_sums, node };
    }
    if (!kernels || kernels.layer !== selected.layer || kernels.map !== selected.map) return null;
    const [inputs, height, width] = kernels.shape;
    const first = Math.floor(selected.map / (node.shape[0] / (node.attributes.groups ?? 1))) * inputs;
    const channels = Array.from({ length: inputs }, (_, i) => first + i);
    const partial = channels.map((_, i) => kernels.values.subarray(i * height * width, (i + 1) * height * width).reduce((a, b) => a + b, 0));
    return { channels, height, width, terms: null, source: node.inputs[0], partial, node };
  }

  function update() {
    const made = material();
    root.classList.toggle("busy", !made);
    if (!made) return;
    const { state } = store;
    const { channels, height, width, terms, source, partial } = made;
    const n = height * width;
    const fromLink = state.selected.term === undefined ? null : Math.floor(state.selected.term / n);
    if (fromLink !== null && fromLink < channels.length) position = fromLink;
    if (position === null || position >= channels.length) {
      position = partial.reduce((best, v, i) => (Math.abs(v) > Math.abs(partial[best]) ? i : best), 0);
    }
    const own = terms ? terms.slice(position * n, (position + 1) * n) : null;
    showGrids(made, own, n);
    showInput(source, channels[position], own);
    const picked = state.selected.term === undefined ? null : state.selected.term - position * n;
    one.replaceChildren(productLine(store, own && picked !== null ? own[picked] : null, picked === null ? null
      : { row: Math.floor(picked / width), column: picked % width }));
    showSums(made);
    const editable = state.kernels?.layer === state.selected.layer && state.kernels.shape[0] === channels.length;
    editButton.hidden = !editable;
    editButton.setAttribute("aria-pressed", String(editing));
    editButton.replaceChildren(icon("edit"), t(editing ? "sum.done" : "sum.edit"));
    resetButton.hidden = !state.whatif.kernels.some(mine);
  }

  function showGrids({ channels, height, width, terms }, own, n) {
    const { kernels, selected } = store.state;
    // A table of connections (LeNet-5's C3) leaves maps out: then only the terms say which kernel belongs to which.
    const mineKernel = kernels?.layer === selected.layer && kernels.map === selected.map && (!terms || kernels.shape[0] === channels.length);
    const weights = mineKernel ? [...kernels.values.subarray(position * n, (position + 1) * n)] : own.map(({ weight }) => weight);
    const weightLimit = mineKernel ? strongest([...kernels.values]) : strongest(terms.map(({ weight }) => weight));
    const picked = selected.term === undefined ? null : selected.term - position * n;
    for (const part of [patch.element, products.element, ...signs]) part.hidden = !own;
    kernel.show(weights.map((value) => ({ value })), height, width, { limit: weightLimit, picked, editing });
    kernel.caption(t("sum.kernel"), ` ${height}×${width}`);
    if (!own) return;
    patch.show(own, height, width, { limit: strongest(terms.map(({ value }) => value)), picked });
    products.show(own.map(({ product }) => ({ value: product })), height, width, { limit: strongest(terms.map(({ product }) => product)), picked });
    products.caption(t("sum.products"), " · ", t("sum.together", { value: fixed(own.reduce((sum, { product }) => sum + product, 0), 4) }));
  }

  function showInput(source, channel, own) {
    const layer = store.state.forward?.layers.get(source);
    input.element.hidden = !layer;
    if (!layer) return;
    const map = layer.vector ? layer.maps[0] : findMap(store, source, channel);
    const box = own && !layer.vector ? [own[0].index[1], own[0].index[2], own.at(-1).index[1] + 1, own.at(-1).index[2] + 1] : null;
    input.show({ layer, map, box, limit: map ? limits(store.state.forward.layers, store.state.scale)(layer, map) : 1 });
    input.caption(t("sum.input", { layer: source, map: channel }));
  }

  function showSums({ channels, height, width, terms, partial }) {
    const { arithmetic, kernels, selected } = store.state;
    const limit = strongest(partial);
    const order = channels.map((_, i) => i);
    const sorted = channels.length > MOST ? order.sort((a, b) => Math.abs(partial[b]) - Math.abs(partial[a])) : order;
    const listed = all ? sorted : sorted.slice(0, MOST);
    const rest = sorted.slice(listed.length);
    const decimals = arithmetic ? commonDecimals(arithmetic) : 4;
    const rows = listed.map((i) => {
      const n = height * width;
      const weights = terms ? terms.slice(i * n, (i + 1) * n).map(({ weight }) => weight) : kernels.values.subarray(i * n, (i + 1) * n);
      const picture = valuesPicture(weights, height, width, strongest([...weights]));
      picture.className = "mini";
      picture.setAttribute("aria-hidden", "true");
      const choose = () => {
        position = i;
        if (store.state.selected.term !== undefined) store.set({ selected: { ...store.state.selected, term: undefined } });
        else update();
      };
      return line({ label: [picture, t("sum.map", { map: channels[i] })], value: terms ? partial[i] : null, limit: terms ? limit : 0, decimals, onclick: choose, chosen: i === position });
    });
    const focused = [...sums.querySelectorAll("button")].indexOf(document.activeElement);
    const parts = [h("h4", {}, t(terms ? "sum.title" : "sum.kernels", { n: channels.length })), ...rows];
    if (rest.length) {
      parts.push(line({ label: t("sum.rest", { n: rest.length }), value: terms ? rest.reduce((sum, i) => sum + partial[i], 0) : null, limit: terms ? limit : 0, decimals,
        onclick: () => ((all = true), update()), className: "rest" }));
    }
    const bias = arithmetic ? arithmetic.bias : kernels?.map === selected.map ? kernels.bias : null;
    if (bias !== null && bias !== undefined) parts.push(line({ label: t("sum.bias"), value: bias, limit, decimals, className: "bias" }));
    if (terms) parts.push(results(arithmetic, decimals));
    else parts.push(h("p", { class: "soft" }, t("sum.place")));
    sums.replaceChildren(...parts);
    if (focused >= 0) sums.querySelectorAll("button")[focused]?.focus();
  }
  return { update };
}

