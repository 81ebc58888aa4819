/** How quickly a window slides: one choice for the whole page, kept for the next visit. */

import { h } from "./dom.js";
import { t } from "./i18n.js";
import { recall, remember } from "./preferences.js";

const SHARES = [4, 2, 1, 0.4, 0.1]; // of the usual time between two places
const USUAL = 2;

const known = Number(recall("pace") ?? USUAL);
let chosen = known in SHARES ? known : USUAL;

/** Milliseconds between two places where `usual` are usual. */
export const paced = (usual) => usual * SHARES[chosen];

/** {element, show()} of a slider from slow to quick; `onChange()` is called when it has been moved. */
export function paceSlider(onChange = () => {}) {
  const input = h("input", {
    type: "range", min: "0", max: String(SHARES.length - 1), step: "1", class: "pace-range",
    oninput: () => {
      chosen = Number(input.value);
      remember("pace", String(chosen));
      onChange();
    },
  });
  const word = h("span", {});
  const show = () => {
    input.value = String(chosen); // another slider may have changed it
    word.textContent = t("pace.label");
  };
  show();
  return { element: h("label", { class: "field pace" }, word, input), show };
}
