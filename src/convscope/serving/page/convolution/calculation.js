/** The calculation behind the selected value, with its real numbers. */

import { h } from "../dom.js";
import { numberGrid } from "../drawer/grid.js";
import { plot, slopePlot } from "../drawer/plot.js";
import { signed } from "../drawer/sign.js";
import { t } from "../i18n.js";
import { fixed, strongest } from "../numbers.js";
import { LEAK, pooled } from "./compute.js";
import { sizeOf } from "./kernels.js";
import { selectedTaps, weightsOf } from "./settings.js";

const MOST_TERMS = 25; // of a sum that is written out
const CURVES = { relu: "relu", leaky: "leakyrelu", sigmoid: "sigmoid", tanh: "tanh" };

/** Up to three decimals, without zeros at the end. */
const plain = (value) => fixed(value, 3).replace(/\.?0+$/, "");
const inBrackets = (value) => (value < 0 ? `(${plain(value)})` : plain(value));

/** `show(playground)` follows its state. */
export function calculation() {
  const [patch, kernel, products] = Array.from({ length: 3 }, () => numberGrid({ caption: "" }));
  const curve = h("div", { class: "slopes" });
  const [times, equals] = [signed("×", kernel.element), signed("=", products.element)];
  const grids = [patch.element, times, equals, curve];
  const title = h("h3", {});
  const sum = h("p", { class: "conv-sum", "aria-live": "polite" });
  const element = h("section", { class: "conv-working" }, title, h("div", { class: "grids" }, grids), sum);
  const beside = h("p", { class: "soft small" });
  element.append(beside);
  const parts = { patch, kernel, products, curve, beside };

  function show({ settings, maps, map }) {
    element.hidden = !map;
    if (!map) return;
    const { stage, place: [y, x] } = settings;
    for (const part of [times, equals]) part.hidden = stage !== "conv";
    patch.element.hidden = stage === "act";
    curve.hidden = stage !== "act";
    beside.hidden = stage === "conv";
    title.textContent = t(`convolution.working.${stage}`, { y, x });
    patch.caption(t("sum.patch"));
    const value = map.values[y * map.width + x];
    const text = SHOW_STAGE[stage](parts, settings, selectedTaps(settings, maps), value);
    sum.replaceChildren(h("span", {}, text), h("output", {}, plain(value)));
  }
  return { element, show };
}

/** For each stage: fills the grids or the curve, and returns the calculation as text up to its result. */
const SHOW_STAGE = { conv: showConvolution, act: showActivation, pool: showPooling };

function showConvolution({ patch, kernel, products }, settings, taps) {
  const weights = weightsOf(settings);
  const values = taps.map(({ value }) => value);
  const terms = values.map((value, i) => value * weights[i]);
  showGrid(patch, taps, values);
  showGrid(kernel, weights.map((value) => ({ value })), weights);
  showGrid(products, terms.map((value) => ({ value })), terms);
  kernel.caption(t(settings.flip ? "convolution.kernelTurned" : "sum.kernel"));
  products.caption(t("sum.products"));
  if (terms.length > MOST_TERMS) return `${t("convolution.manyProducts", { n: terms.length })} =\u00a0`;
  return `${values.map((value, i) => `${inBrackets(value)}·${inBrackets(weights[i])}`).join(" + ")} =\u00a0`;
}

function showGrid(grid, entries, values) {
  const size = sizeOf(values);
  grid.show(entries, size, size, { limit: strongest(values) });
}

function showActivation({ curve, beside }, { activation }, [{ value }], result) {
  curve.replaceChildren(plot(CURVES[activation], value, result), slopePlot(CURVES[activation], value));
  beside.textContent = t(`convolution.activation.${activation}.about`);
  const x = plain(value);
  const formulas = {
    relu: `max(0, ${x})`,
    leaky: value < 0 ? `${LEAK} · (${x})` : x,
    sigmoid: `1 / (1 + e^${inBrackets(-value)})`,
    tanh: `tanh(${x})`,
  };
  return `${t(`convolution.activation.${activation}`)}: ${formulas[activation]} =\u00a0`;
}

function showPooling({ patch, beside }, { pooling }, taps, result) {
  const values = taps.map(({ value }) => value);
  const largest = pooling === "max" ? values.indexOf(result) : -1;
  showGrid(patch, taps.map((tap, i) => ({ ...tap, chosen: i === largest })), values);
  const few = values.length <= MOST_TERMS;
  const written = few ? values.map(inBrackets) : [t("convolution.manyValues", { n: values.length })];
  const sum = written.join(" + ");
  const formulas = {
    max: `max(${written.join(", ")}) =\u00a0`, sum: `${sum} =\u00a0`, average: `(${sum}) / ${values.length} =\u00a0`,
  };
  const others = ["max", "average", "sum"].filter((kind) => kind !== pooling);
  const results = others.map((kind) => `${t(`convolution.poolingDone.${kind}`)} ${plain(pooled(kind, values))}`);
  beside.textContent = `${t("convolution.beside")} ${results.join(" · ")}. ${t("convolution.pool.about")}`;
  return formulas[pooling];
}
