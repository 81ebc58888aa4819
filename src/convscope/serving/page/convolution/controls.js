/** Everything that can be set: picture, kernel, window, activation, pooling. */

import { h } from "../dom.js";
import { numberGrid } from "../drawer/grid.js";
import { t } from "../i18n.js";
import { KERNELS, nameOf, resized, sizeOf } from "./kernels.js";
import { resizedNumbers } from "./images.js";

const MOST_NUMBERS = 10;
const KERNEL_SIZES = [1, 2, 3, 4, 5, 7];

/** `take(source)` fetches a picture, `change(changes)` sets; `show(settings)` follows what is set. */
export function controls({ change, take, upload }) {
  let settings = null;
  const file = h("input", { type: "file", accept: "image/*", class: "hidden-input", "aria-hidden": "true", tabindex: -1,
    onchange: () => file.files[0] && upload(file.files[0]) });
  const image = numberGrid({ caption: "", onEdit: (values) => change({ image: { ...settings.image, values } }) });
  const kernel = numberGrid({ caption: "", onEdit: (values) => change({ kernel: values }) });
  const rows = h("input", { type: "number", min: "1", max: String(MOST_NUMBERS), oninput: () => {
    if (rows.valueAsNumber >= 1 && rows.valueAsNumber <= MOST_NUMBERS) change({ image: resizedNumbers(settings.image, Math.floor(rows.valueAsNumber)) });
  } });
  const imageSize = h("label", { class: "field" }, h("span", {}), rows);
  const pictures = h("div", { class: "pills", role: "group" });
  const presets = h("select", { onchange: () => KERNELS[presets.value] && change({ kernel: KERNELS[presets.value] }) });
  const size = h("select", { onchange: () => change({ kernel: resized(settings.kernel, Number(size.value)) }) },
    KERNEL_SIZES.map((n) => h("option", { value: String(n) }, `${n} × ${n}`)));
  const presetField = h("label", { class: "field" }, h("span", {}), presets);
  const sizeField = h("label", { class: "field" }, h("span", {}), size);
  const flip = h("div", { class: "pills", role: "group" });
  const flipWords = h("p", { class: "soft small" });
  const numbers = ["stride", "padding", "dilation"].map((key) => stepper(key));
  const activation = h("div", { class: "pills", role: "group" });
  const pooling = h("div", { class: "pills", role: "group" });
  const poolNumbers = h("div", { class: "steppers" });
  const poolSteppers = ["poolSize", "poolStride"].map((key) => stepper(key));
  poolNumbers.append(...poolSteppers.map(({ element }) => element));

  const part = (title, ...parts) => h("section", {}, h("h2", { data: { word: title } }), ...parts);
  const element = h("div", { class: "conv-controls" },
    part("picture", pictures, file, imageSize, image.element),
    part("kernel", h("div", { class: "row" }, presetField, sizeField), kernel.element, flip, flipWords),
    part("window", h("div", { class: "steppers" }, numbers.map((one) => one.element))),
    part("after", activation, pooling, poolNumbers));

  function stepper(key) {
    const input = h("input", { type: "number", step: "1", data: { key }, oninput: () => Number.isInteger(input.valueAsNumber) && change({ [key]: input.valueAsNumber }) });
    const by = (n) => h("button", { class: "tool", tabindex: -1, onclick: () => change({ [key]: settings[key] + n }) }, n < 0 ? "−" : "+");
    const [less, more] = [by(-1), by(1)];
    const word = h("span", {});
    const show = () => {
      word.textContent = t(`convolution.${key}`);
      less.setAttribute("aria-label", `${word.textContent} − 1`);
      more.setAttribute("aria-label", `${word.textContent} + 1`);
      if (document.activeElement !== input) input.value = String(settings[key]);
    };
    return { element: h("label", { class: "stepper" }, word, h("span", { class: "stepper-box" }, less, input, more)), show };
  }
  function pills(root, label, options, chosen, choose) {
    const focused = root.contains(document.activeElement) ? document.activeElement.dataset.value : null;
    root.setAttribute("aria-label", label);
    root.replaceChildren(...options.map(([value, text]) => h("button", { class: "quiet", "aria-pressed": String(value === chosen), data: { value },
      onclick: () => choose(value) }, text)));
    if (focused) root.querySelector(`[data-value="${focused}"]`)?.focus();
  }

  /** `yours`: whether the network's page has a picture. */
  function show(now, { yours, digit }) {
    settings = now;
    for (const title of element.querySelectorAll("[data-word]")) title.textContent = t(`convolution.${title.dataset.word}`);
    const sources = ["numbers", "cat", ...(digit ? ["digit"] : []), ...(yours ? ["yours"] : []), "upload"];
    pills(pictures, t("convolution.picture"), sources.map((source) => [source, t(`convolution.source.${source}`)]), now.source,
      (source) => (source === "upload" ? file.click() : take(source)));
    const own = now.source === "numbers";
    imageSize.hidden = image.element.hidden = !own;
    imageSize.firstChild.textContent = t("convolution.rows");
    if (document.activeElement !== rows) rows.value = String(now.image.height);
    const strongest = (values) => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    const cells = (values) => Array.from(values, (value) => ({ value }));
    if (own) {
      image.show(cells(now.image.values), now.image.height, now.image.width, { limit: strongest(now.image.values), editing: true });
      image.caption(t("convolution.editNumbers"));
    }
    kernel.show(cells(now.kernel), sizeOf(now.kernel), sizeOf(now.kernel), { limit: strongest(now.kernel), editing: true });
    kernel.caption(t("convolution.editKernel", { sum: String(Math.round(now.kernel.reduce((a, b) => a + b, 0) * 1000) / 1000).replace("-", "−") }));
    presetField.firstChild.textContent = t("convolution.preset");
    sizeField.firstChild.textContent = t("convolution.size");
    presets.replaceChildren(...[...Object.keys(KERNELS), "own"].map((name) => h("option", { value: name, disabled: name === "own" }, t(`convolution.kernel.${name}`))));
    presets.value = nameOf(now.kernel);
    size.value = String(sizeOf(now.kernel));
    pills(flip, t("convolution.flip"), ["correlation", "convolution"].map((word) => [word, t(`convolution.flip.${word}`)]),
      now.flip ? "convolution" : "correlation", (word) => change({ flip: word === "convolution" }));
    flipWords.textContent = t(now.flip ? "convolution.flip.turned" : "convolution.flip.asIs");
    for (const one of [...numbers, ...poolSteppers]) one.show();
    pills(activation, t("convolution.activation"), ["none", "relu", "leaky", "sigmoid", "tanh"].map((value) => [value, t(`convolution.activation.${value}`)]), now.activation,
      (value) => change({ activation: value, stage: value === "none" ? "conv" : "act" }));
    pills(pooling, t("convolution.pooling"), ["none", "max", "average"].map((value) => [value, t(`convolution.pooling.${value}`)]), now.pooling,
      (value) => change({ pooling: value, stage: value === "none" ? "conv" : "pool" }));
    poolNumbers.hidden = now.pooling === "none";
  }
  return { element, show };
}
