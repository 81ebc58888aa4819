/** The picture and the heat maps over it. */

import { css, cssColour, seenPicture, themeInUse, valuesPicture } from "../colour.js";

const SIZE = 168; // pixels of the longer side
const LINES = 0.32; // opacity of the picture over a heat map

export function paintPicture(canvas, seen) {
  prepared(canvas, seen).drawImage(seenPicture(seen), 0, 0, canvas.width, canvas.height);
}

/**
 * A heat map in the page's scale, where `limit` has the strongest colour, with the picture's own lines through it so
 * that one sees where it lies.
 */
export function paintHeat(canvas, seen, { values, height, width }, limit) {
  const context = prepared(canvas, seen);
  const draw = (picture) => context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  context.fillStyle = css(cssColour("--paper"));
  context.fillRect(0, 0, canvas.width, canvas.height);
  draw(valuesPicture(values, height, width, limit));
  context.globalAlpha = LINES;
  draw(linesOf(seen));
  context.globalAlpha = 1;
}

/** The canvas, empty and as large as the picture is shown. */
function prepared(canvas, { height, width }) {
  const scale = SIZE / Math.max(height, width);
  canvas.width = Math.round(width * scale * devicePixelRatio);
  canvas.height = Math.round(height * scale * devicePixelRatio);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = scale < 2;
  return context;
}

/** The picture in gray, inverted where its ground would hide the paper. */
function linesOf({ channels, height, width, data }) {
  const n = height * width;
  const luma = (i) => 0.3 * data[i] + 0.59 * data[n + i] + 0.11 * data[2 * n + i];
  const gray = Uint8Array.from({ length: n }, (_, i) => (channels === 3 ? luma(i) : data[i]));
  const isDark = gray.reduce((sum, v) => sum + v, 0) / n < 128;
  const inverted = isDark === (themeInUse() === "light");
  return seenPicture({ channels: 1, height, width, data: inverted ? gray.map((v) => 255 - v) : gray });
}
