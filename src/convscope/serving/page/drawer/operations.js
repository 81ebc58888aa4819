/** Calculations that are no sum over windows: pooling, functions, norms, additions, copies, dense layers, softmax. */

import { h, name } from "../dom.js";
import { numberGrid } from "./grid.js";
import { t } from "../i18n.js";
import { ownName } from "../network/kinds.js";
import { findMap } from "../state/maps.js";
import { mapBox } from "./mapbox.js";
import { fixed, percent, short } from "../numbers.js";
import { limits } from "../network/paint.js";
import { plot } from "./plot.js";
import { followButton, productLine, termPlace } from "./product.js";
import { commonDecimals, line, results } from "./total.js";

const MOST = 14; // terms listed at first, the strongest
const FEW = 6; // terms that each get a picture
const IN_WORDS = 9; // values that still fit on a line
const strongest = (values) => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);

/** The view for `arithmetic.operation`; each fills `root` once and returns what has to follow the store. */
export function operationView(root, store) {
  let all = false;
  const update = () => {
    const { arithmetic } = store.state;
    root.classList.toggle("busy", !arithmetic);
    if (!arithmetic) return;
    const focused = [...root.querySelectorAll("button")].indexOf(document.activeElement);
    const list = (...given) => listed(...given, all, () => ((all = true), update()));
    const added = (...given) => (arithmetic.terms.length > FEW ? list : addition)(...given);
    const make = { maximum: pooled, average: pooled, function: applied, normalise: normalised, sum: added, copy: copied,
      softmax: shares, "sum of products": list, composite: list }[arithmetic.operation] ?? copied;
    root.replaceChildren(...make(store, arithmetic));
    if (focused >= 0) root.querySelectorAll("button")[focused]?.focus();
  };
  return { update };
}

/** The map that a term comes from, with its place or the window of all terms marked. */
function source(store, terms) {
  const { forward, scale } = store.state;
  const [{ input, index }] = terms;
  const layer = forward.layers.get(input);
  if (!layer) return null;
  const map = layer.vector ? layer.maps[0] : findMap(store, input, index[0]);
  const ends = terms.map(({ index: [, y, x] }) => [y, x]);
  const box = layer.vector ? [0, index[0], 1, index[0] + 1]
    : [Math.min(...ends.map(([y]) => y)), Math.min(...ends.map(([, x]) => x)), Math.max(...ends.map(([y]) => y)) + 1, Math.max(...ends.map(([, x]) => x)) + 1];
  const picture = mapBox({ size: 156, caption: t(layer.vector ? "sum.vector" : "sum.input", { layer: input, map: index[0] }) });
  picture.show({ layer, map, box, limit: map ? limits(forward.layers, scale)(layer, map) : 1 });
  return picture.element;
}

const column = (...parts) => h("div", { class: "taken" }, ...parts);
const sums = (...parts) => h("div", { class: "sums" }, ...parts);
const formula = (...parts) => h("p", { class: "formula" }, ...parts);
const grids = (...parts) => h("div", { class: "grids" }, ...parts);

function pooled(store, arithmetic) {
  const { terms, grid, operation } = arithmetic;
  const real = terms.filter(({ padded }) => !padded);
  const decimals = commonDecimals(arithmetic);
  const patch = numberGrid({ caption: t("sum.patch"), onPick: (i) => store.set({ selected: { ...store.state.selected, term: i } }) });
  const { term } = store.state.selected;
  if (grid) patch.show(terms, grid.height, grid.width, { limit: strongest(terms.map(({ value }) => value)), picked: term });
  const sum = terms.reduce((total, { value }) => total + value, 0);
  const values = real.map(({ value }) => fixed(value, decimals));
  const few = values.length <= IN_WORDS;
  const words = operation === "maximum" ? `max(${few ? values.join(", ") : t("op.values", { n: values.length })})`
    : `${few ? `(${values.join(" + ")})` : fixed(sum, decimals)} / ${Math.round(sum / arithmetic.value) || terms.length}`;
  const chosen = terms[term] ?? terms.find((one) => one.chosen);
  return [column(grids(source(store, terms), grid ? patch.element : null),
    chosen ? h("div", { class: "product" }, h("output", {}, fixed(chosen.value, 6)), h("span", { class: "soft" }, chosen.padded ? t("product.padded") : termPlace(chosen)), followButton(store, chosen)) : null),
  sums(h("h4", {}, t(`op.${operation}`)), formula(words), results(arithmetic, decimals))];
}

