/** Below the network: what the colours stand for, and what could not be had from the server. */

import { colourOf, css } from "../colour.js";
import { h } from "../dom.js";
import { ofLanguage, t } from "../i18n.js";
import { choice } from "./choice.js";

const SCALES = ["map", "layer", "network"];
const STEPS = 60; // of the colour bar, on each side of zero

export function mount(root, store) {
  const show = () => root.replaceChildren(...parts(store));
  store.on(["scale", "language", "theme", "note"], show);
  show();
}

function parts(store) {
  const { scale, note } = store.state;
  const scales = SCALES.map((value) => [value, t(`legend.${value}`)]);
  const [negative, positive] = ["negative", "positive"].map((key) => h("span", {}, t(`legend.${key}`)));
  return [
    h("span", { class: "legend" }, negative, colourBar(), positive, h("span", { class: "soft" }, t("legend.zero"))),
    note ? h("span", { class: "problem push", role: "alert" }, ofLanguage(note)) : h("span", { class: "push" }),
    h("span", { class: "soft" }, t("legend.strongest")),
    choice(t("legend.scale"), scales, scale, (value) => store.set({ scale: value })),
  ];
}

/** A pixel for each step of the scale, from the strongest negative colour to the strongest positive one. */
function colourBar() {
  const bar = h("canvas", { class: "legend-bar", width: 2 * STEPS + 1, height: 1, "aria-hidden": "true" });
  const context = bar.getContext("2d");
  for (let i = 0; i <= 2 * STEPS; i += 1) {
    context.fillStyle = css(colourOf((i - STEPS) / STEPS));
    context.fillRect(i, 0, 1, 1);
  }
  return bar;
}
