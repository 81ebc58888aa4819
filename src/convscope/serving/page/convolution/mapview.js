/** One map as a figure, whose values can be selected with the pointer and the arrow keys. */

import { h, pointIn } from "../dom.js";
import { MARGIN, paintMap, scaleOf } from "./paint.js";

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/**
 * `onSelect(y, x)` hears of a place below the pointer, `onArrow(down, right)` of an arrow key.
 * `show(drawing)` takes what paintMap takes, and `label` and `caption`.
 */
export function mapView({ onSelect, onArrow }) {
  const canvas = h("canvas", { class: "mapbox movable", role: "img", tabindex: 0 });
  const caption = h("figcaption", {});
  let shown = null;

  function selectBelow(event) {
    const { image: { height, width }, pad } = shown;
    const scale = scaleOf(shown);
    const place = (share, count) =>
      Math.floor((share * ((count + 2 * pad) * scale + 2 * MARGIN) - MARGIN) / scale) - pad;
    const [across, down] = pointIn(canvas, event);
    const [y, x] = [place(down, height), place(across, width)];
    if (y >= 0 && x >= 0 && y < height && x < width) onSelect(y, x);
  }
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    selectBelow(event);
  });
  canvas.addEventListener("pointermove", (event) => event.buttons === 1 && selectBelow(event));
  canvas.addEventListener("keydown", (event) => {
    if (!ARROWS[event.key]) return;
    event.preventDefault();
    onArrow(...ARROWS[event.key]);
  });

  function show(drawing) {
    shown = drawing;
    paintMap(canvas, drawing);
    canvas.setAttribute("aria-label", drawing.label);
    caption.textContent = drawing.caption;
  }
  return { element: h("figure", { class: "mapfigure" }, canvas, caption), show };
}
