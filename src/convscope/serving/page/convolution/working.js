/** The calculation behind one value of the playground, with its real numbers. */

import { h } from "../dom.js";
import { numberGrid } from "../drawer/grid.js";
import { t } from "../i18n.js";
import { fixed } from "../numbers.js";
import { plot } from "../drawer/plot.js";
import { LEAK } from "./compute.js";
import { sizeOf } from "./kernels.js";
import { laid, tapsOf } from "./settings.js";

const WRITTEN_OUT = 25; // products of a sum that still fit
const CURVES = { relu: "relu", leaky: "leakyrelu", sigmoid: "sigmoid", tanh: "tanh" };

/** Up to three decimals, none of them for nothing. */
export const plain = (value) => fixed(value, 3).replace(/\.?0+$/, "");
const inBrackets = (value) => (value < 0 ? `(${plain(value)})` : plain(value));
const strongest = (values) => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);

export function working() {
  const grids = ["patch", "kernel", "products"].map((key) => [key, numberGrid({ caption: "" })]);
  const [patch, kernel, products] = grids.map(([, grid]) => grid);
  const signs = ["×", "="].map((sign) => h("span", { class: "sign", "aria-hidden": "true" }, sign));
  const curve = h("div", {});
  const row = h("div", { class: "grids" }, patch.element, signs[0], kernel.element, signs[1], products.element, curve);
  const title = h("h3", {});
  const sum = h("p", { class: "conv-sum", "aria-live": "polite" });
  const element = h("section", { class: "conv-working" }, title, row, sum);

  function convolution(settings, taps) {
    const weights = laid(settings);
    const n = sizeOf(weights);
    const terms = taps.map(({ value }, i) => value * weights[i]);
    patch.show(taps, n, n, { limit: strongest(taps.map(({ value }) => value)) });
    kernel.show(weights.map((value) => ({ value })), n, n, { limit: strongest(weights) });
    products.show(terms.map((value) => ({ value })), n, n, { limit: strongest(terms) });
    kernel.caption(t(settings.flip ? "convolution.kernelTurned" : "sum.kernel"));
    products.caption(t("sum.products"));
    const total = terms.reduce((a, b) => a + b, 0);
    const written = terms.length <= WRITTEN_OUT ? taps.map(({ value }, i) => `${inBrackets(value)}·${inBrackets(weights[i])}`).join(" + ") : t("convolution.manyProducts", { n: terms.length });
    return [`${written} = `, total];
  }
  function activation({ activation: kind }, [{ value }], result) {
    const drawn = plot(CURVES[kind], value, result);
    curve.replaceChildren(drawn);
    const x = plain(value);
    const formulas = { relu: `max(0, ${x})`, leaky: value < 0 ? `${LEAK} · (${x})` : x, sigmoid: `1 / (1 + e^${inBrackets(-value)})`, tanh: `tanh(${x})` };
    return [`${t(`convolution.activation.${kind}`)}: ${formulas[kind]} = `, result];
  }
  function pooling({ pooling: kind, poolSize }, taps, result) {
    const best = taps.findIndex(({ value }) => value === result);
    patch.show(taps.map((tap, i) => ({ ...tap, chosen: kind === "max" && i === best })), poolSize, poolSize, { limit: strongest(taps.map(({ value }) => value)) });
    const values = taps.length <= WRITTEN_OUT ? taps.map(({ value }) => inBrackets(value)) : [t("convolution.manyValues", { n: taps.length })];
    return [kind === "max" ? `max(${values.join(", ")}) = ` : `(${values.join(" + ")}) / ${taps.length} = `, result];
  }

  function show(settings, made) {
    const { stage, place: [y, x] } = settings;
    const map = made[stage];
    element.hidden = !map;
    if (!map) return;
    const taps = tapsOf(settings, made);
    const result = map.values[y * map.width + x];
    for (const part of [kernel.element, products.element, ...signs]) part.hidden = stage !== "conv";
    patch.element.hidden = stage === "act";
    curve.hidden = stage !== "act";
    title.textContent = t(`convolution.working.${stage}`, { y, x });
    patch.caption(t("sum.patch"));
    const [text, value] = { conv: convolution, act: activation, pool: pooling }[stage](settings, taps, result);
    sum.replaceChildren(h("span", {}, text), h("output", {}, plain(value)));
  }
  return { element, show };
}
