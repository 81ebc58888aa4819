/** Keeps the keyboard's focus when what has it is made anew or hidden: else the next key would begin at the top. */

import { onceAFrame } from "./dom.js";

const FOCUSABLE = "a[href], button:not(:disabled), select, input:not(:disabled), textarea, [tabindex]";

const labelOf = (element) => element.getAttribute("aria-label") ?? element.textContent;
const isShown = (element) => element.isConnected && element.checkVisibility({ visibilityProperty: true });

/** What is focused, as it can be found again: {element, label, places: [{ancestor, index}]}, inner ones first. */
function placeOf(element) {
  const places = [];
  for (let at = element.parentElement; at && at !== document.body; at = at.parentElement) {
    places.push({ ancestor: at, index: [...at.querySelectorAll(FOCUSABLE)].indexOf(element) });
  }
  return { element, label: labelOf(element), places };
}

/** What stands now for something that is gone: the same words nearby, else what is in its place; null for nothing. */
function successorOf({ element, label, places }) {
  for (const { ancestor, index } of places.filter((place) => isShown(place.ancestor))) {
    const all = [...ancestor.querySelectorAll(FOCUSABLE)].filter((other) => other.tabIndex >= 0 && isShown(other));
    const alike = all.filter((other) => other.tagName === element.tagName && labelOf(other) === label);
    const found = alike[0] ?? all[Math.min(index, all.length - 1)];
    if (found) return found;
  }
  return null;
}

export function keepFocus() {
  let last = null;
  const check = () => {
    if (!last || document.activeElement !== document.body) return; // that is all, nearly always
    const now = isShown(last.element) ? last.element : successorOf(last); // it was disabled for a while, or it is gone
    now?.focus({ preventScroll: true });
  };
  document.addEventListener("focusin", ({ target }) => (last = placeOf(target)));
  document.addEventListener("pointerdown", () => (last = null), true); // beside everything means nowhere
  document.addEventListener("keydown", check, true);
  // The browser takes the focus out of what is hidden when it paints, which is awaited.
  new MutationObserver(onceAFrame(() => setTimeout(check))).observe(document.body, { childList: true, subtree: true });
}
