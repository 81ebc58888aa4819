/** Strokes and numbers as short text that a link can hold, and back; null for text that is not such a thing. */

import { GRID } from "../input/strokes.js";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE = LETTERS.length;
const HALF = BASE / 2;
const JUMP = LETTERS[0]; // instead of a step: a place follows, since the next point is far away
const OLD_DIGITS = 36; // base of the first links, in which every point was written as a place
const TOOLS = { p: "pen", e: "eraser" };

const place = (v) => LETTERS[Math.floor(v / BASE)] + LETTERS[v % BASE];
const isNear = (step) => step > -HALF && step < HALF;

/** Strokes with coordinates in 0..1: one letter for the tool, the first place, then the steps from point to point. */
export function packStrokes(strokes) {
  return strokes.map(({ tool, points }) => {
    const cells = points.map((point) => point.map((v) => Math.round(v * GRID)));
    const parts = cells.map(([x, y], i) => {
      if (i === 0) return place(x) + place(y);
      const [right, down] = [x - cells[i - 1][0], y - cells[i - 1][1]];
      if (isNear(right) && isNear(down)) return LETTERS[right + HALF] + LETTERS[down + HALF];
      return JUMP + place(x) + place(y);
    });
    return tool[0] + parts.join("");
  }).join(".");
}

export function unpackStrokes(text) {
  const strokes = text.split(".").map(unpackStroke);
  return strokes.includes(null) ? null : strokes;
}

function unpackStroke(text) {
  const tool = TOOLS[text[0]];
  const points = [];
  let at = 1;
  const next = () => LETTERS.indexOf(text[at++] ?? " ");
  const nextPlace = () => next() * BASE + next();
  while (at < text.length) {
    if (points.length === 0) points.push([nextPlace(), nextPlace()]);
    else if (text[at] === JUMP) {
      at += 1;
      points.push([nextPlace(), nextPlace()]);
    } else {
      const [x, y] = points.at(-1);
      points.push([x + next() - HALF, y + next() - HALF]);
    }
  }
  const fine = tool && at === text.length && points.length && points.flat().every((v) => v >= 0 && v <= GRID);
  return fine ? { tool, points: points.map((point) => point.map((v) => v / GRID)) } : null;
}

/** The strokes of the first links: four characters per point. */
export function unpackOldStrokes(text) {
  const strokes = text.split(".").map((part) => {
    const numbers = (part.slice(1).match(/../g) ?? []).map((two) => parseInt(two, OLD_DIGITS) / GRID);
    const points = Array.from({ length: numbers.length / 2 }, (_, i) => numbers.slice(2 * i, 2 * i + 2));
    const fine = TOOLS[part[0]] && points.length && numbers.every((v) => v >= 0 && v <= 1);
    return fine ? { tool: TOOLS[part[0]], points } : null;
  });
  return strokes.includes(null) ? null : strokes;
}

/** Numbers as the network holds them, in single precision: base64 for addresses. */
export function packNumbers(values) {
  const bytes = new Uint8Array(Float32Array.from(values).buffer);
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function unpackNumbers(text) {
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    const values = Array.from(new Float32Array(bytes.buffer), shortest);
    return values.every(Number.isFinite) ? values : null;
  } catch {
    return null;
  }
}

/** The number with the fewest digits that single precision holds as this value: 0.1 instead of 0.10000000149. */
function shortest(value) {
  for (let digits = 1; digits < 9; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}
