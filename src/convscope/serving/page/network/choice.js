/** A row of buttons of which one is pressed. */

import { h } from "../dom.js";

/** `options` are [value, text]; `choose(value)` when one is pressed. */
export function choice(label, options, chosen, choose) {
  const button = ([value, text]) => h("button", {
    "aria-pressed": String(value === chosen), data: { value }, onclick: () => choose(value),
  }, text);
  return h("div", { class: "choice", role: "group", "aria-label": label }, options.map(button));
}
