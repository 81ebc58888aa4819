/** A line above the network while its gradients are too small to be seen: why, and two ways to see some. */

import { h, name } from "../dom.js";
import { t } from "../i18n.js";
import { percent, short } from "../numbers.js";
import { errorShare } from "./paint.js";

const HARDLY_WRONG = 0.05; // a share of the error below which colours are too pale to be told from paper

export function mount(root, store) {
  const words = h("p", {});
  const buttons = h("div", { class: "row" });
  root.append(words, buttons);
  const show = () => {
    const { magnified } = store.state;
    const faint = faintNow(store.state);
    root.hidden = !faint && !(magnified && store.state.direction === "backward");
    if (root.hidden) return;
    const focused = root.contains(document.activeElement) ? document.activeElement.dataset.value : null;
    words.replaceChildren(...(faint ? reason(store.state, faint) : [t("faint.magnified")]));
    buttons.replaceChildren(...[faint && otherClass(store), magnifier(store, faint)].filter(Boolean));
    if (focused) (root.querySelector(`[data-value="${focused}"]`) ?? buttons.lastChild)?.focus();
  };
  store.on(["direction", "gradients", "forward", "network", "magnified", "language"], show);
  show();
}

/** {most, label}: the largest gradient, where hardly anything is wrong with the answer; else null. */
function faintNow({ direction, network, forward, gradients }) {
  const layers = gradients?.session === forward?.session ? gradients?.layers : null;
  if (direction !== "backward" || !network || !layers || errorShare(network, layers) >= HARDLY_WRONG) return null;
  const most = Math.max(...[...layers.values()].map(({ low, high }) => Math.max(Math.abs(low), Math.abs(high))));
  return { most, label: gradients.label };
}

function reason({ network, forward }, { most, label }) {
  const { probability } = forward.probabilities.find(({ index }) => index === label);
  const values = { share: percent(probability), most: short(most) };
  return [name(network.class_names[label]), " ", t(most ? "faint.reason" : "faint.none", values)];
}

/** The loss of another class has gradients that are seen: that of the next probable one. */
function otherClass(store) {
  const { forward, network, gradients } = store.state;
  const other = forward.probabilities.find(({ index }) => index !== gradients.label);
  if (!other) return null;
  return h("button", { class: "quiet", data: { value: "other" }, onclick: () => store.set({ label: other.index }) },
    t("faint.other", { label: network.class_names[other.index] }));
}

function magnifier(store, faint) {
  const { magnified } = store.state;
  if (faint && !faint.most) return null;
  return h("button", {
    class: "quiet", data: { value: "magnify" }, "aria-pressed": String(magnified),
    onclick: () => store.set({ magnified: !magnified }),
  }, t("faint.magnify"));
}
