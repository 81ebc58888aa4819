/** Strokes from pointer events, with all points that the browser took together for one frame. */

import { pointIn } from "../dom.js";
import { drawingOf, setStrokes } from "./drawing.js";
import { addPoint } from "./strokes.js";

const ERASER_END = 32; // `buttons` of a pen that is held the other way round

/** Draws with `view.tool` on `view.board`, as long as no other picture is chosen. */
export function listenToPen(view) {
  const { board, store } = view;
  let stroke = null; // {tool, points, id of the pointer, before: the strokes below it} while it is drawn
  board.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || (store.state.source && !drawingOf(store.state))) return;
    board.setPointerCapture(event.pointerId);
    const tool = view.tool === "eraser" || event.buttons === ERASER_END ? "eraser" : "pen";
    stroke = { tool, points: [], id: event.pointerId, before: drawingOf(store.state)?.strokes ?? [] };
    extend(view, stroke, event);
  });
  board.addEventListener("pointermove", (event) => stroke?.id === event.pointerId && extend(view, stroke, event));
  for (const end of ["pointerup", "pointercancel"]) {
    board.addEventListener(end, (event) => stroke?.id === event.pointerId && (stroke = null));
  }
}

function extend({ board, store }, { tool, points, before }, event) {
  const together = event.getCoalescedEvents?.() ?? [];
  const added = (together.length ? together : [event]).filter((one) => addPoint(points, ...pointIn(board, one)));
  if (added.length) setStrokes(store, [...before, { tool, points: [...points] }]);
}
