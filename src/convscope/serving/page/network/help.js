/** What a kind of layer does, in two sentences, and the "?" in its head that opens them. */

import { h, icon, name, setLabel } from "../dom.js";
import { t } from "../i18n.js";
import { lastStep, SOFTMAX } from "../state/softmax.js";
import { kindWithSize } from "./kinds.js";
import { plainName, sortOf, wordsFor } from "./names.js";

/** The sentences for a layer, chosen by what it does; of a convolution also what becomes of the border. */
export function explanation(node, network) {
  const border = node.kind === "conv" ? borderOf(node, network) : null;
  const words = inShort(node, network);
  if (node.windows) return `${words} ${t("explain.windows")}`;
  if (node.tokens) return `${words} ${t(node.tokens.prefix ? "explain.tokens" : "explain.patches")}`;
  return border ? `${words} ${t(`explain.border.${border}`)}` : words;
}

/** The sentences alone. */
export function inShort(node, network) {
  if (node.name === SOFTMAX) return t(`explain.${lastStep(network)}`);
  const key = wordsFor((sort) => `explain.${sort}`, sortOf(node, network)) ?? "explain.other";
  return t(key, { n: node.inputs.length, type: node.type });
}

const inBoth = (value) => (Array.isArray(value) ? value : [value, value]);

/** "full", "same" or "valid": how far a convolution's window reaches over the border; null for what lies between. */
function borderOf({ shape, inputs, type, attributes }, network) {
  const { kernel_size: kernel, padding, pad, stride, dilation } = attributes;
  const source = network.byName.get(inputs[0]);
  if (!kernel || /transpose/i.test(type) || shape.length < 3 || source?.shape.length !== 3) return null;
  const kernels = inBoth(kernel);
  if (kernels.every((size) => size === 1)) return null;
  const isOne = inBoth(stride ?? 1).every((step) => step === 1);
  if (isOne && shape[1] === source.shape[1] && shape[2] === source.shape[2]) return "same";
  if (pad) return null; // other borders at each side
  const paddings = inBoth(padding ?? 0);
  if (paddings.every((size) => size === 0)) return "valid";
  const dilations = inBoth(dilation ?? 1);
  return paddings.every((size, i) => size === (kernels[i] - 1) * dilations[i]) ? "full" : null;
}

/** {element, open(node, network, button), close()}: the sentences beside the button that asked for them. */
export function helpBox(root) {
  const title = h("b", {});
  const text = h("p", {});
  const closer = h("button", { class: "tool" }, icon("close"));
  const element = h("div", { class: "help-box", role: "dialog", hidden: true, tabindex: -1 },
    h("div", { class: "help-head" }, title, closer), text);
  let opener = null;
  const close = () => {
    if (element.hidden) return;
    element.hidden = true;
    if (element.contains(document.activeElement) || document.activeElement === document.body) opener?.focus();
  };
  closer.addEventListener("click", close);
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    close();
  });
  document.addEventListener("pointerdown", ({ target }) => {
    if (!element.contains(target) && !target.closest(".ask")) close();
  });
  root.append(element);
  return {
    close,
    /** `below` is the element that it opens under; the focus goes back to `from`. */
    open(node, network, below, from = below) {
      opener = from;
      title.replaceChildren(name(plainName(node, network)), ` · ${kindWithSize(node, network)}`);
      text.textContent = explanation(node, network);
      setLabel(closer, t("network.closeHelp"));
      element.setAttribute("aria-label", t("network.help", { name: plainName(node, network) }));
      element.hidden = false;
      placeBelow(root, element, below);
      element.focus({ preventScroll: true });
    },
  };
}

function placeBelow(root, element, below) {
  const [box, own] = [root.getBoundingClientRect(), below.getBoundingClientRect()];
  const left = Math.min(Math.max(own.left - box.left - 24, 8), box.width - element.offsetWidth - 8);
  element.style.left = `${Math.max(left, 8)}px`;
  element.style.top = `${Math.max(own.bottom - box.top + 6, 8)}px`;
}
