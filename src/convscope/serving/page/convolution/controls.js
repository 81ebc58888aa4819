/** Everything that can be set: the picture, the kernel, its window, and what comes after it. */

import { h } from "../dom.js";
import { numberGrid } from "../drawer/grid.js";
import { t } from "../i18n.js";
import { strongest } from "../numbers.js";
import { BORDER_MODES } from "./compute.js";
import { choice, labelled, refuse, stepper } from "./fields.js";
import { resizedNumbers } from "./images.js";
import { KERNELS, nameOf, resized, sizeOf } from "./kernels.js";

const MOST_ROWS = 10; // of a picture of numbers
const KERNEL_SIZES = [1, 2, 3, 4, 5, 7];
const FLIPS = ["correlation", "convolution"];
const ACTIVATIONS = ["none", "relu", "leaky", "sigmoid", "tanh"];
const POOLINGS = ["none", "max", "average", "sum"];

/** `show(state)` takes the store's state: which pictures there are depends on it. */
export function controls(playground) {
  const sections = [picture(playground), kernel(playground), windowSection(playground), after(playground)];
  const element = h("div", { class: "conv-controls" }, sections.map((one) => one.element));
  return { element, show: (state) => sections.forEach((one) => one.show(state)) };
}

/** `parts` below a title; `title()` gives its words. */
function section(title, parts, showParts) {
  const heading = h("h2", {});
  const show = (state) => {
    heading.textContent = title();
    showParts(state);
  };
  return { element: h("section", {}, heading, ...parts), show };
}

/** Values as the entries of a grid whose numbers can be changed. */
function showNumbers(grid, values, rows, columns) {
  const entries = Array.from(values, (value) => ({ value }));
  grid.show(entries, rows, columns, { limit: strongest(values), editing: true });
}

function picture(playground) {
  const file = h("input", {
    type: "file", accept: "image/*", class: "hidden-input", "aria-hidden": "true", tabindex: -1,
    onchange: () => file.files[0] && playground.readFile(file.files[0]),
  });
  const sources = choice((source) => (source === "upload" ? file.click() : playground.choosePicture(source)));
  const rows = h("input", { type: "number", min: "1", max: String(MOST_ROWS), oninput: () => {
    const count = rows.valueAsNumber;
    const { image } = playground.settings;
    const isFine = Number.isInteger(count) && count >= 1 && count <= MOST_ROWS;
    refuse(rows, problem, isFine ? null : t("convolution.wholeRows", { most: MOST_ROWS, value: image.height }));
    if (isFine) playground.change({ image: resizedNumbers(image, count) });
  } });
  const problem = h("span", { class: "problem small", role: "alert", hidden: true });
  const size = labelled(rows);
  size.element.append(problem);
  const onEdit = (values) => playground.change({ image: { ...playground.settings.image, values } });
  const numbers = numberGrid({ caption: "", onEdit });

  function show({ forward, examples }) {
    const { source, image } = playground.settings;
    const hasDigit = examples.some(({ kind }) => kind === "digit");
    const possible = ["numbers", "cat", ...(hasDigit ? ["digit"] : []), ...(forward ? ["yours"] : []), "upload"];
    const options = possible.map((key) => [key, t(`convolution.source.${key}`)]);
    sources.show({ label: t("convolution.picture"), options, chosen: source });
    size.show(t("convolution.rows"));
    size.element.hidden = numbers.element.hidden = source !== "numbers";
    if (document.activeElement !== rows) {
      rows.value = String(image.height);
      refuse(rows, problem, null);
    }
    if (source !== "numbers") return;
    showNumbers(numbers, image.values, image.height, image.width);
    numbers.caption(t("convolution.editNumbers"));
  }
  return section(() => t("convolution.picture"), [sources.element, file, size.element, numbers.element], show);
}

