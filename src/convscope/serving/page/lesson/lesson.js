/** A lesson in twelve steps beside the live network: each shows something in it, lights the part up and asks a question. */

import { h, icon } from "../dom.js";
import { t } from "../i18n.js";
import { landmarks } from "./landmarks.js";
import { question } from "./question.js";
import { STEPS } from "./steps.js";

const KEPT = "lesson"; // which questions were answered, for the next visit
const NARROW = 1000;

export function mount(root, store) {
  const title = h("h2", { class: "lesson-title", tabindex: -1 });
  const count = h("p", { class: "soft lesson-count" });
  const text = h("div", { class: "lesson-text" });
  const asks = h("div", {});
  const dots = h("div", { class: "lesson-dots", role: "group" });
  const back = h("button", { class: "quiet", onclick: () => go(step() - 1) });
  const next = h("button", { class: "primary", onclick: () => go(step() + 1) });
  const again = h("button", { class: "quiet", onclick: () => arrange(true) });
  root.append(h("article", { class: "lesson" }, count, title, text, asks, h("footer", {}, dots, h("div", { class: "row" }, back, next, h("span", { class: "push" }), again))));
  root.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -1, PageDown: 1 }[event.key];
    if (!by || event.target.closest("input")) return;
    event.preventDefault();
    go(step() + by);
  });
  const solved = new Set((localStorage.getItem(KEPT) ?? "").split(" ").filter(Boolean));
  let arranged = null; // the step whose places are shown
  let shown = ""; // the step, language and network whose words are shown
  let asked = null; // the question
  let visible = false;

  const step = () => Math.min(Math.max(store.state.step, 0), STEPS.length - 1);
  const marks = () => landmarks(store.state.network);
  const possible = () => !STEPS[step()].possible || Boolean(STEPS[step()].possible(marks()));
  const ready = () => store.state.network && (STEPS[step()].early || store.state.forward?.classifier === store.state.network.classifier);

  function go(to) {
    if (to < 0 || to >= STEPS.length) return;
    store.set({ step: to });
    title.focus({ preventScroll: true });
  }
  /** Puts the store where the step wants it: once, so that whoever explores meanwhile is left alone. */
  function arrange(anew = false) {
    if (!visible || !store.state.network) return;
    const { source, examples } = store.state;
    if (!source && !STEPS[step()].early && examples.length) {
      const seven = examples.find(({ kind, label }) => kind === "digit" && label === "7");
      store.set({ source: { kind: "example", id: (seven ?? examples[0]).id } });
    }
    const key = `${step()} ${store.state.classifier}`;
    if ((arranged === key && !anew) || !ready()) return;
    arranged = key;
    const changes = possible() ? STEPS[step()].show(store.state, marks()) : {};
    store.set({ selected: null, why: false, direction: "forward", label: null, three: false, ...(!store.state.snapshots?.live && { epoch: null }), ...changes });
    light();
  }
  function light() {
    for (const lit of document.querySelectorAll(".lesson-lit")) lit.classList.remove("lesson-lit");
    const part = visible ? document.querySelector(STEPS[step()].lit) : null;
    part?.classList.add("lesson-lit");
    if (part && innerWidth < NARROW) requestAnimationFrame(() => part.scrollIntoView({ block: "start" }));
  }

  function words() {
    if (!visible) return;
    const at = STEPS[step()];
    const key = `${at.id} ${store.state.language} ${store.state.classifier} ${ready() ? "ready" : ""}`;
    if (key !== shown) {
      shown = key;
      const values = ready() && possible() ? at.values(store.state, marks()) : null;
      title.textContent = t(`lesson.${at.id}.title`);
      const said = values ? t(`lesson.${at.id}.text`, values).split("\n") : [t(ready() ? "lesson.impossible" : "lesson.waiting")];
      text.replaceChildren(...said.map((line) => h("p", {}, line)));
      asked = values ? question(at, () => ({ state: store.state, marks: marks() }), { values, solved: solved.has(at.id), onRight: () => solve(at.id) }) : null;
      asks.replaceChildren(...(asked ? [asked.element] : []));
      frame();
      root.scrollTop = 0;
    }
    asked?.update(store.state);
  }
  function solve(id) {
    solved.add(id);
    localStorage.setItem(KEPT, [...solved].join(" "));
    frame();
  }
  function frame() {
    count.textContent = t("lesson.count", { n: step() + 1, all: STEPS.length });
    dots.setAttribute("aria-label", t("lesson.steps"));
    dots.replaceChildren(...STEPS.map(({ id }, i) => h("button", { class: solved.has(id) ? "solved" : "", "aria-current": i === step() ? "step" : null,
      "aria-label": `${i + 1}. ${t(`lesson.${id}.title`)}${solved.has(id) ? ` (${t("lesson.solved")})` : ""}`, title: t(`lesson.${id}.title`), onclick: () => go(i) })));
    back.textContent = t("lesson.back");
    back.disabled = step() === 0;
    next.textContent = t("lesson.next");
    next.disabled = step() === STEPS.length - 1;
    again.replaceChildren(icon("reset"));
    again.setAttribute("aria-label", t("lesson.again"));
    again.title = t("lesson.again");
  }

  function show() {
    visible = true;
    arrange();
    words();
    light();
  }
  store.on(["step"], () => visible && show());
  store.on(["forward", "network", "examples"], () => {
    arrange();
    words();
  });
  store.on(["language", "source"], words);
  return {
    show,
    hide() {
      visible = false;
      arranged = null;
      light();
      if (store.state.direction === "backward") store.set({ direction: "forward", label: null });
    },
  };
}
