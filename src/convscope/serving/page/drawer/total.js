/** The end of every calculation: terms that add up, our result, and the network's own value below it. */

import { colourOf, css } from "../colour.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { decimalsFor, fixed, signed } from "../numbers.js";

const SAME = 1e-3; // relative difference; that of float32 is far smaller

/** Decimals for all numbers of one calculation: as many as both results agree on after rounding. */
export function commonDecimals({ value, network_value: given }, others = []) {
  const wanted = decimalsFor([value, given, ...others]);
  if (!agrees(value, given)) return wanted;
  for (let decimals = wanted; decimals > 0; decimals -= 1) {
    if (fixed(value, decimals) === fixed(given, decimals)) return decimals;
  }
  return 0;
}

/** What two large numbers that agree are rounded to until they are alike, since single precision has 7 digits. */
function commonUnit(a, b) {
  let unit = 1;
  while (Math.round(a / unit) !== Math.round(b / unit)) unit *= 10;
  return unit;
}

const agrees = (a, b) => a === b || Math.abs(a - b) <= SAME * Math.max(Math.abs(a), Math.abs(b), 1e-3);

/**
 * A line of a sum: what it is, a bar around zero, the number. `limit` is the number of a full bar, 0 for none; `value`
 * is null where there is no number; with `onclick` the line is a button.
 */
export function line({ label, value, limit, decimals, onclick, chosen, className = "" }) {
  const parts = [
    h("span", { class: "what" }, label), limit ? bar(value, limit) : h("span", {}),
    h("span", { class: "number" }, value === null ? "" : signed(value, decimals)),
  ];
  return onclick
    ? h("button", { class: `sumline ${className}`, "aria-pressed": String(Boolean(chosen)), onclick }, parts)
    : h("div", { class: `sumline ${className}` }, parts);
}

function bar(value, limit) {
  const share = Math.min(Math.abs(value) / limit, 1) * 50;
  const fill = h("i", {});
  fill.style.width = `${share}%`;
  fill.style.left = value < 0 ? `${50 - share}%` : "50%";
  fill.style.backgroundColor = css(colourOf(Math.sign(value) * 0.7));
  return h("span", { class: "sumbar" }, fill);
}

/** "= 0.4123", the network's own value 0.4123, and whether both are the same to the digits shown. */
export function results(arithmetic, decimals) {
  const { value, network_value: given } = arithmetic;
  const unit = agrees(value, given) && decimals === 0 ? commonUnit(value, given) : 1;
  const rounded = (number) => (unit > 1 ? Math.round(number / unit) * unit : number);
  const [ours, theirs] = [value, given].map((number) => fixed(rounded(number), decimals));
  const same = agrees(value, given) && ours === theirs;
  const row = (className, text, number) =>
    h("div", { class: `result ${className}` }, h("span", {}, text), h("output", {}, number));
  return h("div", { class: "results", "aria-live": "polite" },
    row("ours", t("total.ours"), `= ${ours}`),
    row(`theirs ${same ? "same" : "differs"}`, t("total.network"), theirs),
    h("p", { class: "verdict-line" }, t(same ? "total.same" : "total.differs")));
}
