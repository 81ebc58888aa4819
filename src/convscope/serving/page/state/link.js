/** The part of the state that a link holds, to and from location.hash. */

import { GRID } from "../input/strokes.js";

const DIGITS = 36; // base of the numbers in a link; a coordinate has two digits

/** Strokes in 0..1 as text: separated by ".", each one letter for its tool, then four characters per point. */
function packStrokes(strokes) {
  const pack = (v) => Math.round(v * GRID).toString(DIGITS).padStart(2, "0");
  return strokes.map(({ tool, points }) => tool[0] + points.map(([x, y]) => pack(x) + pack(y)).join("")).join(".");
}

/** Strokes from text; what cannot be read is left out. */
function unpackStrokes(text) {
  return text.split(".").flatMap((part) => {
    const points = [];
    for (let i = 1; i + 4 <= part.length; i += 4) {
      points.push([part.slice(i, i + 2), part.slice(i + 2, i + 4)].map((c) => parseInt(c, DIGITS) / GRID));
    }
    const fine = points.length && points.flat().every((v) => v >= 0 && v <= 1);
    return fine ? [{ tool: part[0] === "e" ? "eraser" : "pen", points }] : [];
  });
}

/** The state as text for location.hash, without "#". */
export function toHash(state) {
  const link = new URLSearchParams();
  if (state.classifier) link.set("model", state.classifier);
  if (state.source?.kind === "example") link.set("example", state.source.id);
  if (state.source?.kind === "drawing" && state.source.strokes.length) {
    link.set("strokes", packStrokes(state.source.strokes));
    if (state.source.ink === "ink") link.set("ink", "1");
  }
  if (state.selected) {
    const { layer, map, y, x } = state.selected;
    link.set("at", [layer, map, y, x].filter((part) => part !== undefined).join("~"));
  }
  if (state.tab !== "network") link.set("tab", state.tab);
  if (state.three) link.set("3d", "1");
  if (state.tab === "lesson" && state.step) link.set("step", String(state.step + 1));
  if (state.scale !== "layer") link.set("scale", state.scale);
  link.set("lang", state.language);
  if (state.theme !== "auto") link.set("theme", state.theme);
  return link.toString();
}

/** The changes of the state that a location.hash asks for. */
export function fromHash(hash) {
  const link = new URLSearchParams(hash.replace(/^#/, ""));
  const state = {};
  const oneOf = (key, name, values) => values.includes(link.get(key)) && (state[name] = link.get(key));
  oneOf("lang", "language", ["en", "zh"]);
  oneOf("theme", "theme", ["light", "dark"]);
  oneOf("scale", "scale", ["map", "layer", "network"]);
  oneOf("tab", "tab", ["convolution", "training", "lesson"]);
  if (link.get("3d")) state.three = true;
  if (/^[1-9]\d?$/.test(link.get("step") ?? "")) state.step = Number(link.get("step")) - 1;
  if (link.get("model")) state.classifier = link.get("model");
  if (link.get("example")) state.source = { kind: "example", id: link.get("example") };
  if (link.get("strokes")) {
    const strokes = unpackStrokes(link.get("strokes"));
    state.source = { kind: "drawing", strokes, ink: link.get("ink") ? "ink" : "chalk" };
  }
  const [layer, ...place] = (link.get("at") ?? "").split("~");
  const [map, y, x] = place.map(Number);
  if (layer && place.every((part) => /^\d+$/.test(part))) {
    state.selected = { layer, ...(place.length > 0 && { map }), ...(place.length > 2 && { y, x }) };
  }
  return state;
}
