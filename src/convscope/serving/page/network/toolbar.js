/** Above and below the network: its direction, the class whose loss goes backwards, the scale, the legend, changes. */

import { colourOf, css } from "../colour.js";
import { h, icon } from "../dom.js";
import { ofLanguage, t } from "../i18n.js";
import { short } from "../numbers.js";
import { NO_CHANGES, countChanges } from "../state/store.js";

/** A row of buttons of which one is pressed. */
function choice(label, options, chosen, choose) {
  return h("div", { class: "choice", role: "group", "aria-label": label },
    options.map(([value, text]) => h("button", { "aria-pressed": String(value === chosen), data: { value }, onclick: () => choose(value) }, text)));
}

export function mount(root, store, legendRoot) {
  function show() {
    const { direction, label, network, forward, whatif, gradients, three } = store.state;
    const focused = root.contains(document.activeElement) ? document.activeElement.dataset.value : null;
    const parts = [
      choice(t("toolbar.direction"), [["forward", t("toolbar.forward")], ["backward", t("toolbar.backward")]], direction,
        (value) => store.set({ direction: value })),
    ];
    if (direction === "backward" && network) {
      const wished = label ?? forward?.probabilities[0].index ?? 0;
      const select = h("select", { dir: "auto", "aria-label": t("toolbar.label"), onchange: (event) => store.set({ label: Number(event.target.value) }) },
        network.class_names.map((text, i) => h("option", { value: String(i), selected: i === wished }, text)));
      parts.push(h("label", { class: "field" }, t("toolbar.label"), select));
      if (gradients && forward) parts.push(h("span", { class: "soft" }, t("toolbar.loss", { loss: short(gradients.loss) })));
    }
    parts.push(h("span", { class: "push" }));
    const changes = countChanges(whatif);
    if (changes) {
      parts.push(h("button", { class: "quiet changed", onclick: () => store.set({ whatif: NO_CHANGES }), data: { value: "reset" } },
        icon("reset"), t("toolbar.reset", { n: changes })));
    }
    parts.push(h("button", { class: "quiet", "aria-pressed": String(three), onclick: () => store.set({ three: !three }), data: { value: "3d" } },
      icon("cube"), t("toolbar.three")));
    root.replaceChildren(...parts);
    if (focused) root.querySelector(`[data-value="${focused}"]`)?.focus();
  }

  function legend() {
    const { scale, note } = store.state;
    const bar = h("canvas", { class: "legend-bar", width: 121, height: 1, "aria-hidden": "true" });
    const context = bar.getContext("2d");
    for (let i = 0; i <= 120; i += 1) {
      context.fillStyle = css(colourOf((i - 60) / 60));
      context.fillRect(i, 0, 1, 1);
    }
    const words = choice(t("legend.scale"), ["map", "layer", "network"].map((value) => [value, t(`legend.${value}`)]), scale,
      (value) => store.set({ scale: value }));
    const said = note ? h("span", { class: "problem push", role: "alert" }, ofLanguage(note)) : null;
    legendRoot.replaceChildren(
      h("span", { class: "legend" }, h("span", {}, t("legend.negative")), bar, h("span", {}, t("legend.positive")), h("span", { class: "soft" }, t("legend.zero"))),
      said ?? h("span", { class: "push" }), h("span", { class: "soft" }, t("legend.strongest")), words);
  }
  store.on(["direction", "label", "network", "whatif", "gradients", "forward", "three", "language"], show);
  store.on(["scale", "language", "theme", "note"], legend);
  show();
  legend();
}
