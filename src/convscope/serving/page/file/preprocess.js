/**
 * What a network sees of a picture: the same cropping, resizing and border as `convscope.data.preprocess`, within 1 of
 * 255. Only of a JPEG at least four times as high and wide as the input, single pixels differ by more: there Python
 * lets the JPEG decoder shrink the picture, which browsers do not offer.
 */

import { resized } from "./resize.js";

/** Pixels of a canvas as one plane after the other: gray, or red, green and blue. */
function planesOf({ width, height, data }, channels) {
  const area = width * height;
  const planes = new Uint8Array(channels * area);
  for (let i = 0; i < area; i += 1) {
    const at = 4 * i;
    if (channels === 3) for (let c = 0; c < 3; c += 1) planes[c * area + i] = data[at + c];
    // The weights of ITU-R BT.601, in the whole numbers that Pillow uses.
    else planes[i] = (19595 * data[at] + 38470 * data[at + 1] + 7471 * data[at + 2] + 0x8000) >> 16;
  }
  return { width, height, channels, data: planes };
}

/** Half a unit goes to the even number, as in Python. */
function round(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}

/** Which part of the picture (left, top, right, bottom) becomes which size, without bars and border. */
function partAndSize({ width, height }, { input_size: [, rows, columns], border, crop_mode: mode, crop_pct: share }) {
  const [wide, tall] = [columns - 2 * border, rows - 2 * border];
  if (mode === "center") {
    const scale = Math.max(wide / width, tall / height) / share;
    const [w, h] = [wide / scale, tall / scale];
    const [left, top] = [(width - w) / 2, (height - h) / 2];
    const box = [Math.max(left, 0), Math.max(top, 0), Math.min(left + w, width), Math.min(top + h, height)];
    return { box, size: [wide, tall] };
  }
  const box = [0, 0, width, height];
  if (mode === "squash") return { box, size: [wide, tall] };
  const scale = Math.min(wide / width, tall / height);
  return { box, size: [width, height].map((side) => Math.max(round(side * scale), 1)) };
}

function fitted(picture, preprocessing) {
  const { box, size } = partAndSize(picture, preprocessing);
  const { interpolation } = preprocessing;
  const isSmaller = box[2] - box[0] > size[0] && box[3] - box[1] > size[1];
  if (isSmaller && picture.channels === 3 && interpolation !== "nearest") {
    return resized(picture, box.map(round), size, interpolation, { short: true });
  }
  return resized(picture, box, size, interpolation, { short: false });
}

/** The network's input as uint8, channels x height x width, of a picture { width, height, data (RGBA) }. */
export function preprocess(picture, preprocessing) {
  const [channels, rows, columns] = preprocessing.input_size;
  const inner = fitted(planesOf(picture, channels), preprocessing);
  const seen = new Uint8Array(channels * rows * columns);
  const [top, left] = [Math.floor((rows - inner.height) / 2), Math.floor((columns - inner.width) / 2)];
  for (let c = 0; c < channels; c += 1) {
    for (let y = 0; y < inner.height; y += 1) {
      const from = (c * inner.height + y) * inner.width;
      seen.set(inner.data.subarray(from, from + inner.width), (c * rows + top + y) * columns + left);
    }
  }
  return seen;
}
