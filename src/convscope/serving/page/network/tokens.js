/** A transformer's tokens, whose features are shown as maps: the words for a place, and its index in torch. */

import { t } from "../i18n.js";

/** "row 3, column 4"; of tokens the patch, or which of the tokens before them. */
export function positionText(node, { y, x }) {
  const prefix = node?.tokens?.prefix ?? 0;
  if (!node?.tokens) return t("drawer.place", { y, x });
  if (y >= prefix) return t("token.patch", { y: y - prefix, x });
  return prefix === 1 ? t("token.class") : t("token.extra", { n: y });
}

/**
 * The index in the layer's output of one image: [map, y, x] of maps, [token, feature] of tokens, [y, x, map] of maps
 * that the code keeps last.
 */
export function outputIndex(node, { map, y, x }) {
  const { shape, table, tokens, last } = node;
  if (last) return [y, x, map];
  if (tokens) {
    const { axis, prefix } = tokens;
    const token = y < prefix ? y : prefix + (y - prefix) * shape[2] + x;
    return axis === 0 ? [token, map] : [map, token];
  }
  if (!table) return shape.length === 3 ? [map, y, x] : [map];
  let flat = (map * shape[1] + y) * shape[2] + x;
  return [...table].reverse().map((size) => {
    const at = flat % size;
    flat = Math.floor(flat / size);
    return at;
  }).reverse();
}

/** "14×14 + 1": the patches of tokens, and how many tokens are before them. */
export function patchesText({ shape: [, rows, columns], tokens: { prefix } }) {
  return `${rows - prefix}×${columns}${prefix ? ` + ${prefix}` : ""}`;
}
