/** How a map is painted: its padding, its cells with their numbers, and the marks of the window and the selection. */

import { colourOf, css, cssColour, inkOn } from "../colour.js";
import { cell as cellText } from "../numbers.js";
import { valueWithBorder } from "./compute.js";

const CELL_WITH_NUMBER = 22; // pixels that a cell needs for its number
const LARGEST_TEXT = 15;
const HATCH = 6; // pixels between the lines of the padding
/** Pixels around the map, for frames that lie on its edge. */
export const MARGIN = 5;

/** Pixels of a cell, so that the map with its padding fits into `size`. */
export const scaleOf = ({ image, pad, size }) => size / (Math.max(image.height, image.width) + 2 * pad);

/**
 * Paints `drawing` on a canvas, which gets the size that it needs:
 *   image, size    the map {values, height, width}, and the pixels of its longer side
 *   pad            cells of padding around it
 *   border         what stands in the padding (compute.js)
 *   limit, gray    the value of the strongest colour; or gray values from 0 (black) to 1 (white)
 *   colours        [r, g, b] of each value instead
 *   window         the taps [{y, x}] of the window: a frame around all, and one around each where they lie apart
 *   chosen         [y, x] of the tap that max pooling takes
 *   selected       [y, x] of the selected value
 *   until          the number of the last value that the sliding window has reached
 */
export function paintMap(canvas, drawing) {
  const { image, pad } = drawing;
  const scale = scaleOf(drawing);
  const context = resize(canvas, (image.width + 2 * pad) * scale, (image.height + 2 * pad) * scale);
  context.translate(pad * scale, pad * scale);
  if (pad && (drawing.border ?? "zeros") !== "zeros") paintBorder(context, drawing, scale);
  if (pad) paintPadding(context, image, pad, scale);
  paintCells(context, drawing, scale);
  paintMarks(context, drawing, scale);
}

/** Makes the canvas `width` x `height` CSS pixels and a margin large; the origin lies inside of the margin. */
function resize(canvas, width, height) {
  const [fullWidth, fullHeight] = [width + 2 * MARGIN, height + 2 * MARGIN];
  canvas.width = Math.round(fullWidth * devicePixelRatio);
  canvas.height = Math.round(fullHeight * devicePixelRatio);
  canvas.style.width = `${fullWidth}px`;
  canvas.style.height = `${fullHeight}px`;
  const context = canvas.getContext("2d");
  context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, MARGIN * devicePixelRatio, MARGIN * devicePixelRatio);
  return context;
}

/** What stands around the image, pale. */
function paintBorder(context, { image, pad, border, limit, gray }, scale) {
  const [height, width] = [image.height + 2 * pad, image.width + 2 * pad];
  const valueAt = (i) => valueWithBorder(image, Math.floor(i / width) - pad, (i % width) - pad, border);
  const values = Array.from({ length: height * width }, (_, i) => valueAt(i));
  const colours = values.map(gray ? shade : (value) => colourOf(limit ? value / limit : 0));
  context.globalAlpha = 0.55;
  context.imageSmoothingEnabled = false;
  const pixels = pixelsOf({ height, width }, colours, Infinity);
  context.drawImage(pixels, -pad * scale, -pad * scale, width * scale, height * scale);
  context.globalAlpha = 1;
}

/** The padding around the image is hatched, so that nobody takes it for a part of it. */
function paintPadding(context, image, pad, scale) {
  const [left, top] = [-pad * scale, -pad * scale];
  const [width, height] = [(image.width + 2 * pad) * scale, (image.height + 2 * pad) * scale];
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  context.strokeStyle = css(cssColour("--line"));
  context.lineWidth = 1;
  context.beginPath();
  for (let x = left - height; x < left + width; x += HATCH) {
    context.moveTo(x, top + height);
    context.lineTo(x + height, top);
  }
  context.rect(left + 0.5, top + 0.5, width - 1, height - 1);
  context.stroke();
  context.restore();
}

const shade = (value) => Array(3).fill(Math.round(Math.min(Math.max(value, 0), 1) * 255));

function paintCells(context, { image, limit, gray, colours: given, until = Infinity }, scale) {
  const colourOfValue = gray ? shade : (value) => colourOf(limit ? value / limit : 0);
  const colours = given ?? Array.from(image.values, colourOfValue);
  const withNumbers = scale >= CELL_WITH_NUMBER;
  context.imageSmoothingEnabled = false;
  context.drawImage(pixelsOf(image, colours, until), 0, 0, image.width * scale, image.height * scale);
  if (withNumbers) paintNumbers(context, image, colours, until, scale);
  paintLines(context, image, withNumbers, scale);
}

/** A canvas with a pixel per value; those after number `until` stay transparent. */
function pixelsOf({ height, width }, colours, until) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const pixels = new ImageData(width, height);
  colours.forEach((colour, i) => i <= until && pixels.data.set([...colour, 255], 4 * i));
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

function paintNumbers(context, { values, width }, colours, until, scale) {
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = `${Math.min(scale * 0.36, LARGEST_TEXT)}px ${getComputedStyle(document.body).fontFamily}`;
  values.forEach((value, i) => {
    if (i > until) return;
    context.fillStyle = inkOn(colours[i]);
    const [x, y] = [(i % width) + 0.5, Math.floor(i / width) + 0.5];
    context.fillText(cellText(value).replace(/\.00$/, ""), x * scale, y * scale);
  });
}

/** Lines between cells with numbers, else one frame around the map. */
function paintLines(context, { height, width }, between, scale) {
  context.strokeStyle = css(cssColour("--line"));
  context.lineWidth = 1;
  context.beginPath();
  if (between) {
    for (let y = 0; y <= height; y += 1) context.rect(0, y * scale, width * scale, 0);
    for (let x = 0; x <= width; x += 1) context.rect(x * scale, 0, 0, height * scale);
  } else context.rect(0, 0, width * scale, height * scale);
  context.stroke();
}

function paintMarks(context, { window, chosen, selected }, scale) {
  const frame = (x, y, width, height, line = 2.5) => {
    for (const [colour, lineWidth] of [["--paper", line + 2], ["--mark", line]]) {
      context.lineWidth = lineWidth;
      context.strokeStyle = css(cssColour(colour));
      context.strokeRect(x * scale, y * scale, width * scale, height * scale);
    }
  };
  if (window) {
    const [rows, columns] = [window.map(({ y }) => y), window.map(({ x }) => x)];
    const [top, left] = [Math.min(...rows), Math.min(...columns)];
    const [height, width] = [Math.max(...rows) - top + 1, Math.max(...columns) - left + 1];
    const apart = window.length < height * width;
    if (apart) for (const { y, x } of window) frame(x + 0.08, y + 0.08, 0.84, 0.84, Math.min(1.5, scale / 6));
    frame(left, top, width, height);
  }
  if (chosen) frame(chosen[1] + 0.1, chosen[0] + 0.1, 0.8, 0.8);
  if (selected) frame(selected[1], selected[0], 1, 1);
}
