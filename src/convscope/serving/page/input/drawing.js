/** The drawing in the store: {kind: "drawing", strokes, ink}, and what the tools do to it. */

import { centred } from "./strokes.js";

/** The drawing, or null while another picture or none is chosen. */
export const drawingOf = ({ source }) => (source?.kind === "drawing" ? source : null);

/** "chalk", light on dark, or "ink", dark on light. */
export const inkOf = (state) => drawingOf(state)?.ink ?? "chalk";

/** Where nothing but an eraser has been, there is no drawing. */
export function setStrokes(store, strokes, ink = inkOf(store.state)) {
  const isDrawn = strokes.some(({ tool }) => tool !== "eraser");
  if (isDrawn || store.state.source) store.set({ source: isDrawn ? { kind: "drawing", strokes, ink } : null });
}

function change(store, changed) {
  const drawing = drawingOf(store.state);
  if (drawing) setStrokes(store, changed(drawing.strokes));
}

let cleared = null; // the drawing that was cleared last, until something else is drawn

export const canUndo = (state) => Boolean(drawingOf(state) ?? (state.source ? null : cleared));

/** Takes back the last stroke, or the clearing of the board. */
export function undo(store) {
  if (!store.state.source && cleared) store.set({ source: cleared });
  else change(store, (strokes) => strokes.slice(0, -1));
}

export function clear(store) {
  cleared = drawingOf(store.state);
  setStrokes(store, []);
}
export const centre = (store) => change(store, centred);

export function invert(store) {
  const drawing = drawingOf(store.state);
  if (drawing) setStrokes(store, drawing.strokes, drawing.ink === "ink" ? "chalk" : "ink");
}
