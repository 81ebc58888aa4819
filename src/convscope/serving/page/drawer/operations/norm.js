/** Normalisation of one value, step by step. */

import { h } from "../../dom.js";
import { t } from "../../i18n.js";
import { fixed, short } from "../../numbers.js";
import { commonDecimals, results } from "../total.js";
import { formula, grids, inputColumn, sourceMap, sumColumn, termValue } from "./elements.js";

export function normalisation(store, arithmetic) {
  const [term] = arithmetic.terms;
  const { mean, variance } = arithmetic.parameters;
  const known = mean !== undefined && variance !== undefined;
  const working = known ? h("ol", { class: "steps" }, stepsOf(arithmetic).map(step)) : formula(arithmetic.formula);
  return [
    inputColumn(grids(sourceMap(store, [term])), termValue(store, term)),
    sumColumn(h("h3", {}, t("op.normalise")), working, results(arithmetic, commonDecimals(arithmetic))),
  ];
}

const step = ([what, working, result]) => h("li", {}, h("span", { class: "what" }, what),
  h("span", { class: "working" }, working), h("span", { class: "number" }, `= ${result}`));

/** [words, working, result] for each step: minus mean, over spread, times weight, plus bias. */
function stepsOf(arithmetic) {
  const { type, terms: [{ value }], parameters: { mean, variance, eps, weight, bias } } = arithmetic;
  const decimals = Math.max(commonDecimals(arithmetic, [value]), 4);
  const f = (number) => fixed(number, decimals);
  const inBrackets = (number) => (number < 0 ? `(${f(number)})` : f(number));
  const centred = value - mean;
  const scaled = centred / Math.sqrt(variance + eps);
  const learned = /batch_?norm/i.test(type); // in the training; others take the values' own
  const steps = [
    [t(learned ? "op.minusMean" : "op.minusOwnMean"), `${f(value)} −\u00a0${inBrackets(mean)}`, f(centred)],
    [t("op.overSpread"), `${f(centred)} /\u00a0√(${f(variance)} +\u00a0${short(eps)})`, f(scaled)],
  ];
  if (typeof weight === "number") {
    steps.push([t("op.timesWeight"), `${f(scaled)} ×\u00a0${inBrackets(weight)}`, f(scaled * weight)]);
  }
  if (typeof bias === "number") {
    steps.push([t("op.plusBias"), `${f(arithmetic.value - bias)} +\u00a0${inBrackets(bias)}`, f(arithmetic.value)]);
  }
  return steps;
}
