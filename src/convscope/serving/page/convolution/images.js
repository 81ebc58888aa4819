/** Pictures to slide over: numbers to edit, and everything else as gray values from 0 (black) to 1 (white). */

const LONGEST = 72; // pixels of a picture's longer side: every value can still be found

/** The 5 x 5 picture with which many explanations of convolution begin. */
export const CLASSIC = { height: 5, width: 5, values: [1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0] };

/** Numbers of another size: what fits is kept, the rest is 0. */
export function resizedNumbers({ values, height, width }, size) {
  const keep = (y, x) => (y < height && x < width ? values[y * width + x] : 0);
  return { height: size, width: size, values: Array.from({ length: size * size }, (_, i) => keep(Math.floor(i / size), i % size)) };
}

/** What the network saw (uint8, channels first), as gray. */
export function seenImage({ channels, height, width, data }) {
  const n = height * width;
  const gray = (i) => (channels === 3 ? 0.299 * data[i] + 0.587 * data[n + i] + 0.114 * data[2 * n + i] : data[i]) / 255;
  return shrunk({ height, width, values: Array.from({ length: n }, (_, i) => gray(i)) });
}

function shrunk(image) {
  if (Math.max(image.height, image.width) <= LONGEST) return image;
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: image.width, height: image.height });
  const pixels = new ImageData(image.width, image.height);
  image.values.forEach((value, i) => pixels.data.set([value * 255, value * 255, value * 255, 255], 4 * i));
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
  context.fillStyle = "#fff"; // below what is transparent
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const gray = (i) => (0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2]) / 255;
  return { height, width, values: Array.from({ length: height * width }, (_, i) => gray(i)) };
}
