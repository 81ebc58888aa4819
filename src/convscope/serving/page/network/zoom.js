/** How large the network is shown: as it is, so that all of it is in sight, or in steps; and the buttons for that. */

import { h, setLabel } from "../dom.js";
import { t } from "../i18n.js";
import { planOf } from "./scene.js";

const SMALLEST = 0.1;
const LARGEST = 3;
const STEP = 1.25;
const READABLE = 0.8; // a network that fits when it is no smaller is shown whole at first
export const FAR = 0.72; // below, heads are a title alone, and names are wider than their columns
const FARTHEST = 0.28; // below, they cannot be read
const SEARCH = 7; // halvings until a size that fits is exact enough
const MINIMAP = 56; // pixels that the minimap takes from the network

/**
 * {plan, scale, overview}: the layout at the size that the store's `zoom` asks for (null: as it is readable, "fit", or
 * a factor), in `room` {width, height}; `overview` tells whether a part is out of sight, for which the minimap is.
 */
export function zoomedPlan(store, room) {
  const { zoom } = store.state;
  const at = (scale, { width, height } = room) => planOf(store, { width: width / scale, height: height / scale });
  const fits = (scale) => at(scale).width * scale <= room.width + 1;
  const scale = typeof zoom === "number" ? zoom : largestThatFits(fits, zoom === "fit" ? SMALLEST : READABLE);
  const plan = at(scale);
  if (plan.width * scale <= room.width + 1) return { plan, scale, overview: false };
  return { plan: at(scale, { ...room, height: room.height - MINIMAP }), scale, overview: true };
}

/** The largest scale up to 1 at which all is in sight; 1 where that would be below `least`. */
function largestThatFits(fits, least) {
  if (fits(1)) return 1;
  if (!fits(least)) return least < READABLE ? least : 1;
  let [below, above] = [least, 1];
  for (let i = 0; i < SEARCH; i += 1) {
    const middle = (below + above) / 2;
    if (fits(middle)) below = middle;
    else above = middle;
  }
  return below;
}

/** The heads are painted at the size of the network; what cannot be read there is left out. */
export function scaleHeads(heads, scale) {
  heads.style.transform = scale === 1 ? "" : `scale(${scale})`;
  heads.style.setProperty("--zoom", String(scale));
  heads.classList.toggle("far", scale < FAR);
  heads.classList.toggle("farthest", scale < FARTHEST);
}

/** The next size up (1) or down (-1) from `scale`. */
export const stepped = (scale, way) => Math.min(Math.max(scale * STEP ** way, SMALLEST), LARGEST);

/** Buttons for smaller, larger and all in sight; `scaleNow()` tells the size of the network. */
export function zoomButtons(store, scaleNow) {
  const button = (key, sign, act) => {
    const element = h("button", { onclick: act, data: { value: key } }, sign);
    setLabel(element, t(`zoom.${key}`));
    return element;
  };
  const { zoom } = store.state;
  const fit = button("fit", t("zoom.fitWord"), () => store.set({ zoom: zoom === "fit" ? null : "fit" }));
  fit.setAttribute("aria-pressed", String(zoom === "fit"));
  return h("div", { class: "choice zoom", role: "group", "aria-label": t("zoom.label") },
    button("smaller", "−", () => store.set({ zoom: stepped(scaleNow(), -1) })),
    button("larger", "+", () => store.set({ zoom: stepped(scaleNow(), 1) })), fit);
}
