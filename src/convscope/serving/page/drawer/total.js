/** The end of every calculation: terms that add up, and the network's own number under ours. */

import { colourOf, css } from "../colour.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { decimalsFor, fixed, signed } from "../numbers.js";

const SAME = 1e-3; // relative; float32 keeps to it with room to spare

/** Decimals for all numbers of one calculation: as many as both results agree on after rounding. */
export function commonDecimals({ value, network_value: given }, others = []) {
  const wanted = decimalsFor([value, given, ...others]);
  if (!agrees(value, given)) return wanted;
  for (let decimals = wanted; decimals > 0; decimals -= 1) {
    if (fixed(value, decimals) === fixed(given, decimals)) return decimals;
  }
  return 0;
}

const agrees = (a, b) => a === b || Math.abs(a - b) <= SAME * Math.max(Math.abs(a), Math.abs(b), 1e-3);

/** A line of a sum: what it is, a bar around zero, the number. */
export function line({ label, value, limit, decimals, onclick, chosen, className = "" }) {
  const bar = h("span", { class: "sumbar" }, h("i", {}));
  if (limit) {
    const share = Math.min(Math.abs(value) / limit, 1);
    const fill = bar.firstChild;
    fill.style.width = `${share * 50}%`;
    fill.style.left = value < 0 ? `${50 - share * 50}%` : "50%";
    fill.style.backgroundColor = css(colourOf(Math.sign(value) * 0.7));
  }
  const parts = [h("span", { class: "what" }, label), limit ? bar : h("span", {}),
    h("span", { class: "number" }, value === null ? "" : signed(value, decimals))];
  return onclick
    ? h("button", { class: `sumline ${className}`, "aria-pressed": String(Boolean(chosen)), onclick }, parts)
    : h("div", { class: `sumline ${className}` }, parts);
}

/** "= 0.4123" and "the network's own value 0.4123, the same to the digits shown". */
export function results(arithmetic, decimals) {
  const { value, network_value: given } = arithmetic;
  const same = agrees(value, given) && fixed(value, decimals) === fixed(given, decimals);
  return h("div", { class: "results", "aria-live": "polite" },
    h("div", { class: "result ours" }, h("span", {}, t("total.ours")), h("output", {}, `= ${fixed(value, decimals)}`)),
    h("div", { class: `result theirs ${same ? "same" : "differs"}` }, h("span", {}, t("total.network")), h("output", {}, fixed(given, decimals))),
    h("p", { class: "verdict-line" }, t(same ? "total.same" : "total.differs")));
}
