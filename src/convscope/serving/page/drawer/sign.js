/** Signs of arithmetic between figures. A sign stays with what follows it, so that no line of a sum ends with one. */

import { h } from "../dom.js";

/** `element` with a sign before it, which is hidden with it. */
export const signed = (text, element) =>
  h("span", { class: "signed" }, h("span", { class: "sign", "aria-hidden": "true" }, text), element);
