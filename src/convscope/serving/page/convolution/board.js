/** One map of exact values: painted large, numbers written into cells that have the room, with a window to move over it. */

import { colourOf, css, cssColour, inkOn } from "../colour.js";
import { h } from "../dom.js";
import { cell as cellText } from "../numbers.js";

const WITH_NUMBERS = 22; // pixels that a cell needs for its number
const MARGIN = 5;

/**
 * `onPlace(y, x)` makes places choosable. show({image, pad, limit, gray, window, marked, until, label}): `image` {values,
 * height, width}; `pad` cells around it; `window` {top, left, taps}: a box around all taps, which are marked one by
 * one where they lie apart; `marked` [y, x] one value; cells after number `until` are not there yet.
 */
export function board({ onPlace }) {
  const canvas = h("canvas", { class: `mapbox${onPlace ? " movable" : ""}`, role: "img", tabindex: onPlace ? 0 : null });
  const caption = h("figcaption", {});
  const element = h("figure", { class: "mapfigure" }, canvas, caption);
  let shown = null;

  function show(what) {
    const { image, pad = 0, size } = what;
    const [rows, columns] = [image.height + 2 * pad, image.width + 2 * pad];
    const scale = size / Math.max(rows, columns);
    shown = { ...what, pad, scale };
    const ratio = devicePixelRatio;
    const [wide, tall] = [columns * scale + 2 * MARGIN, rows * scale + 2 * MARGIN];
    canvas.width = Math.round(wide * ratio);
    canvas.height = Math.round(tall * ratio);
    canvas.style.width = `${wide}px`;
    canvas.style.height = `${tall}px`;
    canvas.setAttribute("aria-label", what.label);
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, (MARGIN + pad * scale) * ratio, (MARGIN + pad * scale) * ratio);
    if (pad) paintPadding(context, shown);
    paintCells(context, shown);
    paintMarks(context, shown);
    caption.textContent = what.caption;
  }

  function go(y, x) {
    if (shown && y >= 0 && x >= 0 && y < shown.image.height && x < shown.image.width) onPlace(y, x);
  }
  if (onPlace) {
    const fromPointer = (event) => {
      const box = canvas.getBoundingClientRect();
      const place = (at) => Math.floor((at - MARGIN) / shown.scale) - shown.pad;
      go(place(event.clientY - box.top), place(event.clientX - box.left));
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
      const [y, x] = shown.marked ?? [0, 0];
      go(y + down, x + right);
    });
  }
  return { element, show };
}

/** A pixel a value; those after number `until` are left transparent. */
function picture({ height, width }, colours, until) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const pixels = new ImageData(width, height);
  colours.forEach((colour, i) => i <= until && pixels.data.set([...colour, 255], 4 * i));
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

const shade = (value) => Array(3).fill(Math.round(Math.min(Math.max(value, 0), 1) * 255));

function paintCells(context, { image, scale, limit, gray, until = Infinity }) {
  const written = scale >= WITH_NUMBERS;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = `${Math.min(scale * 0.36, 15)}px ${getComputedStyle(document.body).fontFamily}`;
  const colours = Array.from(image.values, (value) => (gray ? shade(value) : colourOf(limit ? value / limit : 0)));
  context.imageSmoothingEnabled = false;
  context.drawImage(picture(image, colours, until), 0, 0, image.width * scale, image.height * scale);
  if (written) image.values.forEach((value, i) => {
    if (i > until) return;
    context.fillStyle = inkOn(colours[i]);
    context.fillText(cellText(value).replace(/\.00$/, ""), ((i % image.width) + 0.5) * scale, (Math.floor(i / image.width) + 0.5) * scale);
  });
  context.strokeStyle = css(cssColour("--line"));
  context.lineWidth = 1;
  context.beginPath();
  if (written) {
    for (let y = 0; y <= image.height; y += 1) context.rect(0, y * scale, image.width * scale, 0);
    for (let x = 0; x <= image.width; x += 1) context.rect(x * scale, 0, 0, image.height * scale);
  } else context.rect(0, 0, image.width * scale, image.height * scale);
  context.stroke();
}

/** The zeros around: hatched, so that nobody takes them for a part of the picture. */
function paintPadding(context, { image, pad, scale }) {
  const [left, top] = [-pad * scale, -pad * scale];
  const [wide, tall] = [(image.width + 2 * pad) * scale, (image.height + 2 * pad) * scale];
  context.save();
  context.beginPath();
  context.rect(left, top, wide, tall);
  context.clip();
  context.strokeStyle = css(cssColour("--line"));
  context.lineWidth = 1;
  context.beginPath();
  for (let at = left - tall; at < left + wide; at += 6) {
    context.moveTo(at, top + tall);
    context.lineTo(at + tall, top);
  }
  context.rect(left + 0.5, top + 0.5, wide - 1, tall - 1);
  context.stroke();
  context.restore();
}

function paintMarks(context, { scale, window, marked, chosen }) {
  const frame = (x, y, wide, tall, width = 2.5) => {
    for (const [colour, thick] of [["--paper", width + 2], ["--mark", width]]) {
      context.lineWidth = thick;
      context.strokeStyle = css(cssColour(colour));
      context.strokeRect(x * scale, y * scale, wide * scale, tall * scale);
    }
  };
  if (window) {
    const [rows, columns] = [window.map(({ y }) => y), window.map(({ x }) => x)];
    const [top, left] = [Math.min(...rows), Math.min(...columns)];
    const [tall, wide] = [Math.max(...rows) - top + 1, Math.max(...columns) - left + 1];
    if (window.length < tall * wide) for (const { y, x } of window) frame(x + 0.08, y + 0.08, 0.84, 0.84, Math.min(1.5, scale / 6));
    frame(left, top, wide, tall);
  }
  if (chosen) frame(chosen[1] + 0.1, chosen[0] + 0.1, 0.8, 0.8);
  if (marked) frame(marked[1], marked[0], 1, 1);
}
