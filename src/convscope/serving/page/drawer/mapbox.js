/** One map, large: with a marked value or window that pointer and arrow keys move. Vectors are shown as cells. */

import { css, cssColour, valuesPicture } from "../colour.js";
import { fitCanvas, h, pointIn } from "../dom.js";
import { pictureOf } from "../network/paint.js";
import { valueAt } from "../numbers.js";

const MARGIN = 6; // room for windows that reach over the edge
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const WIDER = 1.6; // width for height of a vector's cells

/**
 * {element, show(what), caption(...words)}; `size` is the longer side in pixels. `onPlace(y, x)` makes the box movable.
 * show({layer, map, limit, box, until, label}) paints `map` of `layer`: `box` is [top, left, bottom, right]; values
 * after number `until` are faded (a sliding window shows what it has made so far).
 */
export function mapBox({ size, caption, onPlace }) {
  const className = onPlace ? "mapbox movable" : "mapbox";
  const canvas = h("canvas", { class: className, tabindex: onPlace ? 0 : null, role: "img" });
  const text = h("figcaption", {}, caption);
  const view = { canvas, size, onPlace, cells: null, corner: [0, 0] };
  if (onPlace) listen(view);
  return {
    element: h("figure", { class: "mapfigure" }, canvas, text),
    show(what) {
      canvas.setAttribute("aria-label", what.label ?? caption);
      show(view, what);
    },
    caption: (...words) => text.replaceChildren(...words),
  };
}

/** How the values lie: {rows, columns, count, vector, scale}, where `scale` is the pixels of a value. */
function cellsOf({ vector, width, height }, size) {
  const columns = vector ? Math.min(width, Math.ceil(Math.sqrt(width * WIDER))) : width;
  const rows = vector ? Math.ceil(width / columns) : height;
  return { rows, columns, count: vector ? width : width * height, vector, scale: size / Math.max(rows, columns) };
}

function show(view, { layer, map, limit, box, until }) {
  const cells = cellsOf(layer, view.size);
  const [wide, tall] = [cells.columns * cells.scale, cells.rows * cells.scale];
  const context = fitCanvas(view.canvas, wide + 2 * MARGIN, tall + 2 * MARGIN);
  context.clearRect(0, 0, wide + 2 * MARGIN, tall + 2 * MARGIN);
  context.translate(MARGIN, MARGIN);
  context.imageSmoothingEnabled = false;
  if (map) context.drawImage(pictureFor(layer, map, limit, cells), 0, 0, wide, tall);
  if (until !== undefined) fadeAfter(context, until, cells);
  frame(context, "--line", 1, [-0.5, -0.5, wide + 1, tall + 1]);
  view.cells = cells;
  if (!box) return;
  const [top, left, bottom, right] = cells.vector ? cellBox(box[1], cells.columns) : box;
  view.corner = [top, left];
  const rectangle = [left, top, right - left, bottom - top].map((value) => value * cells.scale);
  frame(context, "--paper", 4, rectangle);
  frame(context, "--mark", 2, rectangle);
}

function frame(context, colour, thick, rectangle) {
  context.lineWidth = thick;
  context.strokeStyle = css(cssColour(colour));
  context.strokeRect(...rectangle);
}

function cellBox(i, columns) {
  const [row, column] = [Math.floor(i / columns), i % columns];
  return [row, column, row + 1, column + 1];
}

function pictureFor(layer, map, limit, { vector, rows, columns, count }) {
  if (!vector) return pictureOf(layer, map, limit);
  const values = Array.from({ length: rows * columns }, (_, i) => (i < count ? valueAt(map, i) : 0));
  return valuesPicture(values, rows, columns, limit);
}

function fadeAfter(context, until, { rows, columns, scale }) {
  const [row, column] = [Math.floor(until / columns), until % columns];
  context.fillStyle = css(cssColour("--paper"));
  context.globalAlpha = 0.82;
  context.fillRect((column + 1) * scale, row * scale, (columns - column - 1) * scale, scale);
  context.fillRect(0, (row + 1) * scale, columns * scale, (rows - row - 1) * scale);
  context.globalAlpha = 1;
}

function listen(view) {
  const { canvas } = view;
  const followPointer = (event) => { // by shares of the canvas, which may be shown smaller than it is painted
    const { scale, rows, columns } = view.cells;
    const cellAt = (share, count) => Math.floor((share * (count * scale + 2 * MARGIN) - MARGIN) / scale);
    const [x, y] = pointIn(canvas, event);
    moveTo(view, cellAt(y, rows), cellAt(x, columns));
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    followPointer(event);
  });
  canvas.addEventListener("pointermove", (event) => event.buttons === 1 && followPointer(event));
  canvas.addEventListener("keydown", (event) => {
    if (!ARROWS[event.key]) return;
    const [down, right] = ARROWS[event.key];
    event.preventDefault();
    moveTo(view, view.corner[0] + down, view.corner[1] + right);
  });
}

function moveTo({ cells, onPlace }, y, x) {
  if (!cells || y < 0 || x < 0 || y >= cells.rows || x >= cells.columns) return;
  if (!cells.vector) onPlace(y, x);
  else if (y * cells.columns + x < cells.count) onPlace(0, y * cells.columns + x);
}
