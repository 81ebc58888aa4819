/** The names of the layers at the upper edge, while their heads are scrolled out of sight. */

import { h, name } from "../dom.js";
import { nodeOf } from "../state/softmax.js";
import { activateHead, ASK } from "./heads.js";
import { headText } from "./headtext.js";
import { FAR } from "./zoom.js";

export const STRIP = 20; // pixels of the names
const [SIZE, SMALLEST] = [11, 9.5]; // pixels of their letters
const TITLE = 14; // pixels of a head's first line

/**
 * Shows the names for the part in sight: {left, top, width}. The heads themselves are what a keyboard and a screen
 * reader find; these are for the eye and the pointer.
 */
export function showNames(view, { left, top, width }) {
  const { plan, scale, stuck, store } = view;
  const above = ({ y }) => top > y + ASK + TITLE / 2;
  const wanted = plan.items.filter((item) => above(item) && top < item.grid.bottom - STRIP / scale
    && item.x + item.width >= left && item.x <= left + width && (scale >= FAR || isChosen(item, store.state)));
  const key = JSON.stringify([store.state.language, scale, plan.gap, store.state.selected?.layer ?? "",
    ...wanted.map((item) => [item.id, item.x, item.width])]);
  if (stuck.dataset.key === key) return;
  stuck.dataset.key = key;
  stuck.replaceChildren(...wanted.map((item) => button(view, item)));
}

const isChosen = ({ node, block }, { selected }) => block === null && selected?.layer === node.name;

function button({ plan, scale, store }, item) {
  const { network, selected } = store.state;
  const chosen = isChosen(item, store.state);
  const lit = !selected || chosen || nodeOf(network, selected.layer)?.inputs.includes(item.node.name);
  const element = h("button", {
    class: chosen ? "chosen" : lit ? "" : "faded", tabindex: -1, title: item.block ?? item.node.name,
    onclick: () => activateHead(store, item),
  }, name(headText(item, network).title));
  if (scale < 1) element.style.fontSize = `${Math.max(SIZE * scale, SMALLEST)}px`; // as narrow as its column
  element.style.left = `${(item.x - plan.gap / 2) * scale}px`;
  element.style[scale < FAR ? "minWidth" : "width"] = `${(item.width + plan.gap) * scale}px`;
  return element;
}
