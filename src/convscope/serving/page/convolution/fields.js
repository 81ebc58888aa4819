/** The kinds of fields that the settings are made of. Each has an `element`, and a `show` that takes what is set. */

import { h, replaceKeepingFocus } from "../dom.js";
import { t } from "../i18n.js";

/** A labelled input or select; `show(label)`. */
export function labelled(control) {
  const label = h("span", {});
  const element = h("label", { class: "field" }, label, control);
  return { element, show: (words) => (label.textContent = words) };
}

/** Says beside an input why what is typed does not count; `words` are null where it does. */
export function refuse(input, problem, words) {
  problem.hidden = words === null;
  problem.textContent = words ?? "";
  input.setAttribute("aria-invalid", String(words !== null));
}

/** A whole number with buttons for one less and one more; `onChange(number)`. */
export function stepper(key, onChange) {
  let current = 0;
  const problem = h("span", { class: "problem small", role: "alert", hidden: true });
  const onInput = () => {
    const isWhole = Number.isInteger(input.valueAsNumber);
    refuse(input, problem, isWhole ? null : t("convolution.whole", { value: current }));
    if (isWhole) onChange(input.valueAsNumber);
  };
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
    if (document.activeElement === input) return;
    input.value = String(value);
    refuse(input, problem, null);
  }
  return { element: h("label", { class: "stepper" }, label, box, problem), show };
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
