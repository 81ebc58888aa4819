/** Numbers that fly to where they count, for people who want motion: factors into their product, that into its sum. */

import { h, stillness } from "../dom.js";
import { paced } from "../pace.js";

const DURATION = 450; // milliseconds of one flight

/** Copies of the texts of `from` elements fly to the element `to`; resolves when they are there. */
export async function fly(from, to) {
  if (stillness()) return;
  const target = to?.getBoundingClientRect();
  const flights = from.filter((one) => one?.isConnected && target?.width).map((one) => {
    const start = one.getBoundingClientRect();
    const copy = h("span", { class: "flying", "aria-hidden": "true" }, one.textContent);
    Object.assign(copy.style, { left: `${start.left}px`, top: `${start.top}px` });
    document.body.append(copy);
    const way = `translate(${target.left - start.left}px, ${target.top - start.top}px)`;
    const flight = copy.animate([{ transform: "none" }, { transform: way, opacity: 0.4 }],
      { duration: paced(DURATION), easing: "ease-in-out" });
    return flight.finished.finally(() => copy.remove());
  });
  await Promise.all(flights);
}
