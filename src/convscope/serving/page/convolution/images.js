/** Pictures for the convolution tab: numbers to edit, and all others as gray values from 0 (black) to 1 (white). */

const LONGEST = 72; // pixels of a picture's longer side: small enough to point at a single one

/** The 5 x 5 picture with which many explanations of convolution begin. */
export const CLASSIC = {
  height: 5, width: 5, values: [1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0],
};

/** A square picture of `size` rows: the numbers that fit are kept, the others are 0. */
export function resizedNumbers({ values, height, width }, size) {
  const keep = (y, x) => (y < height && x < width ? values[y * width + x] : 0);
  const kept = Array.from({ length: size * size }, (_, i) => keep(Math.floor(i / size), i % size));
  return { height: size, width: size, values: kept };
}

/** Red, green and blue from 0 to 255 -> gray from 0 to 1, weighted as in ITU-R BT.601. */
const luma = (red, green, blue) => (0.299 * red + 0.587 * green + 0.114 * blue) / 255;

/** The input image of the network (uint8, channels first), as gray. */
export function seenImage({ channels, height, width, data }) {
  const n = height * width;
  const gray = channels === 3 ? (i) => luma(data[i], data[n + i], data[2 * n + i]) : (i) => data[i] / 255;
  return shrunk({ height, width, values: Array.from({ length: n }, (_, i) => gray(i)) });
}

function shrunk(image) {
  if (Math.max(image.height, image.width) <= LONGEST) return image;
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: image.width, height: image.height });
  const pixels = new ImageData(image.width, image.height);
  image.values.forEach((value, i) => pixels.data.set([...Array(3).fill(value * 255), 255], 4 * i));
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return readCanvas(canvas);
}

/** Any picture that the browser can read (a Blob). */
export const blobImage = (blob) => fromBlob(blob, readCanvas);

/** The same in colour: {height, width, channels, colours} (see coloursOf). */
export const colourImage = (blob) => fromBlob(blob, (bitmap) => coloursOf(pixelsIn(bitmap)));

/** The input image of the network in colour; of a gray one, all channels are the same. */
export function seenColours({ channels, height, width, data }) {
  const n = height * width;
  const starts = channels === 3 ? [0, n, 2 * n] : [0, 0, 0];
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const pixels = new ImageData(width, height);
  for (let i = 0; i < n; i += 1) pixels.data.set([...starts.map((start) => data[start + i]), 255], 4 * i);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return coloursOf(pixelsIn(canvas));
}

async function fromBlob(blob, read) {
  const bitmap = await createImageBitmap(blob);
  const image = read(bitmap);
  bitmap.close();
  return image;
}

/** `channels`: maps of red, green and blue from 0 to 255; `colours`: [r, g, b] of each pixel. */
function coloursOf({ height, width, data }) {
  const colours = Array.from({ length: height * width }, (_, i) => [...data.slice(4 * i, 4 * i + 3)]);
  const channels = [0, 1, 2].map((c) => ({ height, width, values: colours.map((colour) => colour[c]) }));
  return { height, width, channels, colours };
}

function readCanvas(source) {
  const { height, width, data } = pixelsIn(source);
  const gray = (i) => luma(data[4 * i], data[4 * i + 1], data[4 * i + 2]);
  return { height, width, values: Array.from({ length: height * width }, (_, i) => gray(i)) };
}

/** {height, width, data}: red, green, blue and 255 of each pixel, with no side longer than LONGEST. */
function pixelsIn(source) {
  const scale = Math.min(1, LONGEST / Math.max(source.width, source.height));
  const [width, height] = [source.width, source.height].map((size) => Math.max(1, Math.round(size * scale)));
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff"; // behind transparent pixels
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, width, height);
  return { height, width, data: context.getImageData(0, 0, width, height).data };
}
