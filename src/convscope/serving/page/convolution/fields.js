/** The kinds of fields that the settings are made of. Each has an `element`, and a `show` that takes what is set. */

import { h, replaceKeepingFocus } from "../dom.js";
import { t } from "../i18n.js";

/** A labelled input or select; `show(label)`. */
export function labelled(control) {
  const label = h("span", {});
  const element = h("label", { class: "field" }, label, control);
  return { element, show: (words) => (label.textContent = words) };
}

/** A whole number with buttons for one less and one more; `onChange(number)`. */
export function stepper(key, onChange) {
  let current = 0;
  const onInput = () => Number.isInteger(input.valueAsNumber) && onChange(input.valueAsNumber);
  const input = h("input", { type: "number", step: "1", data: { key }, oninput: onInput });
  const less = h("button", { class: "tool", tabindex: -1, onclick: () => onChange(current - 1) }, "−");
  const more = h("button", { class: "tool", tabindex: -1, onclick: () => onChange(current + 1) }, "+");
  const label = h("span", {});
  const box = h("span", { class: "stepper-box" }, less, input, more);

  function show(value) {
    current = value;
    label.textContent = t(`convolution.${key}`);
    less.setAttribute("aria-label", `${label.textContent} − 1`);
    more.setAttribute("aria-label", `${label.textContent} + 1`);
    if (document.activeElement !== input) input.value = String(value);
  }
  return { element: h("label", { class: "stepper" }, label, box), show };
}

/** Buttons of which one is chosen; `onChoose(value)`, `show({label, options: [[value, words]], chosen})`. */
export function choice(onChoose) {
  const element = h("div", { class: "pills", role: "group" });

  function show({ label, options, chosen }) {
    element.setAttribute("aria-label", label);
    replaceKeepingFocus(element, options.map(([value, words]) => h("button", {
      class: "quiet", "aria-pressed": String(value === chosen), data: { value }, onclick: () => onChoose(value),
    }, words)));
  }
  return { element, show };
}
