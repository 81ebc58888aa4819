/** The convolution tab: a picture, a kernel and a window that slides, with every number in sight, all computed here. */

import { h, icon, stillness } from "../dom.js";
import { ofLanguage, t } from "../i18n.js";
import { paceSlider } from "../pace.js";
import { calculation } from "./calculation.js";
import { controls } from "./controls.js";
import { formula } from "./formula.js";
import { mapLine } from "./maps.js";
import { Playground } from "./playground.js";

export function mount(root, store) {
  const playground = new Playground(store, () => show());
  const settings = controls(playground);
  const parts = [actions(playground), problemLine(), mapLine(playground), formula(), calculation()];
  const stage = h("div", { class: "conv-stage" }, parts.map((part) => part.element));
  root.append(h("div", { class: "conv" }, settings.element, stage));

  function show() {
    settings.show(store.state);
    for (const part of parts) part.show(playground);
  }
  store.on(["language", "theme", "forward", "examples"], () => !root.hidden && show());
  new ResizeObserver(() => root.clientWidth && show()).observe(root);
  show();
  return { hide: () => playground.stop(), show };
}

/** The buttons that move the window, and the choice of colours. */
function actions(playground) {
  const slide = h("button", { class: "primary", onclick: () => {
    if (playground.sliding) playground.stop();
    else playground.slide();
  } });
  const next = h("button", { class: "quiet", onclick: () => playground.next() });
  const gray = h("input", { type: "checkbox", onchange: () => playground.change({ gray: gray.checked }) });
  const pace = paceSlider(() => playground.followPace());
  const grayWords = h("span", {});
  const grayField = h("label", { class: "check" }, gray, grayWords);
  const element = h("div", { class: "row conv-actions" }, slide, next, pace.element,
    h("span", { class: "push" }), grayField);

  function show({ sliding, map, settings }) {
    slide.replaceChildren(icon(sliding ? "pause" : "play"), t(sliding ? "unit.pause" : "unit.play"));
    next.replaceChildren(icon("step"), t("unit.step"));
    slide.disabled = next.disabled = !map;
    pace.show();
    pace.element.hidden = stillness();
    grayWords.textContent = t("convolution.gray");
    gray.checked = settings.gray;
  }
  return { element, show };
}

/** Why a picture could not be read, or why the settings are impossible. */
function problemLine() {
  const element = h("p", { class: "problem conv-problem", role: "alert" });

  function show({ failure, maps: { problem } }) {
    const reason = problem && t(`convolution.why.${problem.reason}`, problem.values);
    const impossible = problem ? t(`convolution.impossible.${problem.stage}`, { reason }) : "";
    element.textContent = failure ? (failure.key ? t(failure.key) : ofLanguage(failure)) : impossible;
    element.hidden = !element.textContent;
  }
  return { element, show };
}