function applied(store, arithmetic) {
  const [term] = arithmetic.terms;
  const decimals = commonDecimals(arithmetic, [term.value]);
  const node = store.state.network.byName.get(arithmetic.layer);
  const label = arithmetic.parameters?.function ?? node.attributes?.function ?? arithmetic.type;
  return [column(grids(source(store, [term]), plot(arithmetic.type, term.value, arithmetic.value)), follower(store, term)),
    sums(h("h4", {}, t("op.function")), formula(`${label}(${fixed(term.value, decimals)})`), results(arithmetic, decimals))];
}

function normalised(store, arithmetic) {
  const [term] = arithmetic.terms;
  const { mean, variance, eps, weight, bias } = arithmetic.parameters;
  const decimals = Math.max(commonDecimals(arithmetic, [term.value]), 4);
  const f = (v) => fixed(v, decimals);
  const spread = Math.sqrt(variance + eps);
  const middle = term.value - mean;
  const steps = [
    [t("op.minusMean"), `${f(term.value)} − ${bracketed(mean, f)}`, middle],
    [t("op.overSpread"), `${f(middle)} / √(${f(variance)} + ${short(eps)})`, middle / spread],
  ];
  if (weight !== undefined && weight !== null) steps.push([t("op.timesWeight"), `${f(middle / spread)} × ${bracketed(weight, f)}`, (middle / spread) * weight]);
  if (bias !== undefined && bias !== null) steps.push([t("op.plusBias"), `${f(arithmetic.value - bias)} + ${bracketed(bias, f)}`, arithmetic.value]);
  const known = mean !== undefined && variance !== undefined;
  return [column(grids(source(store, [term])), follower(store, term)),
    sums(h("h4", {}, t("op.normalise")),
      known ? h("ol", { class: "steps" }, steps.map(([what, words, value]) => h("li", {}, h("span", { class: "what" }, what), h("span", { class: "working" }, words), h("span", { class: "number" }, `= ${f(value)}`))))
        : formula(arithmetic.formula),
      results(arithmetic, commonDecimals(arithmetic)))];
}

const bracketed = (value, f) => (value < 0 ? `(${f(value)})` : f(value));

function addition(store, arithmetic) {
  const decimals = commonDecimals(arithmetic, arithmetic.terms.map(({ value }) => value));
  const limit = strongest(arithmetic.terms.map(({ value }) => value));
  return [column(grids(arithmetic.terms.flatMap((term, i) => [i ? h("span", { class: "sign" }, "+") : null,
    h("div", { class: "operand" }, source(store, [term]), followButton(store, term, "product.follow.short"))]))),
    sums(h("h4", {}, t("op.sum")), arithmetic.terms.map((term) => line({ label: name(ownName(term.input)), value: term.value, limit, decimals })), results(arithmetic, decimals))];
}

function copied(store, arithmetic) {
  const [term] = arithmetic.terms;
  if (!term) return [h("p", { class: "soft" }, t("op.nothing"))];
  const decimals = commonDecimals(arithmetic);
  return [column(grids(source(store, [term])), follower(store, term)),
    sums(h("h4", {}, t("op.copy")), formula(termPlace(term)), results(arithmetic, decimals))];
}

const follower = (store, term) => h("div", { class: "product" }, h("output", {}, fixed(term.value, 6)), h("span", { class: "soft" }, termPlace(term)), followButton(store, term));

