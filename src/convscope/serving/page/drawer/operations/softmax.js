/** Softmax: the power of each class's value, and the share of one of them. */

import { h, name } from "../../dom.js";
import { t } from "../../i18n.js";
import { fixed, percent } from "../../numbers.js";
import { followButton } from "../product.js";
import { commonDecimals, results } from "../total.js";
import { formula, inputColumn, sumColumn } from "./elements.js";

const LISTED = 14; // classes; of more, the ones with the largest values

/** A negative number in brackets, after a minus. */
const inBrackets = (value) => (value < 0 ? `(${fixed(value, 3)})` : fixed(value, 3));

export function softmax(store, arithmetic) {
  const { terms, parameters, index: [chosen], value } = arithmetic;
  const { network } = store.state;
  const logit = { input: network.nodes.at(-1).name, index: [chosen, null, null], value: terms[chosen].value };
  return [
    inputColumn(powerTable(arithmetic, network.class_names)),
    sumColumn(
      h("h3", {}, t("op.softmax")), formula(`${fixed(terms[chosen].product, 4)} / ${fixed(parameters.sum, 4)}`),
      results(arithmetic, commonDecimals(arithmetic)),
      h("p", { class: "soft" }, t("op.percent", { value: percent(value) })), followButton(store, logit)),
  ];
}

function powerTable({ terms, parameters, index: [chosen] }, classNames) {
  const row = (cells, className) => {
    const [first, ...others] = cells;
    return h("tr", { class: className }, h("th", {}, first), others.map((text) => h("td", {}, text)));
  };
  const listed = listedClasses(terms, chosen);
  const rest = terms.map((_, i) => i).filter((i) => !listed.includes(i));
  const rows = listed.map((i) => row([name(classNames[i]), fixed(terms[i].value, 3), powerText(terms[i].product)],
    i === chosen ? "chosen" : ""));
  if (rest.length) {
    const sum = rest.reduce((total, i) => total + terms[i].product, 0);
    rows.push(row([t("sum.rest", { n: rest.length }), "", powerText(sum)]));
  }
  rows.push(row([t("op.together"), "", fixed(parameters.sum, 4)], "total"));
  const heads = [t("op.class"), t("op.logit"), t("op.power", { largest: inBrackets(parameters.largest) })];
  return h("table", { class: "softmax" }, h("thead", {}, h("tr", {}, heads.map((text) => h("th", {}, text)))),
    h("tbody", {}, rows));
}

const SMALL = 0.001;

/** Small powers keep two digits, so that the column adds up to what stands below it. */
function powerText(power) {
  return power >= SMALL || power === 0 ? fixed(power, 4) : power.toExponential(1).replace("-", "−");
}

/** All classes by number, or of many the chosen one and then those with the largest values. */
function listedClasses(terms, chosen) {
  const classes = terms.map((_, i) => i);
  if (classes.length <= LISTED) return classes;
  const largestFirst = classes.sort((a, b) => terms[b].value - terms[a].value);
  return [...new Set([chosen, ...largestFirst])].slice(0, LISTED);
}
