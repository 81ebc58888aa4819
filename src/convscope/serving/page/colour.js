/**
 * One diverging scale for all that is a number: blue below zero, orange above, zero the paper's colour. Blue and orange
 * stay apart for all common kinds of colour blindness. Mixed in OKLab, so that equal steps look equal.
 */

const ENDS = {
  light: { negative: ["#7db4e6", "#0b3f86"], positive: ["#f0a562", "#a33a05"] },
  dark: { negative: ["#2b68a8", "#a5d6ff"], positive: ["#a8541a", "#ffc48f"] },
};
const STEPS = 255; // on each side of zero

const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const gamma = (c) => (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055);

function toLab([r, g, b]) {
  [r, g, b] = [r, g, b].map((c) => linear(c / 255));
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
}

function fromLab([L, a, b]) {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s, -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s]
    .map((c) => Math.round(Math.min(Math.max(gamma(Math.min(Math.max(c, 0), 1)), 0), 1) * 255));
}

const hex = (text) => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16));

let scale = null; // rgb of -1..1 in 2 * STEPS + 1 steps
let version = 0;

/** "light" or "dark", whatever chose it. */
export function themeInUse() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** A colour of style.css as [r, g, b]. */
export function cssColour(name) {
  return hex(getComputedStyle(document.documentElement).getPropertyValue(name).trim());
}

/** Builds the scale for the theme in use. Call it after the theme has changed. */
export function rebuildScale() {
  const paper = toLab(cssColour("--paper"));
  const ends = ENDS[themeInUse()];
  const side = ([middle, end]) => {
    const stops = [paper, toLab(hex(middle)), toLab(hex(end))];
    return Array.from({ length: STEPS + 1 }, (_, i) => {
      const t = (i / STEPS) ** 0.85 * 2;
      const [from, to] = t < 1 ? [stops[0], stops[1]] : [stops[1], stops[2]];
      const share = t < 1 ? t : t - 1;
      return fromLab(from.map((v, k) => v + (to[k] - v) * share));
    });
  };
  const [negative, positive] = [side(ends.negative), side(ends.positive)];
  scale = [...negative.slice(1).reverse(), cssColour("--paper"), ...positive.slice(1)];
  version += 1;
}

/** Changes whenever pictures made with the scale are out of date. */
export const scaleVersion = () => version;

/** A number from -1 to 1 -> [r, g, b]. */
export function colourOf(share) {
  if (!scale) rebuildScale();
  const step = Math.round(Math.min(Math.max(share || 0, -1), 1) * STEPS);
  return scale[step + STEPS];
}

export const css = ([r, g, b]) => `rgb(${r} ${g} ${b})`;

/** Black or white, whichever is easier to read on a colour. */
export function inkOn([r, g, b]) {
  const light = 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  return light > 0.2 ? "#10151c" : "#ffffff";
}

/** Paints an element's background with the colour of `value`, where `limit` is the strongest. */
export function tint(element, value, limit) {
  const colour = colourOf(limit ? value / limit : 0);
  element.style.backgroundColor = css(colour);
  element.style.color = inkOn(colour);
}

/** A quantised map -> a canvas of its size, where `limit` is the strongest colour. */
export function mapPicture({ data, low, high }, height, width, limit) {
  const table = new Uint32Array(256);
  for (let q = 0; q < 256; q += 1) {
    const value = low + (q / 255) * (high - low);
    const [r, g, b] = colourOf(limit ? value / limit : 0);
    table[q] = (255 << 24) | (b << 16) | (g << 8) | r;
  }
  return picture(height, width, (pixels) => data.forEach((q, i) => (pixels[i] = table[q])));
}

/** Numbers -> a canvas. */
export function valuesPicture(values, height, width, limit) {
  return picture(height, width, (pixels) => values.forEach((value, i) => {
    const [r, g, b] = colourOf(limit ? value / limit : 0);
    pixels[i] = (255 << 24) | (b << 16) | (g << 8) | r;
  }));
}

/** What the network saw (uint8, channels first) -> a canvas. */
export function seenPicture({ channels, height, width, data }) {
  const n = height * width;
  const channel = (c) => (channels === 3 ? c * n : 0);
  return picture(height, width, (pixels) => {
    for (let i = 0; i < n; i += 1) {
      const [r, g, b] = [0, 1, 2].map((c) => data[channel(c) + i]);
      pixels[i] = (255 << 24) | (b << 16) | (g << 8) | r;
    }
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
