/** The convolution tab: figures with every number in sight, all computed here; the first is a kernel that slides. */

import { h, icon, stillness } from "../dom.js";
import { ofLanguage, t } from "../i18n.js";
import { paceSlider } from "../pace.js";
import { calculation } from "./calculation.js";
import { controls } from "./controls.js";
import { choice } from "./fields.js";
import { createFigure, initialOf, KINDS } from "./figures/figures.js";
import { formula } from "./formula.js";
import { mapLine } from "./maps.js";
import { Playground } from "./playground.js";

const SINGLE = "single"; // the kernel over a picture, which has settings of its own

export function mount(root, store) {
  const single = singleKernel(store);
  const last = new Map(KINDS.map((kind) => [kind, initialOf(kind)])); // settings of each figure
  const choose = choice((kind) => store.set({ figure: kind === SINGLE ? null : last.get(kind) }));
  const others = h("div", {});
  const view = { figure: null, made: "" };
  root.append(h("div", { class: "conv-figures" }, choose.element), single.element, others);

  function show() {
    const { figure, language, theme } = store.state;
    if (figure) last.set(figure.kind, figure);
    choose.show({
      label: t("figure.choose"), chosen: figure?.kind ?? SINGLE,
      options: [SINGLE, ...KINDS].map((kind) => [kind, t(`figure.${kind}`)]),
    });
    single.element.hidden = Boolean(figure);
    others.hidden = !figure;
    if (figure) single.stop();
    else view.figure?.stop();
    const made = figure ? `${figure.kind} ${language} ${theme}` : "";
    if (figure && made !== view.made) {
      view.figure?.stop();
      view.made = made;
      view.figure = createFigure(figure.kind, {
        store, settings: () => store.state.figure ?? last.get(figure.kind),
        change: (next) => store.set({ figure: next }),
      });
      others.replaceChildren(h("h2", { class: "unseen" }, t(`figure.${figure.kind}`)), view.figure.element);
    }
    if (figure) view.figure.show();
    else single.show();
  }
  store.on(["language", "theme", "forward", "examples", "figure"], () => !root.hidden && show());
  new ResizeObserver(() => root.clientWidth && show()).observe(root);
  show();
  const hide = () => {
    single.stop();
    view.figure?.stop();
  };
  return { hide, show };
}

/** One kernel over a picture, with its window, activation and pooling. */
function singleKernel(store) {
  const playground = new Playground(store, () => show());
  const settings = controls(playground);
  const parts = [actions(playground), problemLine(), mapLine(playground), formula(), calculation()];
  const stage = h("div", { class: "conv-stage" }, parts.map((part) => part.element));
  const element = h("div", { class: "conv" }, settings.element, stage);

  function show() {
    settings.show(store.state);
    for (const part of parts) part.show(playground);
  }
  return { element, show, stop: () => playground.stop() };
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
