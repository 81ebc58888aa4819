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
export async function blobImage(blob) {
  const bitmap = await createImageBitmap(blob);
  const image = readCanvas(bitmap);
  bitmap.close();
  return image;
}

function readCanvas(source) {
  const scale = Math.min(1, LONGEST / Math.max(source.width, source.height));
  const [width, height] = [source.width, source.height].map((size) => Math.max(1, Math.round(size * scale)));
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff"; // behind transparent pixels
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const gray = (i) => luma(data[4 * i], data[4 * i + 1], data[4 * i + 2]);
  return { height, width, values: Array.from({ length: height * width }, (_, i) => gray(i)) };
}
