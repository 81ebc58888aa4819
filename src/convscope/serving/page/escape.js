/** The Escape key: one step back, from a product to its value, to its map, to the layer, to the network. */

import { isVector } from "./network/layout.js";
import { SOFTMAX } from "./state/softmax.js";
import { up } from "./state/store.js";

const NO_ESCAPE = ["number", "checkbox", "radio", "range", "file"]; // inputs that do nothing with it
const OWN_ESCAPE = "input, select, textarea, dialog, [role=menu]"; // where the key belongs to the element

export function listenToEscape(store) {
  document.addEventListener("keydown", (event) => {
    const element = event.target.closest?.(OWN_ESCAPE);
    const isTaken = event.defaultPrevented || (element && !NO_ESCAPE.includes(element.type));
    if (event.key === "Escape" && !isTaken && goBack(store)) event.preventDefault();
  });
}

/** True if there was something to go back from. */
function goBack(store) {
  const { selected, why, network } = store.state;
  if (why) store.set({ why: false });
  else if (selected) store.set({ selected: oneUp(selected, network) });
  return Boolean(why || selected);
}

/** A value of a vector has no map around it, and softmax no layer. */
function oneUp(selected, network) {
  const { layer } = selected;
  const next = up(selected);
  const isWhole = layer !== SOFTMAX && !isVector(network.byName.get(layer).shape);
  if (isWhole || !next || next.y !== undefined) return next;
  return layer === SOFTMAX ? null : { layer };
}
