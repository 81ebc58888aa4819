/** The drawing in the store: {kind: "drawing", strokes, ink}, and what the tools do to it. */

import { centred } from "./strokes.js";

/** The drawing, or null while another picture or none is chosen. */
export const drawingOf = ({ source }) => (source?.kind === "drawing" ? source : null);

/** "chalk", light on dark, or "ink", dark on light. */
export const inkOf = (state) => drawingOf(state)?.ink ?? "chalk";

export function setStrokes(store, strokes, ink = inkOf(store.state)) {
  store.set({ source: strokes.length ? { kind: "drawing", strokes, ink } : null });
}

function change(store, changed) {
  const drawing = drawingOf(store.state);
  if (drawing) setStrokes(store, changed(drawing.strokes));
}

export const undo = (store) => change(store, (strokes) => strokes.slice(0, -1));
export const clear = (store) => setStrokes(store, []);
export const centre = (store) => change(store, centred);

export function invert(store) {
  const drawing = drawingOf(store.state);
  if (drawing) setStrokes(store, drawing.strokes, drawing.ink === "ink" ? "chalk" : "ink");
}
