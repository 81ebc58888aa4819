/** One map of one layer, and one value of it: the map to move over, and the calculation behind the value. */

import { h, icon, stillness } from "../dom.js";
import { t } from "../i18n.js";
import { inShort } from "../network/help.js";
import { limits } from "../network/paint.js";
import { positionText } from "../network/tokens.js";
import { decimalsFor, fixed } from "../numbers.js";
import { findMap } from "../state/maps.js";
import { isOff, withMapToggled } from "../state/whatif.js";
import { paceSlider } from "../pace.js";
import { besideView } from "./beside.js";
import { exciteView } from "./excite.js";
import { mapBox } from "./mapbox.js";
import { operationView } from "./operations/operations.js";
import { partialsView } from "./partials.js";
import { slidingWindow } from "./slide.js";
import { sumView } from "./sum/sum.js";

const SIZE = 164; // pixels of the map's longer side

export function unitView(root, store) {
  const { layer, map } = store.state.selected;
  const view = {
    store, layer, map,
    node: store.state.network.byName.get(layer) ?? null, // none for softmax, which has no maps either
    answer: () => store.state.forward?.layers.get(layer),
    isSelected: () => store.state.selected?.layer === layer && store.state.selected.map === map,
    sentence: h("p", { class: "explain" }),
    calculation: h("div", { class: "calculation" }),
    content: null, // of the calculation: {update()}
    contentKind: "",
  };
  const body = h("div", { class: "unit-body" }, view.sentence);
  root.append(body);
  if (view.node) body.append(h("div", { class: "unit" }, ownMap(view), view.calculation));
  else body.append(h("div", { class: "unit alone" }, view.calculation));
  const between = h("section", { class: "between adds" });
  body.append(between);
  view.body = body;
  view.partials = partialsView(between, store, (number, y, x) => {
    view.content?.showInput?.(number);
    store.set({ selected: { layer, map, y, x } });
  });
  if (view.node) {
    const [beside, excite] = [h("section", { class: "between beside" }), h("section", { class: "between" })];
    view.beside = besideView(beside, store);
    if (view.node.kind !== "input" && store.state.examples.length) exciteView(excite, store);
    body.append(beside, excite);
  }
  return { update: () => update(view) };
}

/** The map itself, its value, and buttons that slide the window over it and switch it off. */
function ownMap(view) {
  const { store, layer, map } = view;
  const place = (y, x) => {
    const here = view.answer()?.vector ? { map: x, y: 0, x: 0 } : { map, y, x };
    store.set({ selected: { layer, ...here } });
  };
  const isShown = () => element.isConnected && view.isSelected();
  const slide = slidingWindow({ store, place, size: view.answer, isShown, onChange: () => showButtons(view) });
  const toggleOff = () => store.set({ whatif: withMapToggled(store.state.whatif, layer, map) });
  const onPlace = (y, x) => {
    slide.stop();
    place(y, x);
  };
  const own = mapBox({ size: SIZE, caption: "", onPlace });
  const value = h("p", { class: "own-value" });
  const play = h("button", { class: "quiet", onclick: slide.toggle });
  const off = h("button", { class: "quiet", onclick: toggleOff });
  const { element: pace } = paceSlider();
  const element = h("div", { class: "own" }, own.element, value, h("div", { class: "row" }, play, off), pace);
  Object.assign(view, { slide, own, value, play, off, pace });
  return element;
}

function update(view) {
  if (!view.isSelected()) return;
  const { node } = view;
  view.body.classList.toggle("whole", view.store.state.selected.y === undefined);
  if (node) {
    showButtons(view);
    showOwnMap(view);
  }
  showCalculation(view);
  if (node) view.partials.update();
  view.beside?.update();
  view.slide?.follow();
}

function showButtons({ store, node, layer, map, answer, slide, play, off, pace }) {
  const running = slide.isRunning();
  const sign = running ? "pause" : stillness() ? "step" : "play";
  const switchedOff = isOff(store.state.whatif, layer, map);
  play.hidden = Boolean(answer()?.vector);
  pace.hidden = play.hidden || stillness();
  play.replaceChildren(icon(sign), t(`unit.${sign}`));
  off.hidden = node.kind === "input";
  off.replaceChildren(icon("off"), t(switchedOff ? "unit.on" : "unit.off"));
  off.setAttribute("aria-pressed", String(switchedOff));
}

function showOwnMap(view) {
  const { store, layer, map: number, slide, own } = view;
  const { forward, scale, selected: { y, x } } = store.state;
  const answer = view.answer();
  if (!answer) return;
  const map = answer.vector ? answer.maps[0] : findMap(store, layer, number);
  const placed = y !== undefined;
  own.show({
    layer: answer, map, label: t("unit.move"),
    box: answer.vector ? [0, number, 1, number + 1] : placed ? [y, x, y + 1, x + 1] : null,
    limit: map ? limits(forward.layers, scale)(answer, map) : 1,
    until: slide.isRunning() && placed ? y * answer.width + x : undefined,
  });
  own.caption(t(answer.vector ? "sum.vector" : "unit.map", { layer, map: number }));
  view.value.textContent = valueText(store.state, view.node, answer.vector);
}

function valueText({ selected, arithmetic }, node, vector) {
  if (selected.y === undefined) return t("unit.pick");
  const given = arithmetic?.network_value;
  if (given === undefined) return "";
  const value = fixed(given, decimalsFor([given]));
  return vector ? value : `${positionText(node, selected)}${t("answer.colon")}${value}`;
}

function showCalculation(view) {
  const { store, node, layer, sentence, calculation } = view;
  const { arithmetic, selected } = store.state;
  const windows = arithmetic ? arithmetic.operation === "sum of products" && arithmetic.grid : node?.kind === "conv";
  const kind = windows ? "windows" : "other";
  if (view.contentKind !== kind) {
    calculation.replaceChildren();
    view.content = windows ? sumView(calculation, store) : operationView(calculation, store);
    view.contentKind = kind;
  }
  sentence.textContent = inShort(node ?? { name: layer }, store.state.network);
  const pending = !arithmetic && selected.y !== undefined;
  calculation.classList.toggle("pending", pending);
  calculation.setAttribute("aria-busy", String(pending || !isCurrent(store.state)));
  if (!pending || windows) view.content.update();
}

/** Whether the numbers are those of the selected place in the picture's last answer. */
function isCurrent({ arithmetic, forward, selected: { map, y, x } }) {
  return y === undefined || (arithmetic?.of === `${map},${y},${x}` && arithmetic.session === forward.session);
}
