/** The question of a step, with its check: a number, one of some answers, or something to do on the page. */

import { h } from "../dom.js";
import { t } from "../i18n.js";

const TOLERANCE = 1e-3; // of a number

/** `values` fill in the words; `onRight()` is called when it is answered. `update()` follows the store. */
export function question(guide, values, onRight) {
  const { step } = guide;
  const words = (part) => t(guide.wordsOf(part), values);
  const verdict = h("p", { class: "lesson-verdict", role: "status" });
  const judge = (right) => {
    verdict.className = `lesson-verdict ${right ? "right" : "wrong"}`;
    verdict.textContent = right ? `${t("lesson.right")} ${words("right")}` : `${t("lesson.wrong")} ${words("hint")}`;
    if (right) onRight();
  };
  if (guide.solved.has(step.id) && !step.done) {
    verdict.className = "lesson-verdict right";
    verdict.textContent = t("lesson.before");
  }
  const answer = answerField(guide, words, judge);
  const ask = h("p", { class: "lesson-ask" }, words("question"));
  const element = h("form", { class: "lesson-question" }, ask, answer.element, verdict);
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    answer.onSubmit?.();
  });

  function update() {
    if (step.done?.(guide.store.state) && !verdict.textContent) judge(true);
  }
  return { element, update };
}

/** Where the answer is given: nowhere if there is something to do. */
function answerField(guide, words, judge) {
  if (guide.step.options) return options(guide.step, words, judge);
  return guide.step.answer ? numberField(guide, words, judge) : { element: null };
}

function options({ id, options: all }, words, judge) {
  // The right one is the first of the list. Turned by the length of the name, it is not always the first on the page.
  const turn = id.length % all.length;
  const choose = (option) => (event) => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button === event.currentTarget));
    judge(option === all[0]);
  };
  const buttons = [...all.slice(turn), ...all.slice(0, turn)].map((option) => h("button", {
    type: "button", class: "quiet lesson-option", "aria-pressed": "false", onclick: choose(option),
  }, words(option)));
  return { element: h("div", { class: "lesson-options" }, buttons) };
}

function numberField(guide, words, judge) {
  const label = words("question");
  const input = h("input", { type: "text", inputmode: "decimal", autocomplete: "off", "aria-label": label });
  const button = h("button", { class: "quiet", type: "submit" }, t("lesson.check"));
  const onSubmit = () => {
    const right = guide.step.answer(guide.store.state, guide.landmarks);
    if (input.value.trim()) judge(Math.abs(numberOf(input.value) - right) < TOLERANCE);
  };
  return { element: h("div", { class: "row" }, input, button), onSubmit };
}

/** A number as people write it. A comma before one or two last digits is a decimal comma, others separate thousands. */
function numberOf(text) {
  const decimalComma = /,\d{1,2}$/.test(text);
  return Number(text.trim().replace(/[\s,，]/g, (sign) => (sign === "," && decimalComma ? "." : "")));
}
