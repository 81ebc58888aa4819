/** The presenter's spotlight: S darkens the page but for a circle around the pointer, until S, Escape or the end. */

import { h } from "./dom.js";

const OWN_LETTERS = "input, select, textarea, dialog, .board"; // where a letter belongs to the element

export function listenToSpotlight(store) {
  const light = h("div", { class: "spotlight", hidden: true, "aria-hidden": "true" });
  document.body.append(light);
  const place = ({ clientX, clientY }) => {
    light.style.setProperty("--x", `${clientX}px`);
    light.style.setProperty("--y", `${clientY}px`);
  };
  for (const kind of ["pointermove", "pointerdown"]) document.addEventListener(kind, place, { passive: true });
  store.on(["presenter"], () => (light.hidden = true));
  document.addEventListener("keydown", (event) => {
    const { key, target, ctrlKey, metaKey, altKey } = event;
    const isLetter = key.toLowerCase() === "s" && !ctrlKey && !metaKey && !altKey;
    if (isLetter && store.state.presenter && !target.closest?.(OWN_LETTERS)) light.hidden = !light.hidden;
    else if (key === "Escape" && !light.hidden) light.hidden = true;
    else return;
    event.preventDefault();
  }, { capture: true }); // before Escape goes a step back
}
