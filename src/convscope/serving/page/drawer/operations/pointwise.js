/** Operations on one value: a function of it, or a copy. */

import { h } from "../../dom.js";
import { t } from "../../i18n.js";
import { fixed } from "../../numbers.js";
import { plot } from "../plot.js";
import { termPlace } from "../product.js";
import { commonDecimals, results } from "../total.js";
import { formula, grids, inputColumn, sourceMap, sumColumn, termValue } from "./elements.js";

/** An activation function: its curve, with what goes in and what comes out. */
export function pointwiseFunction(store, arithmetic) {
  const { terms: [term], type, value, parameters, layer } = arithmetic;
  const decimals = commonDecimals(arithmetic, [term.value]);
  const node = store.state.network.byName.get(layer);
  const called = parameters?.function ?? node.attributes?.function ?? type;
  return [
    inputColumn(grids(sourceMap(store, [term]), plot(type, term.value, value)), termValue(store, term)),
    sumColumn(h("h3", {}, t("op.function")), formula(`${called}(${fixed(term.value, decimals)})`),
      results(arithmetic, decimals)),
  ];
}

/** Layers that hand values on: flattening, dropout, concatenation. */
export function copy(store, arithmetic) {
  const [term] = arithmetic.terms;
  if (!term) return [h("p", { class: "soft" }, t(arithmetic.off ? "op.off" : "op.nothing"))];
  return [
    inputColumn(grids(sourceMap(store, [term])), termValue(store, term)),
    sumColumn(h("h3", {}, t("op.copy")), formula(termPlace(term, store.state.network)),
      results(arithmetic, commonDecimals(arithmetic))),
  ];
}
