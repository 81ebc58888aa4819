/** A slider over the kept epochs. Its end is the finished network, whose weights may be those of an earlier, better epoch. */

import { h, icon, stillness } from "../dom.js";
import { t } from "../i18n.js";

const PACE = 650; // milliseconds an epoch

/** `show()` follows the store; the slider is hidden where no epochs were kept. */
export function slider(store) {
  const play = h("button", { class: "tool", onclick: () => (running ? stop() : start()) });
  const range = h("input", { type: "range", min: "0", step: "1", oninput: () => {
    const at = range.valueAsNumber;
    stop();
    go(at);
  } });
  const word = h("output", { class: "epoch-word" });
  const back = h("button", { class: "quiet", onclick: () => { stop(); go(end()); } });
  const element = h("div", { class: "epoch-slider" }, play, range, word, back);
  let running = 0;

  const epochs = () => store.state.snapshots?.epochs ?? [];
  const end = () => epochs().length - (store.state.snapshots?.live ? 1 : 0);
  const position = () => (store.state.epoch === null ? end() : epochs().indexOf(store.state.epoch));
  const go = (at) => store.set({ epoch: epochs()[at] ?? null });
  function start() {
    if (stillness()) return go((position() + 1) % (end() + 1));
    if (position() >= end()) go(0);
    running = setInterval(() => {
      if (position() >= end()) stop();
      else if (store.state.forward?.epoch === store.state.epoch || !store.state.source) go(position() + 1); // not faster than the answers
    }, PACE);
    return show();
  }
  function stop() {
    clearInterval(running);
    running = 0;
    show();
  }

  function show() {
    const { epoch, snapshots } = store.state;
    element.hidden = !epochs().length;
    if (element.hidden && running) stop();
    range.max = String(end());
    range.value = String(position());
    const said = position() === end() ? t(snapshots?.live ? "training.newest" : "training.finishedWeights") : epoch === 0 ? t("training.untrained") : t("training.after", { epoch });
    word.textContent = said;
    range.setAttribute("aria-label", t("training.slider"));
    range.setAttribute("aria-valuetext", said);
    play.replaceChildren(icon(running ? "pause" : "play"));
    play.setAttribute("aria-label", t(running ? "training.stop" : "training.play"));
    play.title = play.getAttribute("aria-label");
    back.textContent = t("training.back");
    back.disabled = position() === end();
  }
  store.on(["epoch", "snapshots", "language"], show);
  show();
  return { element, stop };
}
