/** What is shown of the lesson: the words of the step, its question, and the way to other steps. */

import { h, icon, setLabel } from "../dom.js";
import { has, t } from "../i18n.js";
import { question } from "./question.js";
import { STEPS } from "./steps.js";

/** `onGo(number)` asks for another step, `onReset()` for the arrangement of this one. */
export function lessonView(root, guide, { onGo, onReset }) {
  const title = h("h2", { class: "lesson-title", tabindex: -1 });
  const count = h("p", { class: "soft lesson-count" });
  const text = h("div", { class: "lesson-text" });
  const questionPlace = h("div", {});
  const navigation = stepNavigation(guide, { onGo, onReset });
  root.append(h("article", { class: "lesson" }, count, title, text, questionPlace, navigation.element));
  let shown = ""; // the step, language and network whose words are shown
  let asked = null; // the question

  function show() {
    const { state } = guide.store;
    const key = [guide.step.id, state.language, state.classifier, guide.ready].join(" ");
    if (key !== shown) {
      shown = key;
      showStep();
      root.scrollTop = 0;
    }
    asked?.update();
  }
  function showStep() {
    const { id } = guide.step;
    const { values } = guide;
    const elsewhere = `lesson.${id}.elsewhere`;
    const reason = !guide.ready ? "lesson.waiting" : has(elsewhere) ? elsewhere : "lesson.impossible";
    const lines = values ? t(guide.wordsOf("text"), values).split("\n") : t(reason).split("\n");
    title.textContent = t(`lesson.${id}.title`);
    text.replaceChildren(...lines.map((line) => h("p", {}, line)));
    asked = values ? question(guide, values, onRight) : null;
    questionPlace.replaceChildren(...(asked ? [asked.element] : []));
    showProgress();
  }
  function onRight() {
    guide.solve();
    showProgress();
  }
  function showProgress() {
    count.textContent = t("lesson.count", { n: guide.number + 1, all: STEPS.length });
    navigation.show();
  }
  return { show, focus: () => title.focus({ preventScroll: true }) };
}

/** A mark per step, and the buttons back, next and reset. */
function stepNavigation(guide, { onGo, onReset }) {
  const marks = h("div", { class: "lesson-dots", role: "group" });
  const back = h("button", { class: "quiet", onclick: () => onGo(guide.number - 1) });
  const next = h("button", { class: "primary", onclick: () => onGo(guide.number + 1) });
  const reset = h("button", { class: "quiet", onclick: onReset });
  const row = h("div", { class: "row" }, back, next, h("span", { class: "push" }), reset);

  function mark({ id }, number) {
    const solved = guide.solved.has(id);
    const title = t(`lesson.${id}.title`);
    return h("button", {
      class: solved ? "solved" : "", "aria-current": number === guide.number ? "step" : null,
      "aria-label": `${number + 1}. ${title}${solved ? ` (${t("lesson.solved")})` : ""}`, title,
      onclick: () => onGo(number),
    });
  }
  function show() {
    marks.setAttribute("aria-label", t("lesson.steps"));
    marks.replaceChildren(...STEPS.map(mark));
    back.textContent = t("lesson.back");
    back.disabled = guide.number === 0;
    next.textContent = t("lesson.next");
    next.disabled = guide.number === STEPS.length - 1;
    reset.replaceChildren(icon("reset"));
    setLabel(reset, t("lesson.again"));
  }
  return { element: h("footer", {}, marks, row), show };
}
