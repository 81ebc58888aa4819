/** One map, large: with a marked value or window that pointer and arrow keys move. Also for vectors, as cells. */

import { cssColour, css, valuesPicture } from "../colour.js";
import { h } from "../dom.js";
import { pictureOf } from "../network/paint.js";
import { valueAt } from "../numbers.js";

const MARGIN = 6; // room for windows that reach over the edge

/**
 * `onPlace(y, x)` makes it movable. `show({layer, map, limit, box, until})` paints it: `box` is [top, left, bottom,
 * right]; values after number `until` are faded (a window that runs shows what it has made so far).
 */
export function mapBox({ size, caption, onPlace }) {
  const canvas = h("canvas", { class: `mapbox${onPlace ? " movable" : ""}`, tabindex: onPlace ? 0 : null, role: "img" });
  const text = h("figcaption", {}, caption);
  const element = h("figure", { class: "mapfigure" }, canvas, text);
  let shape = null; // {height, width, columns}
  let place = [0, 0];

  function show({ layer, map, limit, box, until, label }) {
    const vector = layer.vector;
    const n = layer.width;
    const columns = vector ? Math.min(n, Math.ceil(Math.sqrt(n * 1.6))) : layer.width;
    const rows = vector ? Math.ceil(n / columns) : layer.height;
    shape = { height: rows, width: columns, vector, n };
    const scale = size / Math.max(rows, columns);
    const [wide, tall] = [columns * scale + 2 * MARGIN, rows * scale + 2 * MARGIN];
    const ratio = devicePixelRatio;
    canvas.width = Math.round(wide * ratio);
    canvas.height = Math.round(tall * ratio);
    canvas.style.width = `${wide}px`;
    canvas.style.height = `${tall}px`;
    canvas.setAttribute("aria-label", label ?? caption);
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, MARGIN * ratio, MARGIN * ratio);
    context.imageSmoothingEnabled = false;
    if (map) {
      const picture = vector ? vectorPicture(map, n, rows, columns, limit) : pictureOf(layer, map, limit);
      context.drawImage(picture, 0, 0, columns * scale, rows * scale);
    }
    if (until !== undefined) fadeAfter(context, until, shape, scale);
    context.lineWidth = 1;
    context.strokeStyle = css(cssColour("--line"));
    context.strokeRect(-0.5, -0.5, columns * scale + 1, rows * scale + 1);
    if (!box) return;
    const [top, left, bottom, right] = vector ? cellBox(box[1], columns) : box;
    place = [top, left];
    for (const [colour, width] of [["--paper", 4], ["--mark", 2]]) {
      context.lineWidth = width;
      context.strokeStyle = css(cssColour(colour));
      context.strokeRect(left * scale, top * scale, (right - left) * scale, (bottom - top) * scale);
    }
  }

  function go(y, x) {
    if (!shape || y < 0 || x < 0 || y >= shape.height || x >= shape.width) return;
    if (!shape.vector) onPlace(y, x);
    else if (y * shape.width + x < shape.n) onPlace(0, y * shape.width + x);
  }
  if (onPlace) {
    const fromPointer = (event) => {
      const box = canvas.getBoundingClientRect();
      const scale = size / Math.max(shape.height, shape.width);
      go(Math.floor((event.clientY - box.top - MARGIN) / scale), Math.floor((event.clientX - box.left - MARGIN) / scale));
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      fromPointer(event);
    });
    canvas.addEventListener("pointermove", (event) => event.buttons === 1 && fromPointer(event));
    canvas.addEventListener("keydown", (event) => {
      const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [];
      if (down === undefined) return;
      event.preventDefault();
      go(place[0] + down, place[1] + right);
    });
  }
  return { element, canvas, show, caption: (...words) => text.replaceChildren(...words) };
}

const cellBox = (i, columns) => {
  const [row, column] = [Math.floor(i / columns), i % columns];
  return [row, column, row + 1, column + 1];
};

function vectorPicture(map, n, rows, columns, limit) {
  const values = Array.from({ length: rows * columns }, (_, i) => (i < n ? valueAt(map, i) : 0));
  return valuesPicture(values, rows, columns, limit);
}

function fadeAfter(context, until, { height, width }, scale) {
  const [row, column] = [Math.floor(until / width), until % width];
  context.fillStyle = css(cssColour("--paper"));
  context.globalAlpha = 0.82;
  context.fillRect((column + 1) * scale, row * scale, (width - column - 1) * scale, scale);
  context.fillRect(0, (row + 1) * scale, width * scale, (height - row - 1) * scale);
  context.globalAlpha = 1;
}
