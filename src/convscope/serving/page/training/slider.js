/** A slider over the kept epochs, with a button that plays them. */

import { h, icon, setLabel } from "../dom.js";
import { t } from "../i18n.js";
import { EpochPlayer } from "./player.js";

/** It follows the store, and is hidden where no epochs were kept. */
export function slider(store) {
  const player = new EpochPlayer(store, () => show());
  const onPlay = () => (player.playing ? player.stop() : player.play());
  const play = h("button", { class: "tool", onclick: onPlay });
  const goTo = (position) => {
    player.stop();
    player.goTo(position);
  };
  const range = h("input", { type: "range", min: "0", step: "1", oninput: () => goTo(range.valueAsNumber) });
  const word = h("output", { class: "epoch-word" });
  const back = h("button", { class: "quiet", onclick: () => goTo(player.end) });
  const element = h("div", { class: "epoch-slider" }, play, range, word, back);

  function show() {
    element.hidden = !player.epochs.length;
    range.max = String(player.end);
    range.value = String(player.position);
    word.textContent = positionText(store.state, player);
    range.setAttribute("aria-label", t("training.slider"));
    range.setAttribute("aria-valuetext", word.textContent);
    play.replaceChildren(icon(player.playing ? "pause" : "play"));
    setLabel(play, t(player.playing ? "training.stop" : "training.play"));
    back.textContent = t("training.back");
    back.disabled = player.position === player.end;
  }
  store.on(["epoch", "snapshots", "language"], () => {
    if (player.playing && !player.epochs.length) player.stop();
    else show();
  });
  show();
  return { element, player };
}

function positionText({ epoch, snapshots }, { position, end }) {
  if (position === end) return t(snapshots?.live ? "training.newest" : "training.finishedWeights");
  return epoch === 0 ? t("training.untrained") : t("training.after", { epoch: Math.round(epoch * 10) / 10 });
}