function kernel(playground) {
  const onPreset = () => KERNELS[presets.value] && playground.change({ kernel: KERNELS[presets.value] });
  const presets = h("select", { onchange: onPreset });
  const onSize = () => playground.change({ kernel: resized(playground.settings.kernel, Number(sizes.value)) });
  const options = KERNEL_SIZES.map((n) => h("option", { value: String(n) }, `${n} × ${n}`));
  const sizes = h("select", { onchange: onSize }, options);
  const [preset, size] = [labelled(presets), labelled(sizes)];
  const numbers = numberGrid({ caption: "", onEdit: (values) => playground.change({ kernel: values }) });
  const flips = choice((chosen) => playground.change({ flip: chosen === "convolution" }));
  const explanation = h("p", { class: "soft small" });
  const fields = h("div", { class: "row" }, preset.element, size.element);

  function show() {
    const { kernel: values, flip } = playground.settings;
    preset.show(t("convolution.preset"));
    size.show(t("convolution.size"));
    presets.replaceChildren(...[...Object.keys(KERNELS), "own"].map((key) =>
      h("option", { value: key, disabled: key === "own" }, t(`convolution.kernel.${key}`))));
    presets.value = nameOf(values);
    sizes.value = String(sizeOf(values));
    showNumbers(numbers, values, sizeOf(values), sizeOf(values));
    numbers.caption(t("convolution.editKernel", { sum: sumText(values) }));
    flips.show({
      label: t("convolution.flip"), options: FLIPS.map((key) => [key, t(`convolution.flip.${key}`)]),
      chosen: flip ? "convolution" : "correlation",
    });
    explanation.textContent = t(flip ? "convolution.flip.turned" : "convolution.flip.asIs");
  }
  return section(() => t("convolution.kernel"), [fields, numbers.element, flips.element, explanation], show);
}

function sumText(values) {
  const sum = values.reduce((a, b) => a + b, 0);
  return String(Math.round(sum * 1000) / 1000).replace("-", "−");
}

/** Steppers for settings, one below another. */
function steppers(playground, keys) {
  const fields = keys.map((key) => [key, stepper(key, (value) => playground.change({ [key]: value }))]);
  const element = h("div", { class: "steppers" }, fields.map(([, field]) => field.element));
  return { element, show: () => fields.forEach(([key, field]) => field.show(playground.settings[key])) };
}

function windowSection(playground) {
  const numbers = steppers(playground, ["stride", "padding", "dilation"]);
  const borders = choice((border) => playground.change({ border, stage: "conv" }));
  const explanation = h("p", { class: "soft small" });
  const show = (state) => {
    numbers.show(state);
    const { border, padding } = playground.settings;
    borders.show({
      label: t("convolution.border"), chosen: border,
      options: BORDER_MODES.map((key) => [key, t(`convolution.border.${key}`)]),
    });
    explanation.textContent = t(`convolution.border.${border}.about`);
    borders.element.hidden = explanation.hidden = padding < 1;
  };
  return section(() => t("convolution.window"), [numbers.element, borders.element, explanation], show);
}

/** Activation and pooling. Whoever chooses one sees its calculation. */
function after(playground) {
  const activations = choice((activation) =>
    playground.change({ activation, stage: activation === "none" ? "conv" : "act" }));
  const poolings = choice((pooling) => playground.change({ pooling, stage: pooling === "none" ? "conv" : "pool" }));
  const poolNumbers = steppers(playground, ["poolSize", "poolStride"]);

  function show() {
    const { activation, pooling } = playground.settings;
    activations.show({
      label: t("convolution.activation"), chosen: activation,
      options: ACTIVATIONS.map((key) => [key, t(`convolution.activation.${key}`)]),
    });
    poolings.show({
      label: t("convolution.pooling"), chosen: pooling,
      options: POOLINGS.map((key) => [key, t(`convolution.pooling.${key}`)]),
    });
    poolNumbers.show();
    poolNumbers.element.hidden = pooling === "none";
  }
  return section(() => t("convolution.after"), [activations.element, poolings.element, poolNumbers.element], show);
}
