/** One term of a calculation in a line, and the way on to where its number comes from. */

import { h, icon } from "../dom.js";
import { t } from "../i18n.js";
import { isVector } from "../network/layout.js";
import { positionText } from "../network/tokens.js";
import { fixed } from "../numbers.js";

/** The words for a term's place: "conv1, map 3, row 5, column 8". */
export function termPlace({ input, index: [map, y, x] }, network) {
  const node = network.byName.get(input);
  if (node?.tokens) return t("place.token", { layer: input, map, place: positionText(node, { y, x }) });
  const isPixel = y !== null && y !== undefined;
  // Two indices are those of a table without channels.
  if (isPixel && (x === null || x === undefined)) return t("place.row", { layer: input, y: map, x: y });
  return isPixel ? t("place.pixel", { layer: input, map, y, x }) : t("place.value", { layer: input, map });
}

/** A button that selects the value that a term took from another layer; null before the input and for padding. */
export function followButton(store, term, text = "product.follow") {
  const { input, index: [map, y, x], padded } = term;
  const node = store.state.network.byName.get(input);
  if (!node || node.kind === "input" || padded) return null;
  const place = isVector(node.shape) ? { map, y: 0, x: 0 } : { map, y, x };
  const onclick = () => store.set({ selected: { layer: input, ...place } });
  return h("button", { class: "quiet", onclick }, icon("follow"), t(text));
}

/** value × weight = product, or, where the layer joins the two in another way, what comes of them. */
function working({ value, weight, product }) {
  if (weight === null || product === null) return fixed(product ?? value, 6);
  const [a, b, c] = [value, weight, product].map((number) => fixed(number, 6));
  const isProduct = Math.abs(value * weight - product) <= 1e-5 * Math.max(Math.abs(product), 1e-3);
  return isProduct ? `${a} × ${b} = ${c}` : `(${a}, ${b}) → ${c}`;
}

/** A term in one line, a hint for null. `place` {row, column} is that in the kernel. */
export function productLine(store, term, place) {
  if (!term) return h("p", { class: "soft" }, t("product.hint"));
  const from = term.padded ? t("product.padded") : termPlace(term, store.state.network);
  return h("div", { class: "product" },
    h("output", {}, working(term)),
    h("span", { class: "soft" }, from, place ? ` · ${t("product.weight", place)}` : ""),
    followButton(store, term));
}
