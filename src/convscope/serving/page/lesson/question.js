/** A question of the lesson with its check: a number, one of three answers, or something to do. */

import { h } from "../dom.js";
import { t } from "../i18n.js";

const CLOSE = 1e-3;

/** `step` of steps.js, `asked()` -> {state, marks} now; `onRight()` when it is answered. */
export function question(step, asked, { values, solved, onRight }) {
  const key = (part) => `lesson.${step.id}.${part}`;
  const verdict = h("p", { class: "lesson-verdict", role: "status" });
  const judge = (right) => {
    verdict.className = `lesson-verdict ${right ? "right" : "wrong"}`;
    verdict.textContent = right ? `${t("lesson.right")} ${t(key("right"), values)}` : `${t("lesson.wrong")} ${t(key("hint"), values)}`;
    if (right) onRight();
  };
  const form = h("form", { class: "lesson-question" }, h("p", { class: "lesson-ask" }, t(key("question"), values)));
  form.addEventListener("submit", (event) => event.preventDefault());
  let update = () => {};
  if (step.options) {
    // Not always the first: turned by the length of the name, so that it stays the same.
    const turn = step.id.length % step.options.length;
    const order = [...step.options.slice(turn), ...step.options.slice(0, turn)];
    const buttons = order.map((option) => h("button", { type: "button", class: "quiet lesson-option", "aria-pressed": "false", onclick: (event) => {
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === event.currentTarget));
      judge(option === step.options[0]);
    } }, t(key(option), values)));
    form.append(h("div", { class: "lesson-options" }, buttons));
  } else if (step.answer) {
    const input = h("input", { type: "text", inputmode: "decimal", autocomplete: "off", "aria-label": t(key("question"), values) });
    form.append(h("div", { class: "row" }, input, h("button", { class: "quiet", type: "submit" }, t("lesson.check"))));
    form.addEventListener("submit", () => {
      const given = Number(input.value.trim().replace(/[\s,，]/g, (sign) => (sign === "," && /,\d{1,2}$/.test(input.value) ? "." : "")));
      const { state, marks } = asked();
      if (input.value.trim()) judge(Math.abs(given - step.answer(state, marks)) < CLOSE);
    });
  } else {
    update = (state) => {
      if (step.done(state) && !verdict.textContent) judge(true);
    };
  }
  form.append(verdict);
  if (solved && !step.done) {
    verdict.className = "lesson-verdict right";
    verdict.textContent = t("lesson.before");
  }
  return { element: form, update };
}
