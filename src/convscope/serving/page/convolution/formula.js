/** The formula of the output size with its numbers put in: for the rows, and for the columns where they differ. */

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { fixed } from "../numbers.js";
import { inputOf, windowOf } from "./settings.js";

export function formula() {
  const element = h("p", { class: "conv-formula" });

  function show({ settings, maps }) {
    const stage = settings.stage === "pool" || maps.problem?.stage === "pool" ? "pool" : "conv";
    const { height, width } = inputOf(settings, maps, stage);
    const window = windowOf(settings, stage);
    const lines = [line("height", t("convolution.outRows"), height, window)];
    if (height !== width) lines.push(line("width", t("convolution.outColumns"), width, window));
    element.replaceChildren(h("span", { class: "soft" }, t("convolution.formula")), ...lines);
  }
  return { element, show };
}

/** One size written out; also an impossible one, which shows why it is. */
function line(key, word, size, { kernel, stride, padding = 0, dilation = 1 }) {
  const output = Math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
  const written = `⌊(${size} + 2·${padding} − ${dilation}·(${kernel} − 1) − 1) / ${stride}⌋ + 1`;
  const result = h("output", { data: { of: key } }, stride < 1 ? "–" : fixed(output, 0));
  return h("span", {}, `${word} = ${written} =\u00a0`, result);
}
