/** Sums of terms that are no windows: additions, and dense layers with their many products. */

import { h, name } from "../../dom.js";
import { t } from "../../i18n.js";
import { ownName } from "../../network/kinds.js";
import { strongest } from "../../numbers.js";
import { mapBox } from "../mapbox.js";
import { followButton, productLine } from "../product.js";
import { signed } from "../sign.js";
import { commonDecimals, line, results } from "../total.js";
import { grids, inputColumn, selectTerm, sourceMap, sumColumn } from "./elements.js";

const LISTED = 14; // terms at first, the strongest
const MOST_LISTED = 400;
const TITLES = { composite: "op.composite", sum: "op.many" };

/** Few values of the same place, each with its map. */
export function addition(store, arithmetic) {
  const { terms } = arithmetic;
  const values = terms.map(({ value }) => value);
  const style = { limit: strongest(values), decimals: commonDecimals(arithmetic, values) };
  const operands = terms.map((term, i) => {
    const operand = h("div", { class: "operand" }, sourceMap(store, [term]),
      followButton(store, term, "product.follow.short"));
    return i ? signed("+", operand) : operand;
  });
  const lines = terms.map(({ input, value }) => line({ label: name(ownName(input)), value, ...style }));
  return [
    inputColumn(grids(operands)),
    sumColumn(h("h3", {}, t("op.sum")), lines, results(arithmetic, style.decimals)),
  ];
}

/** A dense layer, or one of which only influences are known: the strongest terms, the others together, the bias. */
export function termList(store, arithmetic, list) {
  const { terms, operation } = arithmetic;
  const alone = terms.length === 1 && operation === "sum of products"; // as where two inputs are multiplied
  const picked = alone ? 0 : store.state.selected.term;
  const vector = terms.length && store.state.forward.layers.get(terms[0].input);
  const title = alone ? t("op.oneProduct") : t(TITLES[operation] ?? "op.dense", { n: terms.length });
  return [
    inputColumn(
      vector ? inputCells(store, arithmetic, vector, picked) : null,
      h("div", { class: "oneline" }, productLine(store, terms[picked] ?? null))),
    sumColumn(
      h("h3", {}, title, operation === "sum" && arithmetic.formula ? ` ${arithmetic.formula}` : ""),
      termLines(store, arithmetic, list), results(arithmetic, commonDecimals(arithmetic))),
  ];
}

function termLines(store, arithmetic, { showsAll, showAll }) {
  const { terms, bias } = arithmetic;
  const picked = store.state.selected.term;
  const together = areTogether(terms);
  const weights = terms.map(({ product, value }) => product ?? value);
  const style = { limit: strongest(weights), decimals: commonDecimals(arithmetic) };
  const order = terms.map((_, i) => i).sort((a, b) => Math.abs(weights[b]) - Math.abs(weights[a]));
  const listed = order.slice(0, showsAll ? MOST_LISTED : LISTED);
  const rest = order.slice(listed.length);
  const lines = listed.map((i) => {
    const index = together ? terms[i].index[0] : terms[i].index.filter((part) => part !== null).join(", ");
    const onclick = () => selectTerm(store, i);
    return line({ label: t("op.input", { index }), value: weights[i], ...style, onclick, chosen: i === picked });
  });
  if (rest.length) {
    const value = rest.reduce((sum, i) => sum + weights[i], 0);
    const label = t("sum.rest", { n: rest.length });
    lines.push(line({ label, value, ...style, limit: 0, onclick: showAll, className: "rest" }));
  }
  if (typeof bias === "number") lines.push(line({ label: t("sum.bias"), value: bias, ...style, className: "bias" }));
  return lines;
}

/** Whether terms are the values of all maps at one place, as those of a dense layer on each token by itself. */
function areTogether(terms) {
  const [{ index: [, y, x] }] = terms;
  const isHere = ({ index }, i) => index[0] === i && index[1] === y && index[2] === x;
  return terms.length > 1 && y !== null && terms.every(isHere);
}

/** Inputs, weights and products of a dense layer side by side as cells. */
function inputCells(store, { terms, operation }, layer, picked) {
  if (!layer.vector && !areTogether(terms)) return grids(sourceMap(store, [terms[picked ?? 0]]));
  const isSum = operation === "sum";
  const cells = (key, what) => {
    const values = terms.map((term) => term[what] ?? 0);
    return cellsOf(store, values, t(key, { layer: layer.name }), picked);
  };
  return grids(
    cells("sum.vectorInput", "value"),
    signed(isSum ? "," : "×", cells("sum.weights", "weight")),
    signed(isSum ? "→" : "=", cells(isSum ? "op.terms" : "sum.products", "product")));
}

function cellsOf(store, values, caption, picked) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const quantised = (value) => (high > low ? Math.round(((value - low) / (high - low)) * 255) : 0);
  const map = { data: Uint8Array.from(values, quantised), low, high };
  const layer = { vector: true, width: values.length, height: 1 };
  const picture = mapBox({ size: 148, caption, onPlace: (_, i) => selectTerm(store, i) });
  const box = picked === undefined ? null : [0, picked, 1, picked + 1];
  picture.show({ layer, map, limit: strongest(values), box });
  return picture.element;
}
