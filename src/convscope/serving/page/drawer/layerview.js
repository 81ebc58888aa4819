/** A whole layer: what it does in a sentence, its settings, all its maps to choose from. */

import { h } from "../dom.js";
import { has, t } from "../i18n.js";
import { amount, facts, kindWithSize } from "../network/kinds.js";
import { mapsOf } from "../state/maps.js";
import { mapBox } from "./mapbox.js";
import { short } from "../numbers.js";
import { limits, pictureOf } from "../network/paint.js";

export function layerView(root, store) {
  const { layer: layerName } = store.state.selected;
  const node = store.state.network.byName.get(layerName);
  const list = h("dl", { class: "facts" }, facts(node).map(([key, value]) => h("div", {}, h("dt", {}, key), h("dd", {}, value))));
  const range = h("p", { class: "soft" });
  const gallery = h("div", { class: "layer-maps" });
  const more = h("button", { class: "quiet", onclick: () => store.set({ shown: { ...store.state.shown, [layerName]: Math.min(node.shape[0], (store.state.shown[layerName] ?? 16) * 4) } }) });
  const explained = has(`explain.${node.kind}`) ? t(`explain.${node.kind}`, { n: node.inputs.length }) : t("explain.other");
  root.append(h("div", { class: "layer" },
    h("div", { class: "about" }, h("h3", {}, `${kindWithSize(node)}, ${amount(node.shape)}`), h("p", {}, explained), list, range),
    h("div", {}, h("p", { class: "soft" }, t("layer.choose")), gallery, more)));
  const vector = mapBox({ size: 260, caption: "", onPlace: (_, x) => store.set({ selected: { layer: layerName, map: x, y: 0, x: 0 } }) });

  function update() {
    const { forward, scale } = store.state;
    const layer = forward?.layers.get(layerName);
    more.hidden = true;
    if (!layer) return;
    const limit = limits(forward.layers, scale);
    range.textContent = t("layer.range", { low: short(layer.low), high: short(layer.high) });
    if (layer.vector) {
      vector.show({ layer, map: layer.maps[0], limit: limit(layer, layer.maps[0]), label: t("layer.choose") });
      vector.caption(amount(node.shape));
      if (!vector.element.parentNode) gallery.replaceChildren(vector.element);
      return;
    }
    const maps = mapsOf(store, layer);
    more.hidden = maps.length >= layer.total;
    more.textContent = t("network.more", { n: layer.total - maps.length });
    const focused = [...gallery.children].indexOf(document.activeElement);
    gallery.replaceChildren(...maps.map((map) => {
      const canvas = h("canvas", { width: layer.width, height: layer.height, "aria-hidden": "true" });
      canvas.getContext("2d").drawImage(pictureOf(layer, map, limit(layer, map)), 0, 0);
      const label = t("drawer.map", { map: map.map });
      return h("button", { class: "layer-map", "aria-label": label, onclick: () => store.set({ selected: { layer: layerName, map: map.map } }) }, canvas, h("span", {}, String(map.map)));
    }));
    if (focused >= 0) gallery.children[focused]?.focus();
  }
  return { update };
}
