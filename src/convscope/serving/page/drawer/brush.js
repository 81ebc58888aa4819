/** A brush that covers parts of the picture: circles in the network's own pixels, added while the pointer is down. */

import { pointIn } from "../dom.js";
import { withCircle } from "../state/whatif.js";

const PART = 12; // the radius is this part of the picture's longer side

export function listenToBrush(canvas, store) {
  const paint = (event) => {
    const { network, whatif } = store.state;
    const [, height, width] = network.input_size;
    const [x, y] = pointIn(canvas, event);
    const [row, column] = [Math.floor(y * height), Math.floor(x * width)];
    const radius = Math.max(Math.round(Math.max(height, width) / PART), 1);
    const isNear = (other) => Math.hypot(other.row - row, other.column - column) < radius / 2;
    if (!whatif.occlude.some(isNear)) store.set({ whatif: withCircle(whatif, { row, column, radius }) });
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    paint(event);
  });
  canvas.addEventListener("pointermove", (event) => event.buttons === 1 && paint(event));
}
