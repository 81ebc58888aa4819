/** Below the network: what the colours stand for, in numbers, and what could not be had from the server. */

import { colourOf, css } from "../colour.js";
import { h, icon, name } from "../dom.js";
import { ofLanguage, t } from "../i18n.js";
import { short } from "../numbers.js";
import { SOFTMAX } from "../state/softmax.js";
import { choice } from "./choice.js";
import { plainName } from "./names.js";
import { errorShare, limits } from "./paint.js";
import { zoomButtons } from "./zoom.js";

const SCALES = ["map", "layer", "network"];
const scaleNow = () => Number(document.querySelector("#network .scroller").dataset.scale ?? 1);
const STEPS = 60; // of the colour bar, on each side of zero

export function mount(root, store) {
  const view = { store, from: h("span", {}), to: h("span", {}), of: h("span", { class: "soft legend-of" }) };
  const show = () => {
    const focused = root.contains(document.activeElement) ? document.activeElement.dataset.value : null;
    root.replaceChildren(...parts(view).filter(Boolean));
    if (focused) root.querySelector(`[data-value="${focused}"]`)?.focus();
    showNumbers(view);
  };
  store.on(["scale", "language", "theme", "note", "zoom", "three"], show);
  store.on(["hover", "selected", "forward", "gradients", "direction", "network", "magnified"], () => showNumbers(view));
  show();
}

function parts({ store, from, to, of }) {
  const { scale, note, three } = store.state;
  const scales = SCALES.map((value) => [value, t(`legend.${value}`)]);
  return [
    h("span", { class: "legend" }, from, colourBar(), to, of),
    h("span", { class: note ? "problem push" : "push", role: note && "alert" }, note && ofLanguage(note)),
    note && !note.refused && againButton(store),
    three ? null : zoomButtons(store, scaleNow),
    h("span", { class: "soft legend-zero" }, t("legend.zero")),
    h("span", { class: "legend-scale" }, h("span", { class: "soft" }, t("legend.strongest")),
      choice(t("legend.scale"), scales, scale, (value) => store.set({ scale: value }))),
  ];
}

/** Asks for the answer anew, and so for all that hangs on it. */
function againButton(store) {
  const onclick = () => store.set({ note: null, source: { ...store.state.source } });
  return h("button", { class: "quiet", onclick }, icon("reset"), t("state.again"));
}

/** The numbers at the ends of the bar: of the layer or map that is pointed at or chosen, else of the first one. */
function showNumbers({ store, from, to, of }) {
  const { state } = store;
  const shown = limitNow(state);
  from.textContent = shown ? `−${short(shown.limit)}` : t("legend.negative");
  to.textContent = shown ? `+${short(shown.limit)}` : t("legend.positive");
  of.replaceChildren(...(shown ? [name(shown.title)] : []));
}

/** {limit, title}: what the strongest colour stands for, and where; null before there is an answer. */
function limitNow({ network, forward, gradients, direction, hover, selected, scale, magnified }) {
  const backward = direction === "backward";
  const layers = (backward ? gradients?.session === forward?.session && gradients?.layers : forward?.layers) || null;
  if (!network || !layers) return null;
  const place = [hover, selected].find((one) => one?.layer && one.layer !== SOFTMAX && layers.has(one.layer))
    ?? { layer: network.nodes.find(({ kind, name: own }) => kind !== "input" && layers.has(own))?.name };
  const layer = layers.get(place.layer);
  if (!layer) return null;
  const map = layer.maps.find((one) => one.map === place.map) ?? layer.maps[0];
  const limit = limits(layers, scale, backward ? errorShare(network, layers, magnified) : 1)(layer, map);
  const title = plainName(network.byName.get(layer.name), network);
  if (scale === "network") return { limit, title: t("legend.network") };
  return { limit, title: scale === "map" && !layer.vector ? t("place.map", { layer: title, map: map.map }) : title };
}

/** A pixel for each step of the scale, from the strongest negative colour to the strongest positive one. */
function colourBar() {
  const bar = h("canvas", { class: "legend-bar", width: 2 * STEPS + 1, height: 1, "aria-hidden": "true" });
  const context = bar.getContext("2d");
  for (let i = 0; i <= 2 * STEPS; i += 1) {
    context.fillStyle = css(colourOf((i - STEPS) / STEPS));
    context.fillRect(i, 0, 1, 1);
  }
  return bar;
}
