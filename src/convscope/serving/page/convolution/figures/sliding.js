/** Going through places one after the other by itself, at the page's speed, and the buttons for it. */

import { h, icon, stillness } from "../../dom.js";
import { t } from "../../i18n.js";
import { paced, paceSlider } from "../../pace.js";

/**
 * `count()` places, of which `index()` is shown; `go(index)` shows another one, `onChange()` hears when it starts or
 * stops; `pace` milliseconds lie between two. For people who want no motion it goes one place at a time.
 */
export class Sliding {
  constructor({ count, index, go, onChange, pace }) {
    Object.assign(this, { count, index, go, onChange, pace, timer: 0 });
  }

  get running() {
    return this.timer !== 0;
  }

  next() {
    this.stop();
    this.go((this.index() + 1) % this.count());
  }

  toggle() {
    if (this.running) this.stop();
    else if (stillness()) this.next();
    else this.start();
  }

  start() {
    this.timer = setInterval(() => this.advance(), paced(this.pace()));
    this.go(this.index() >= this.count() - 1 ? 0 : this.index());
    this.onChange();
  }

  advance() {
    if (this.index() >= this.count() - 1) this.stop();
    else this.go(this.index() + 1);
  }

  /** Goes on at the speed that is chosen now. */
  followPace() {
    if (!this.running) return;
    clearInterval(this.timer);
    this.timer = setInterval(() => this.advance(), paced(this.pace()));
  }

  stop() {
    if (!this.running) return;
    clearInterval(this.timer);
    this.timer = 0;
    this.onChange();
  }
}

/** {element, show()} of the buttons: `words` are keys of "play" and "step". */
export function slidingButtons(sliding, words = { play: "unit.play", step: "unit.step" }) {
  const play = h("button", { class: "primary", onclick: () => sliding.toggle() });
  const next = h("button", { class: "quiet", onclick: () => sliding.next() });
  const pace = paceSlider(() => sliding.followPace());
  const element = h("div", { class: "row" }, play, next, pace.element);

  function show() {
    play.replaceChildren(icon(sliding.running ? "pause" : "play"), t(sliding.running ? "unit.pause" : words.play));
    next.replaceChildren(icon("step"), t(words.step));
    pace.element.hidden = play.hidden = stillness();
  }
  return { element, show };
}
