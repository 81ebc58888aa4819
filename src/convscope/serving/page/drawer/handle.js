/** The edge by which the drawer is made higher or lower, by pointer or arrow keys. */

import { h } from "../dom.js";
import { t } from "../i18n.js";

const STEP = 32; // pixels for a press of a key
const LEAST = 120; // pixels of the drawer
const FREE = 160; // pixels that stay free above it

/** {element, show()} for the drawer `root`; `show()` brings its words and numbers up to date. */
export function handle(root) {
  const element = h("div", { class: "grip", role: "separator", tabindex: 0, "aria-orientation": "horizontal" });
  const most = () => Math.max(root.parentElement.clientHeight - FREE, LEAST);
  const resize = (height) => {
    document.body.style.setProperty("--drawer", `${Math.round(Math.min(Math.max(height, LEAST), most()))}px`);
    show();
  };
  const show = () => {
    element.setAttribute("aria-label", t("drawer.handle"));
    element.setAttribute("aria-valuemin", String(LEAST));
    element.setAttribute("aria-valuemax", String(most()));
    element.setAttribute("aria-valuenow", String(Math.min(root.offsetHeight, most())));
  };
  let from = null; // {y, height} where a drag began
  element.addEventListener("pointerdown", ({ pointerId, clientY }) => {
    element.setPointerCapture(pointerId);
    from = { y: clientY, height: root.offsetHeight };
  });
  element.addEventListener("pointermove", ({ clientY }) => from && resize(from.height + from.y - clientY));
  for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, () => (from = null));
  element.addEventListener("keydown", (event) => {
    const step = { ArrowUp: STEP, ArrowDown: -STEP }[event.key];
    if (!step) return;
    event.preventDefault();
    resize(root.offsetHeight + step);
  });
  return { element, show };
}
