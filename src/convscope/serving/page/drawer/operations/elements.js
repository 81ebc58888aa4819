/** What the views of all operations are put together from. */

import { h } from "../../dom.js";
import { t } from "../../i18n.js";
import { limits } from "../../network/paint.js";
import { fixed } from "../../numbers.js";
import { findMap } from "../../state/maps.js";
import { mapBox } from "../mapbox.js";
import { followButton, termPlace } from "../product.js";

/** The inputs, on the left. */
export const inputColumn = (...parts) => h("div", { class: "taken" }, ...parts);

/** The calculation and its results, on the right. */
export const sumColumn = (...parts) => h("div", { class: "sums" }, ...parts);

export const formula = (...parts) => h("p", { class: "formula" }, ...parts);
export const grids = (...parts) => h("div", { class: "grids" }, ...parts);

/** The map that terms come from, with a box around the place of a term or the window of all; null if it is unknown. */
export function sourceMap(store, terms) {
  const { forward, scale } = store.state;
  const [{ input, index: [number] }] = terms;
  const layer = forward.layers.get(input);
  if (!layer) return null;
  const map = layer.vector ? layer.maps[0] : findMap(store, input, number);
  const caption = t(layer.vector ? "sum.vector" : "sum.input", { layer: input, map: number });
  const picture = mapBox({ size: 156, caption });
  const limit = map ? limits(forward.layers, scale)(layer, map) : 1;
  picture.show({ layer, map, limit, box: layer.vector ? [0, number, 1, number + 1] : boxAround(terms) });
  return picture.element;
}

function boxAround(terms) {
  const [rows, columns] = [1, 2].map((axis) => terms.map(({ index }) => index[axis]));
  return [Math.min(...rows), Math.min(...columns), Math.max(...rows) + 1, Math.max(...columns) + 1];
}

/** The value of one term, its place, and the way on to what it comes from. */
export function termValue(store, term, place = termPlace(term, store.state.network)) {
  return h("div", { class: "product" }, h("output", {}, fixed(term.value, 6)), h("span", { class: "soft" }, place),
    followButton(store, term));
}

/** Selects one term of the value. */
export const selectTerm = (store, term) => store.set({ selected: { ...store.state.selected, term } });
