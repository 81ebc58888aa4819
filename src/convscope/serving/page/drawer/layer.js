/** A whole layer: what it does in a sentence, its settings, and all its maps to choose from. */

import { h, name, replaceKeepingFocus } from "../dom.js";
import { t } from "../i18n.js";
import { explanation } from "../network/help.js";
import { amount, facts, kindWithSize } from "../network/kinds.js";
import { plainName } from "../network/names.js";
import { limits, pictureOf } from "../network/paint.js";
import { short } from "../numbers.js";
import { SHOWN_AT_FIRST, mapsOf } from "../state/maps.js";
import { kernelsPicture } from "./kernels.js";
import { mapBox } from "./mapbox.js";

export function layerView(root, store) {
  const node = store.state.network.byName.get(store.state.selected.layer);
  const view = {
    store, node,
    range: h("p", { class: "soft" }),
    gallery: h("div", { class: "layer-maps" }),
    more: h("button", { class: "quiet", onclick: () => showMore(store, node) }),
    kernels: kernelsPicture(store, node),
    vector: mapBox({ size: 260, caption: "", onPlace: (_, map) => select(store, node, { map, y: 0, x: 0 }) }),
  };
  root.append(h("div", { class: "layer" }, aboutLayer(view),
    h("div", {}, h("p", { class: "soft" }, t("layer.choose")), view.gallery, view.more, view.kernels?.element)));
  return { update: () => update(view) };
}

const select = (store, node, place) => store.set({ selected: { layer: node.name, ...place } });

function showMore(store, node) {
  const { shown } = store.state;
  const count = Math.min(node.shape[0], (shown[node.name] ?? SHOWN_AT_FIRST) * 4);
  store.set({ shown: { ...shown, [node.name]: count } });
}

function aboutLayer({ store, node, range }) {
  const { network } = store.state;
  const explained = explanation(node, network);
  const rows = facts(node).map(([word, value]) => h("div", {}, h("dt", {}, word), h("dd", {}, value)));
  const [plain, kind] = [plainName(node, network), kindWithSize(node, network)];
  const does = plain.toLowerCase() === kind.toLowerCase() ? amount(node) : `${kind}, ${amount(node)}`; // "ReLU" once
  const title = h("h3", {}, name(plain), ` · ${does}`);
  return h("div", { class: "about" }, title, h("p", {}, explained), h("dl", { class: "facts" }, rows), range);
}

function update(view) {
  const { store, node, range, more } = view;
  const { forward, scale } = store.state;
  const layer = forward?.layers.get(node.name);
  view.kernels?.update();
  more.hidden = true;
  if (!layer) return;
  range.textContent = t("layer.range", { low: short(layer.low), high: short(layer.high) });
  const limit = limits(forward.layers, scale);
  if (layer.vector) showVector(view, layer, limit);
  else showMaps(view, layer, limit);
}

function showVector({ node, gallery, vector }, layer, limit) {
  const [map] = layer.maps;
  vector.show({ layer, map, limit: limit(layer, map), label: t("layer.choose") });
  vector.caption(amount(node));
  if (!vector.element.parentNode) gallery.replaceChildren(vector.element);
}

function showMaps({ store, node, gallery, more }, layer, limit) {
  const maps = mapsOf(store, layer);
  more.hidden = maps.length >= layer.total;
  more.textContent = t("network.more", { n: layer.total - maps.length });
  replaceKeepingFocus(gallery, maps.map((map) => {
    const canvas = h("canvas", { width: layer.width, height: layer.height, "aria-hidden": "true" });
    canvas.getContext("2d").drawImage(pictureOf(layer, map, limit(layer, map)), 0, 0);
    const onclick = () => select(store, node, { map: map.map });
    const label = t("drawer.map", { map: map.map });
    return h("button", { class: "layer-map", "aria-label": label, onclick }, canvas, h("span", {}, String(map.map)));
  }));
}
