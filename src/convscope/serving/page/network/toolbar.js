/** Above the network: its direction, the class whose loss is led back, the changes that were made, and 3D. */

import { h, icon } from "../dom.js";
import { t } from "../i18n.js";
import { short } from "../numbers.js";
import { NO_CHANGES, countChanges } from "../state/whatif.js";
import { openChanges } from "./changes.js";
import { choice } from "./choice.js";
import { openFinder } from "./finder.js";

export function mount(root, store) {
  const show = () => {
    const focused = root.contains(document.activeElement) ? document.activeElement.dataset.value : null;
    root.replaceChildren(...parts(store));
    if (focused) root.querySelector(`[data-value="${focused}"]`)?.focus();
  };
  store.on(["direction", "label", "network", "whatif", "gradients", "forward", "three", "language"], show);
  show();
}

function parts(store) {
  const { direction, network, three } = store.state;
  const directions = [["forward", t("toolbar.forward")], ["backward", t("toolbar.backward")]];
  const cube = h("button", {
    class: "quiet", "aria-pressed": String(three), onclick: () => store.set({ three: !three }), data: { value: "3d" },
  }, icon("cube"), t("toolbar.three"));
  const finder = h("button", {
    class: "quiet", disabled: !network, onclick: () => openFinder(store), data: { value: "layers" },
    "aria-keyshortcuts": "/", title: t("finder.hint"),
  }, t("finder.open"));
  return [
    choice(t("toolbar.direction"), directions, direction, (value) => store.set({ direction: value })),
    ...(direction === "backward" && network ? lossParts(store) : []),
    h("span", { class: "push" }),
    ...resetButton(store),
    finder,
    cube,
  ];
}

/** The class whose loss is led back through the network, and that loss. */
function lossParts(store) {
  const { label, network, forward, gradients } = store.state;
  const chosen = label ?? forward?.probabilities[0].index ?? 0;
  const options = network.class_names.map((text, i) => h("option", { value: String(i), selected: i === chosen }, text));
  const onchange = (event) => store.set({ label: Number(event.target.value) });
  const select = h("select", { dir: "auto", "aria-label": t("toolbar.label"), onchange }, options);
  const field = h("label", { class: "field" }, t("toolbar.label"), select);
  if (!gradients || !forward) return [field];
  return [field, h("span", { class: "soft" }, t("toolbar.loss", { loss: short(gradients.loss) }))];
}

function resetButton(store) {
  const changes = countChanges(store.state.whatif);
  if (!changes) return [];
  const ranking = h("button", {
    class: "quiet", onclick: () => openChanges(store), data: { value: "changes" },
  }, t("changes.open"));
  return [ranking, h("button", {
    class: "quiet changed", onclick: () => store.set({ whatif: NO_CHANGES }), data: { value: "reset" },
  }, icon("reset"), t("toolbar.reset", { n: changes }))];
}
