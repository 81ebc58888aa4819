/** A printed sheet of the value on screen, with blanks to fill in by hand, and the solutions on a second page. */

import { h, name } from "./dom.js";
import { t } from "./i18n.js";
import { fixed } from "./numbers.js";
import { plainName } from "./network/names.js";

const DECIMALS = 2; // of the numbers that are calculated with
const MOST_OTHERS = 12; // input maps whose sums are listed one by one

const rounded = (value) => Number(value.toFixed(DECIMALS));

/** Whether the selected value is a sum of products over windows, of which there is a sheet. */
export const hasWorksheet = ({ arithmetic, network }) => arithmetic?.operation === "sum of products"
  && arithmetic.terms.length > 0 && network.byName.get(arithmetic.layer)?.kind === "conv";

/** Prints the sheet of the selected value. */
export function printWorksheet(state) {
  document.querySelector(".worksheet")?.remove();
  const element = h("article", { class: "worksheet" }, sheet(state, false), sheet(state, true));
  document.body.append(element);
  addEventListener("afterprint", () => element.remove(), { once: true });
  window.print();
}

/** The window of the input map that counts most, and the sums of the others. */
function partsOf({ arithmetic, network }) {
  const byMap = new Map();
  for (const term of arithmetic.terms) byMap.set(term.index[0], [...(byMap.get(term.index[0]) ?? []), term]);
  const parts = [...byMap].map(([map, terms]) => ({
    map, terms, exact: terms.reduce((sum, { value, weight }) => sum + value * weight, 0),
    sum: terms.reduce((sum, { value, weight }) => sum + rounded(value) * rounded(weight), 0),
  }));
  const [chosen, ...others] = parts.sort((a, b) => Math.abs(b.exact) - Math.abs(a.exact));
  const { kernel_size: size } = network.byName.get(arithmetic.layer).attributes;
  return { chosen, others, columns: Array.isArray(size) ? size[1] : size };
}

function sheet(state, isSolved) {
  const { arithmetic, network, classifier } = state;
  const { chosen, others, columns } = partsOf(state);
  const [map, y, x] = arithmetic.index;
  const node = network.byName.get(arithmetic.layer);
  const listed = others.slice(0, MOST_OTHERS);
  const rest = others.slice(MOST_OTHERS);
  const blank = (value) => h("b", { class: "blank" }, isSolved ? value : "");
  const given = listed.map((one) => [t("sum.map", { map: one.map }), rounded(one.exact)]);
  const ofRest = rest.reduce((sum, one) => sum + one.exact, 0);
  if (rest.length) given.push([t("sum.rest", { n: rest.length }), rounded(ofRest)]);
  if (typeof arithmetic.bias === "number") given.push([t("sum.bias"), rounded(arithmetic.bias)]);
  const total = chosen.sum + given.reduce((sum, [, value]) => sum + value, 0);
  const product = ({ value, weight }) => fixed(rounded(value) * rounded(weight), 4);
  return h("section", { class: isSolved ? "solution" : "exercise" },
    h("h1", {}, t(isSolved ? "worksheet.solution" : "worksheet.title")),
    h("p", {}, name(classifier), " · ", plainName(node, network), ` (${node.name}) · `,
      t("worksheet.place", { map, y, x })),
    h("h2", {}, t("worksheet.multiply", { map: chosen.map })),
    h("div", { class: "worksheet-grids" },
      grid(t("sum.patch"), chosen.terms.map(({ value }) => fixed(value, DECIMALS)), columns), h("span", {}, "×"),
      grid(t("sum.kernel"), chosen.terms.map(({ weight }) => fixed(weight, DECIMALS)), columns), h("span", {}, "="),
      grid(t("sum.products"), chosen.terms.map((term) => (isSolved ? product(term) : "")), columns)),
    h("h2", {}, t("worksheet.add")), h("p", {}, blank(fixed(chosen.sum, 4))),
    h("h2", {}, t("worksheet.others")),
    h("ul", {}, given.map(([words, value]) => h("li", {}, `${words}: ${fixed(value, DECIMALS)}`))),
    h("p", {}, t("worksheet.total"), " ", blank(fixed(total, 4))),
    isSolved && h("p", {}, t("worksheet.network", { value: fixed(arithmetic.network_value, 4) })));
}

function grid(caption, texts, columns) {
  const rows = Array.from({ length: Math.ceil(texts.length / columns) }, (_, i) =>
    h("tr", {}, texts.slice(i * columns, (i + 1) * columns).map((text) => h("td", {}, text))));
  return h("table", {}, h("caption", {}, caption), h("tbody", {}, rows));
}
