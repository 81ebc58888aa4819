/** One term of a calculation in a line, and the way on to where its number comes from. */

import { h, icon } from "../dom.js";
import { t } from "../i18n.js";
import { isVector } from "../network/layout.js";
import { fixed } from "../numbers.js";

/** Selects the value that a term took from another layer. */
export function follow(store, { input, index: [map, y, x] }) {
  const node = store.state.network.byName.get(input);
  const place = isVector(node.shape) ? { map, y: 0, x: 0 } : { map, y, x };
  store.set({ selected: { layer: input, ...place } });
}

/** The words for a term's place: "conv1, map 3, row 5, column 8". */
export function termPlace({ input, index: [map, y, x] }) {
  return y === null || y === undefined ? t("place.value", { layer: input, map }) : t("place.pixel", { layer: input, map, y, x });
}

/** "where does this come from": nothing before the input, and nothing for padding. */
export function followButton(store, term, words = "product.follow") {
  const node = store.state.network.byName.get(term.input);
  if (!node || node.kind === "input" || term.padded) return null;
  return h("button", { class: "quiet", onclick: () => follow(store, term) }, icon("follow"), t(words));
}

/** value x weight = product, or, where the layer joins the two in another way, what comes of them. */
function working({ value, weight, product }) {
  if (weight === null || product === null) return fixed(product ?? value, 6);
  const plain = Math.abs(value * weight - product) <= 1e-5 * Math.max(Math.abs(product), 1e-3);
  return plain ? `${fixed(value, 6)} × ${fixed(weight, 6)} = ${fixed(product, 6)}` : `(${fixed(value, 6)}, ${fixed(weight, 6)}) → ${fixed(product, 6)}`;
}

/** `term` null: a hint. `at` is its place in the kernel. */
export function productLine(store, term, at) {
  if (!term) return h("p", { class: "soft" }, t("product.hint"));
  const { padded } = term;
  return h("div", { class: "product" },
    h("output", {}, working(term)),
    h("span", { class: "soft" }, padded ? t("product.padded") : termPlace(term), at ? ` · ${t("product.weight", at)}` : ""),
    followButton(store, term));
}
