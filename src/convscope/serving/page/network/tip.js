/** The small text beside the pointer: which value it points at, and how large it is. */

import { h, name } from "../dom.js";
import { t } from "../i18n.js";
import { percent, short } from "../numbers.js";
import { nodeOf, SOFTMAX } from "../state/softmax.js";
import { placeOf } from "./cursor.js";
import { sentence } from "./kinds.js";

const [ASIDE, ABOVE, EDGE] = [14, 10, 8]; // pixels from the pointer, and from the edge of the view

/**
 * Shows `place` {layer, map, y, x, value} at `point` [x, y] of the element around `tip`; hides it for null. Without a
 * value (null, while there is no picture) it describes the layer.
 */
export function showTip(tip, state, place, point) {
  tip.hidden = !place;
  if (!place) return;
  const [x, y] = point;
  const node = nodeOf(state.network, place.layer);
  const about = aboutPlace(place, node, state.network);
  tip.replaceChildren(h("b", {}, name(placeOf(node, place, state))), h("span", {}, about));
  const left = Math.min(x + ASIDE, tip.parentElement.clientWidth - tip.offsetWidth - EDGE);
  tip.style.transform = `translate(${Math.max(left, 4)}px, ${Math.max(y - tip.offsetHeight - ABOVE, 4)}px)`;
}

function aboutPlace({ layer, value }, node, network) {
  if (value === null) return sentence(node, network);
  return layer === SOFTMAX ? `${percent(value)} %` : t("network.about", { value: short(value) });
}
