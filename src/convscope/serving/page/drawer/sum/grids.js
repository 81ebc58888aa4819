/** The grids of one input map: window × kernel = products, and the map with the window on it. */

import { t } from "../../i18n.js";
import { limits } from "../../network/paint.js";
import { fixed, strongest } from "../../numbers.js";
import { findMap } from "../../state/maps.js";
import { kernelsFor } from "./parts.js";

/** `own`: the terms of the shown input map, null without a place; `picked`: the selected one among them, or null. */
export function showGrids({ store, position, editing, patch, kernel, products, signs }, parts, own, picked) {
  const { height, width, size, terms } = parts;
  const kernels = kernelsFor(store.state, parts);
  const weights = kernels ? [...kernels.values.subarray(position * size, (position + 1) * size)]
    : own.map(({ weight }) => weight);
  const limit = strongest(kernels ? kernels.values : terms.map(({ weight }) => weight));
  kernel.show(weights.map((value) => ({ value })), height, width, { limit, picked, editing });
  kernel.caption(t("sum.kernel"), ` ${height}×${width}`);
  for (const element of [patch.element, products.element, ...signs]) element.hidden = !own;
  if (!own) return;
  patch.show(own, height, width, { limit: strongest(terms.map(({ value }) => value)), picked });
  const entries = own.map(({ product }) => ({ value: product }));
  products.show(entries, height, width, { limit: strongest(terms.map(({ product }) => product)), picked });
  const sum = own.reduce((total, { product }) => total + product, 0);
  products.caption(t("sum.products"), " · ", t("sum.together", { value: fixed(sum, 4) }));
}

export function showInput({ store, position, input }, { source, channels }, own) {
  const { forward, scale } = store.state;
  const layer = forward?.layers.get(source);
  input.element.hidden = !layer;
  if (!layer) return;
  const channel = channels[position];
  const map = layer.vector ? layer.maps[0] : findMap(store, source, channel);
  const limit = map ? limits(forward.layers, scale)(layer, map) : 1;
  const label = t("sum.input", { layer: source, map: channel });
  input.show({ layer, map, limit, label, box: own && !layer.vector ? boxAround(own) : null });
  input.caption(label);
}

/** From the first term of a window to its last: [top, left, bottom, right]. */
function boxAround(terms) {
  const [[, top, left], [, bottom, right]] = [terms[0].index, terms.at(-1).index];
  return [top, left, bottom + 1, right + 1];
}
