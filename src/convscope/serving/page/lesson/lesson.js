/** The lesson: steps beside the network. Each arranges the page, highlights a part of it and asks a question. */

import { Guide } from "./guide.js";
import { lessonView } from "./view.js";

const NARROW = 1000; // pixels below which the lesson covers a part of the page
const KEYS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -1, PageDown: 1 };

export function mount(root, store) {
  const guide = new Guide(store);
  const view = lessonView(root, guide, { onGo: goTo, onReset: () => arrange(true) });
  let visible = false;

  function goTo(number) {
    if (guide.goTo(number)) view.focus();
  }
  function arrange(again = false) {
    if (!visible || !guide.arrange(again)) return;
    highlight(guide.step.highlight);
    if (guide.step.fromInput) requestAnimationFrame(() => showInput());
  }
  function show() {
    visible = true;
    arrange();
    view.show();
    highlight(guide.step.highlight);
  }
  function hide() {
    visible = false;
    guide.leave();
    highlight(null);
  }
  root.addEventListener("keydown", (event) => {
    const steps = KEYS[event.key];
    if (!steps || event.target.closest("input")) return;
    event.preventDefault();
    goTo(guide.number + steps);
  });
  store.on(["step"], () => visible && show());
  store.on(["forward", "network", "examples", "wish"], () => {
    arrange();
    if (visible) view.show();
  });
  store.on(["language", "source", "busy"], () => visible && view.show());
  return { show, hide };
}

/** Marks the part of the page that a step speaks of, and no other; null: none. */
function highlight(selector) {
  for (const part of document.querySelectorAll(".lesson-highlight")) part.classList.remove("lesson-highlight");
  const part = selector && document.querySelector(selector);
  if (!part) return;
  part.classList.add("lesson-highlight");
  if (innerWidth < NARROW) requestAnimationFrame(() => part.scrollIntoView({ block: "start" }));
}

/** Scrolls the network, which an earlier step may have left at its end, to its input. */
function showInput() {
  document.querySelector("#network .scroller")?.scrollTo({ left: 0 });
}