/** A dense layer (or one that nobody took apart): its strongest terms, the others together, the bias. */
function listed(store, arithmetic, all, showAll) {
  const { terms, bias, operation } = arithmetic;
  const weightOf = ({ product, value }) => product ?? value;
  const order = terms.map((_, i) => i).sort((a, b) => Math.abs(weightOf(terms[b])) - Math.abs(weightOf(terms[a])));
  const shown = order.slice(0, all ? 400 : MOST);
  const rest = order.slice(shown.length);
  const decimals = commonDecimals(arithmetic);
  const limit = strongest(terms.map(weightOf));
  const { term } = store.state.selected;
  const pick = (i) => store.set({ selected: { ...store.state.selected, term: i } });
  const rows = shown.map((i) => line({ label: t("op.input", { index: terms[i].index.filter((v) => v !== null).join(", ") }), value: weightOf(terms[i]), limit, decimals, onclick: () => pick(i), chosen: i === term }));
  const parts = [h("h4", {}, t({ composite: "op.composite", sum: "op.many" }[operation] ?? "op.dense", { n: terms.length }), operation === "sum" && arithmetic.formula ? ` ${arithmetic.formula}` : ""), ...rows];
  if (rest.length) parts.push(line({ label: t("sum.rest", { n: rest.length }), value: rest.reduce((sum, i) => sum + weightOf(terms[i]), 0), limit: 0, decimals, onclick: showAll, className: "rest" }));
  if (bias !== null && bias !== undefined) parts.push(line({ label: t("sum.bias"), value: bias, limit, decimals, className: "bias" }));
  const vector = terms.length && store.state.forward.layers.get(terms[0].input);
  return [column(vector ? weighing(store, arithmetic, vector, term) : null, h("div", { class: "oneline" }, productLine(store, terms[term] ?? null))),
    sums(...parts, results(arithmetic, decimals))];
}

/** Inputs, weights and products of a dense layer side by side as cells. */
function weighing(store, { terms, operation }, vector, term) {
  if (!vector.vector) return grids(source(store, [terms[term ?? 0]]));
  const n = terms.length;
  const row = [["sum.vectorInput", "value"], ["sum.weights", "weight"], [operation === "sum" ? "op.terms" : "sum.products", "product"]].map(([key, what]) => {
    const values = terms.map((one) => one[what] ?? 0);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const data = Uint8Array.from(values, (v) => (high > low ? Math.round(((v - low) / (high - low)) * 255) : 0));
    const picture = mapBox({ size: 148, caption: t(key, { layer: vector.name }), onPlace: (_, x) => store.set({ selected: { ...store.state.selected, term: x } }) });
    picture.show({ layer: { vector: true, width: n, height: 1 }, map: { data, low, high }, limit: strongest(values), box: term === undefined ? null : [0, term, 1, term + 1] });
    return picture.element;
  });
  const [between, after] = operation === "sum" ? [",", "→"] : ["×", "="];
  return grids(row[0], h("span", { class: "sign" }, between), row[1], h("span", { class: "sign" }, after), row[2]);
}

function shares(store, arithmetic) {
  const { terms, parameters, index } = arithmetic;
  const { class_names: names } = store.state.network;
  const order = terms.map((_, i) => i).sort((a, b) => terms[b].value - terms[a].value);
  const shown = order.length <= MOST ? terms.map((_, i) => i) : [...new Set([index[0], ...order])].slice(0, MOST);
  const rest = order.filter((i) => !shown.includes(i));
  const decimals = commonDecimals(arithmetic);
  const last = store.state.network.nodes.at(-1).name;
  const rows = shown.map((i) => h("tr", { class: i === index[0] ? "chosen" : "" }, h("th", {}, name(names[i])), h("td", {}, fixed(terms[i].value, 3)), h("td", {}, fixed(terms[i].product, 4))));
  if (rest.length) rows.push(h("tr", {}, h("th", {}, t("sum.rest", { n: rest.length })), h("td", {}, ""), h("td", {}, fixed(rest.reduce((sum, i) => sum + terms[i].product, 0), 4))));
  rows.push(h("tr", { class: "total" }, h("th", {}, t("op.together")), h("td", {}, ""), h("td", {}, fixed(parameters.sum, 4))));
  const where = { input: last, index: [index[0], null, null], value: terms[index[0]].value };
  return [column(h("table", { class: "softmax" }, h("thead", {}, h("tr", {}, h("th", {}, t("op.class")), h("th", {}, t("op.logit")), h("th", {}, t("op.power", { largest: fixed(parameters.largest, 3) })))), h("tbody", {}, rows))),
    sums(h("h4", {}, t("op.softmax")), formula(`${fixed(terms[index[0]].product, 4)} / ${fixed(parameters.sum, 4)}`), results(arithmetic, decimals),
      h("p", { class: "soft" }, t("op.percent", { value: percent(arithmetic.value) })), followButton(store, where))];
}

