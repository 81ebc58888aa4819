/** A printed sheet of the value on screen, with blanks to fill in by hand, and the solutions on a second page. */

import { h, name } from "./dom.js";
import { t } from "./i18n.js";
import { fixed, strongest } from "./numbers.js";
import { plainName } from "./network/names.js";

const [FEWEST, MOST] = [2, 6]; // decimals of the numbers that are calculated with
const MOST_OTHERS = 12; // input maps whose sums are listed one by one
const [MOST_INPUTS, INPUT_COLUMNS] = [12, 4]; // single values that are multiplied by hand, in a table so wide

/** Decimals that show two digits of the largest of `values`, so that small ones do not all become 0. */
function decimalsOf(values) {
  const most = strongest(values);
  return most ? Math.min(Math.max(2 - Math.ceil(Math.log10(most)), FEWEST), MOST) : FEWEST;
}

const rounded = (value, decimals) => Number(value.toFixed(decimals));

const kindOf = ({ arithmetic, network }) => network.byName.get(arithmetic.layer)?.kind;

/** Whether the selected value is a sum of products over windows or single values, of which there is a sheet. */
export const hasWorksheet = (state) => state.arithmetic?.operation === "sum of products"
  && state.arithmetic.terms.length > 0 && ["conv", "linear"].includes(kindOf(state));

/** Prints the sheet of the selected value. */
export function printWorksheet(state) {
  document.querySelector(".worksheet")?.remove();
  const element = h("article", { class: "worksheet" }, sheet(state, false), sheet(state, true));
  document.body.append(element);
  addEventListener("afterprint", () => element.remove(), { once: true });
  window.print();
}

/** What is multiplied by hand, and what is given: of a fully connected layer the single values that count most. */
function partsOf(state) {
  if (kindOf(state) !== "linear") return windowsOf(state);
  const { terms, network_value: total } = state.arithmetic;
  const exact = (some) => some.reduce((sum, { value, weight }) => sum + value * weight, 0);
  const sorted = [...terms].sort((a, b) => Math.abs(b.value * b.weight) - Math.abs(a.value * a.weight));
  const [most, rest] = [sorted.slice(0, MOST_INPUTS), sorted.slice(MOST_INPUTS)];
  const others = rest.length ? [{ n: rest.length, exact: exact(rest) }] : [];
  return { ...solved({ terms: most }, total), others, columns: INPUT_COLUMNS };
}

/** The window of the input map that counts most, and the sums of the others. */
function windowsOf({ arithmetic, network }) {
  const byMap = new Map();
  for (const term of arithmetic.terms) byMap.set(term.index[0], [...(byMap.get(term.index[0]) ?? []), term]);
  const parts = [...byMap].map(([map, terms]) => ({
    map, terms, exact: terms.reduce((sum, { value, weight }) => sum + value * weight, 0),
  }));
  const [chosen, ...others] = parts.sort((a, b) => Math.abs(b.exact) - Math.abs(a.exact));
  const { kernel_size: size } = network.byName.get(arithmetic.layer).attributes;
  return { ...solved(chosen, arithmetic.network_value), others, columns: Array.isArray(size) ? size[1] : size };
}

/** The chosen window with the numbers that are printed, their products and sum, and how many decimals each have. */
function solved(chosen, total) {
  const decimals = {
    value: decimalsOf(chosen.terms.map(({ value }) => value)),
    weight: decimalsOf(chosen.terms.map(({ weight }) => weight)), sum: decimalsOf([total]),
  };
  decimals.product = Math.min(decimals.value + decimals.weight, decimals.sum + 2);
  const products = chosen.terms.map(({ value, weight }) =>
    rounded(rounded(value, decimals.value) * rounded(weight, decimals.weight), decimals.product));
  return { chosen: { ...chosen, products, sum: products.reduce((a, b) => a + b, 0) }, decimals };
}

function sheet(state, isSolved) {
  const { arithmetic, network, classifier } = state;
  const { chosen, others, columns, decimals } = partsOf(state);
  const [map, y, x] = arithmetic.index;
  const linear = kindOf(state) === "linear";
  const node = network.byName.get(arithmetic.layer);
  const listed = others.slice(0, MOST_OTHERS);
  const rest = others.slice(MOST_OTHERS);
  const blank = (value) => h("b", { class: "blank" }, isSolved ? value : "");
  const words = ({ map, n }) => (n ? t("sum.rest", { n }) : t("sum.map", { map }));
  const given = listed.map((one) => [words(one), rounded(one.exact, decimals.sum)]);
  const ofRest = rest.reduce((sum, one) => sum + one.exact, 0);
  if (rest.length) given.push([t("sum.rest", { n: rest.length }), rounded(ofRest, decimals.sum)]);
  if (typeof arithmetic.bias === "number") given.push([t("sum.bias"), rounded(arithmetic.bias, decimals.sum)]);
  const total = chosen.sum + given.reduce((sum, [, value]) => sum + value, 0);
  const texts = (key) => chosen.terms.map((term) => fixed(term[key], decimals[key]));
  const products = chosen.products.map((one) => (isSolved ? fixed(one, decimals.product) : ""));
  return h("section", { class: isSolved ? "solution" : "exercise" },
    h("h1", {}, t(isSolved ? "worksheet.solution" : linear ? "worksheet.titleUnit" : "worksheet.title")),
    h("p", {}, name(classifier), " · ", plainName(node, network), ` (${node.name}) · `,
      linear ? t("worksheet.unit", { map }) : t("worksheet.place", { map, y, x })),
    h("h2", {}, linear ? t("worksheet.inputs", { n: chosen.terms.length })
      : t("worksheet.multiply", { map: chosen.map })),
    h("div", { class: "worksheet-grids" },
      grid(t(linear ? "worksheet.values" : "sum.patch"), texts("value"), columns), h("span", {}, "×"),
      grid(t(linear ? "worksheet.weights" : "sum.kernel"), texts("weight"), columns), h("span", {}, "="),
      grid(t("sum.products"), products, columns)),
    h("h2", {}, t("worksheet.add")), h("p", {}, blank(fixed(chosen.sum, decimals.product))),
    h("h2", {}, t(linear ? "worksheet.rest" : "worksheet.others")),
    h("ul", {}, given.map(([words, value]) =>
      h("li", {}, t("worksheet.given", { words, value: fixed(value, decimals.sum) })))),
    h("p", {}, t(linear ? "worksheet.value" : "worksheet.total"), " ", blank(fixed(total, decimals.product))),
    isSolved && h("p", {}, t("worksheet.network", { value: fixed(arithmetic.network_value, decimals.product) })));
}

function grid(caption, texts, columns) {
  const rows = Array.from({ length: Math.ceil(texts.length / columns) }, (_, i) =>
    h("tr", {}, texts.slice(i * columns, (i + 1) * columns).map((text) => h("td", {}, text))));
  return h("table", {}, h("caption", {}, caption), h("tbody", {}, rows));
}
