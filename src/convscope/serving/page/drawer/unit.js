/** One map of one layer, and one value of it: the map to move over, and the calculation behind the value. */

import { h, icon, stillness } from "../dom.js";
import { t, has } from "../i18n.js";
import { findMap } from "../state/maps.js";
import { mapBox } from "./mapbox.js";
import { fixed, decimalsFor } from "../numbers.js";
import { operationView } from "./operations.js";
import { limits } from "../network/paint.js";
import { SOFTMAX } from "../state/softmax.js";
import { sumView } from "./sum.js";

const PACE = 160; // milliseconds between two places of the moving window

/** Whether the numbers are those of the selected place in the picture's last answer. */
function isCurrent({ arithmetic, forward, selected: { map, y, x } }) {
  return y === undefined || (arithmetic?.of === `${map},${y},${x}` && arithmetic.session === forward.session);
}

export function unitView(root, store) {
  const { layer: layerName, map: mapNumber } = store.state.selected;
  const node = store.state.network.byName.get(layerName) ?? null; // none: softmax
  const mine = () => store.state.selected?.layer === layerName && store.state.selected.map === mapNumber;
  const place = (y, x) => store.set({ selected: layer()?.vector ? { layer: layerName, map: x, y: 0, x: 0 } : { layer: layerName, map: mapNumber, y, x } });
  const layer = () => store.state.forward?.layers.get(layerName);

  const own = mapBox({ size: 164, caption: "", onPlace: (y, x) => { stop(); place(y, x); } });
  const value = h("p", { class: "own-value" });
  const play = h("button", { class: "quiet", onclick: () => (running ? stop() : begin()) });
  const off = h("button", { class: "quiet", onclick: toggleOff });
  const buttons = h("div", { class: "row" }, play, off);
  const left = h("div", { class: "own" }, own.element, value, buttons);
  const sentence = h("p", { class: "explain" });
  const middle = h("div", { class: "calculation" });
  root.append(sentence, h("div", { class: `unit${node ? "" : " alone"}` }, node ? left : null, middle));
  let running = false;
  let timer = 0;
  let kind = "";
  let view = null;

  function begin() {
    const { y = 0, x = -1 } = store.state.selected;
    if (stillness()) next(y, x);
    else {
      running = true;
      next(0, -1);
    }
  }
  function next(y, x) {
    const { width, height } = layer();
    const after = y * width + x + 1;
    if (after >= width * height) stop();
    else place(Math.floor(after / width), after % width);
  }
  function stop() {
    running = false;
    clearTimeout(timer);
    words();
  }
  function follow() {
    clearTimeout(timer);
    const { arithmetic, selected } = store.state;
    if (!running || !root.isConnected || arithmetic?.index[1] !== selected.y || arithmetic.index[2] !== selected.x) return;
    timer = setTimeout(() => root.contains(left) && mine() && next(selected.y, selected.x), PACE);
  }
  function toggleOff() {
    const { whatif } = store.state;
    const { [layerName]: maps = [], ...others } = whatif.channels_off;
    const now = maps.includes(mapNumber) ? maps.filter((m) => m !== mapNumber) : [...maps, mapNumber];
    store.set({ whatif: { ...whatif, channels_off: now.length ? { ...others, [layerName]: now } : others } });
  }

  function words() {
    if (!node) return;
    const isOff = Boolean(store.state.whatif.channels_off[layerName]?.includes(mapNumber));
    play.hidden = Boolean(layer()?.vector);
    play.replaceChildren(icon(running ? "pause" : stillness() ? "step" : "play"), t(running ? "unit.pause" : stillness() ? "unit.step" : "unit.play"));
    off.replaceChildren(icon("off"), t(isOff ? "unit.on" : "unit.off"));
    off.setAttribute("aria-pressed", String(isOff));
    off.hidden = node.kind === "input";
  }

  function showOwn() {
    const { forward, scale, selected, arithmetic } = store.state;
    const at = layer();
    if (!at) return;
    const map = at.vector ? at.maps[0] : findMap(store, layerName, mapNumber);
    const { y, x } = selected;
    const box = at.vector ? [0, mapNumber, 1, mapNumber + 1] : y === undefined ? null : [y, x, y + 1, x + 1];
    own.show({ layer: at, map, box, limit: map ? limits(forward.layers, scale)(at, map) : 1, until: running && y !== undefined ? y * at.width + x : undefined, label: t("unit.move") });
    own.caption(t(at.vector ? "sum.vector" : "unit.map", { layer: layerName, map: mapNumber }));
    const given = arithmetic?.network_value;
    value.textContent = y === undefined ? t("unit.pick") : given === undefined ? "" : at.vector ? fixed(given, decimalsFor([given])) : t("unit.value", { y, x, value: fixed(given, decimalsFor([given])) });
  }

  function update() {
    if (!mine()) return;
    const { arithmetic } = store.state;
    words();
    showOwn();
    const windows = arithmetic ? arithmetic.operation === "sum of products" && arithmetic.grid : node?.kind === "conv";
    const wanted = windows ? "windows" : "other";
    if (kind !== wanted) {
      middle.replaceChildren();
      view = windows ? sumView(middle, store) : operationView(middle, store);
      kind = wanted;
    }
    const key = layerName === SOFTMAX ? "explain.softmax" : `explain.${node.kind}`;
    sentence.textContent = has(key) ? t(key, { n: node?.inputs.length ?? 1 }) : t("explain.other");
    const pending = !arithmetic && store.state.selected.y !== undefined;
    middle.classList.toggle("pending", pending);
    middle.setAttribute("aria-busy", String(pending || !isCurrent(store.state)));
    if (!pending || windows) view.update();
    follow();
  }
  return { update };
}
