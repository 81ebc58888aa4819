/** Pooling: a window, and the one number that stands for it. */

import { h } from "../../dom.js";
import { t } from "../../i18n.js";
import { fixed, strongest } from "../../numbers.js";
import { numberGrid } from "../grid.js";
import { termPlace } from "../product.js";
import { commonDecimals, results } from "../total.js";
import { formula, grids, inputColumn, selectTerm, sourceMap, sumColumn, termValue } from "./elements.js";

const WRITTEN_OUT = 9; // values that fit into a line

export function pooling(store, arithmetic) {
  const { terms, grid, operation } = arithmetic;
  const decimals = commonDecimals(arithmetic);
  const picked = store.state.selected.term;
  const term = terms[picked] ?? terms.find(({ chosen }) => chosen);
  return [
    inputColumn(
      grids(sourceMap(store, terms), grid ? windowGrid(store, terms, grid, picked) : null),
      term ? termValue(store, term, term.padded ? t("product.padded") : termPlace(term, store.state.network)) : null),
    sumColumn(
      h("h3", {}, t(`op.${operation}`)), formula(formulaOf(arithmetic, decimals)), results(arithmetic, decimals)),
  ];
}

function windowGrid(store, terms, { height, width }, picked) {
  const window = numberGrid({ caption: t("sum.patch"), onPick: (i) => selectTerm(store, i) });
  window.show(terms, height, width, { limit: strongest(terms.map(({ value }) => value)), picked });
  return window.element;
}

/** "max(0.1, 0.2)", "(0.1 + 0.2) / 2", or shorter where there are many values. */
function formulaOf({ terms, operation, value }, decimals) {
  const values = terms.filter(({ padded }) => !padded).map((term) => fixed(term.value, decimals));
  const few = values.length <= WRITTEN_OUT;
  if (operation === "maximum") return `max(${few ? values.join(", ") : t("op.values", { n: values.length })})`;
  const sum = terms.reduce((total, term) => total + term.value, 0);
  const count = Math.round(sum / value) || terms.length; // whether padding counts is up to the layer
  return `${few ? `(${values.join(" + ")})` : fixed(sum, decimals)} / ${count}`;
}
