/**
 * One diverging scale for all numbers: blue below zero, orange above, zero in the colour of the paper. Blue and orange
 * stay apart for all common kinds of colour blindness. The scale is mixed in OKLab, so that equal steps look equal.
 */

import { fromLab, linear, toLab } from "./oklab.js";

const ENDS = {
  light: { negative: ["#7db4e6", "#0b3f86"], positive: ["#f0a562", "#a33a05"] },
  dark: { negative: ["#2b68a8", "#a5d6ff"], positive: ["#a8541a", "#ffc48f"] },
};
const STEPS = 255; // on each side of zero
const BEND = 0.85; // exponent below 1: small values are told apart a little better

const fromHex = (text) => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16));

let scale = null; // [r, g, b] of -1 to 1 in 2 * STEPS + 1 steps
let version = 0;

/** "light" or "dark", whatever chose it. */
export function themeInUse() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** A colour of style.css as [r, g, b]. */
export function cssColour(name) {
  return fromHex(getComputedStyle(document.documentElement).getPropertyValue(name).trim());
}

/** Builds the scale for the theme in use. Call it after the theme has changed. */
export function rebuildScale() {
  const paper = cssColour("--paper");
  const { negative, positive } = ENDS[themeInUse()];
  const [below, above] = [negative, positive].map((stops) => sideOfScale([paper, ...stops.map(fromHex)].map(toLab)));
  scale = [...below.slice(1).reverse(), paper, ...above.slice(1)];
  version += 1;
}

/** STEPS + 1 colours from the first of three stops through the second to the third. */
function sideOfScale(stops) {
  return Array.from({ length: STEPS + 1 }, (_, i) => {
    const place = (i / STEPS) ** BEND * 2;
    const [from, to, share] = place < 1 ? [stops[0], stops[1], place] : [stops[1], stops[2], place - 1];
    return fromLab(from.map((value, k) => value + (to[k] - value) * share));
  });
}

/** Changes whenever pictures made with the scale are out of date. */
export const scaleVersion = () => version;

/** The colour [r, g, b] of a number from -1 to 1. */
export function colourOf(share) {
  if (!scale) rebuildScale();
  const step = Math.round(Math.min(Math.max(share || 0, -1), 1) * STEPS);
  return scale[step + STEPS];
}

export const css = ([r, g, b]) => `rgb(${r} ${g} ${b})`;

/** Black or white, whichever is easier to read on a colour. */
export function inkOn([r, g, b]) {
  const light = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  return light > 0.179 ? "#000000" : "#ffffff";
}

/** Gives an element the colour of `value` as background, where `limit` has the strongest colour. */
export function tint(element, value, limit) {
  const colour = colourOf(limit ? value / limit : 0);
  element.style.backgroundColor = css(colour);
  element.style.color = inkOn(colour);
}

const pixelOf = (r, g, b) => (255 << 24) | (b << 16) | (g << 8) | r;

/** A canvas of a quantised map, a pixel for each value, where `limit` has the strongest colour. */
export function mapPicture({ data, low, high }, height, width, limit) {
  const table = Uint32Array.from({ length: 256 }, (_, level) => {
    const value = low + (level / 255) * (high - low);
    return pixelOf(...colourOf(limit ? value / limit : 0));
  });
  return picture(height, width, (pixels) => {
    for (let i = 0; i < pixels.length; i += 1) pixels[i] = table[data[i]];
  });
}

/** The same of numbers. */
export function valuesPicture(values, height, width, limit) {
  return picture(height, width, (pixels) => values.forEach((value, i) => {
    pixels[i] = pixelOf(...colourOf(limit ? value / limit : 0));
  }));
}

/** A canvas of what the network received (uint8, channels first). */
export function seenPicture({ channels, height, width, data }) {
  const n = height * width;
  const [green, blue] = channels === 3 ? [n, 2 * n] : [0, 0];
  return picture(height, width, (pixels) => {
    for (let i = 0; i < n; i += 1) pixels[i] = pixelOf(data[i], data[green + i], data[blue + i]);
  });
}

function picture(height, width, fill) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  fill(new Uint32Array(image.data.buffer));
  context.putImageData(image, 0, 0);
  return canvas;
}
