/** The arithmetic of the convolution tab, in plain loops. A map is {values, height, width}, its values row by row. */

/**
 * The rows (or columns) that a window operation makes of `size` of them: {size}; or, if the setting is impossible,
 * {reason, values}: a key below "convolution.why" and what to fill into its sentence.
 */
export function outputSize(size, { kernel, stride = 1, padding = 0, dilation = 1 }) {
  for (const [name, value] of Object.entries({ size, kernel, stride, dilation })) {
    if (value < 1) return { reason: "least", values: { name, value } };
  }
  if (padding < 0) return { reason: "padding", values: { value: padding } };
  const reach = dilation * (kernel - 1) + 1;
  const output = Math.floor((size + 2 * padding - reach) / stride) + 1;
  if (output >= 1) return { size: output };
  const reason = `${dilation > 1 ? "reach" : "large"}${padding ? "Padded" : ""}`;
  return { reason, values: { kernel, dilation, reach, size, padding } };
}

/** A kernel turned by 180 degrees: the difference between a convolution and a correlation. */
export const turned = (kernel) => [...kernel].reverse();

/** What stands for a place outside of `size` rows: the nearest row, or the one as far inside; null for a zero. */
const BORDERS = {
  zeros: () => null,
  replicate: (at, size) => Math.min(Math.max(at, 0), size - 1),
  reflect: (at, size) => (at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at),
};
export const BORDER_MODES = Object.keys(BORDERS);

/** The value at a place that may lie outside of an image, by the mode of its border. */
export function valueWithBorder({ values, height, width }, y, x, border) {
  if (y >= 0 && x >= 0 && y < height && x < width) return values[y * width + x];
  const [row, column] = [BORDERS[border](y, height), BORDERS[border](x, width)];
  return row === null ? 0 : values[row * width + column];
}

/**
 * The taps of the window behind one output value: [{y, x, value, padded}] row by row. y and x are a place of the image;
 * they lie outside of it for padding, whose values follow from the mode of the border.
 */
export function windowAt(image, row, column, { kernel, stride = 1, padding = 0, dilation = 1, border = "zeros" }) {
  const { height, width } = image;
  const taps = [];
  for (let i = 0; i < kernel; i += 1) {
    for (let j = 0; j < kernel; j += 1) {
      const [y, x] = [row * stride - padding + i * dilation, column * stride - padding + j * dilation];
      const padded = y < 0 || x < 0 || y >= height || x >= width;
      taps.push({ y, x, value: valueWithBorder(image, y, x, border), padded });
    }
  }
  return taps;
}

/** `compute(taps)` at every place of the window, whose sizes must be possible. */
function slide(image, window, compute) {
  const [height, width] = [image.height, image.width].map((size) => outputSize(size, window).size);
  const values = new Float64Array(height * width);
  for (let i = 0; i < values.length; i += 1) {
    values[i] = compute(windowAt(image, Math.floor(i / width), i % width, window));
  }
  return { values, height, width };
}

/** The sum of products at every place: a correlation, which is what layers called convolution compute. */
export const correlate = (image, weights, window) =>
  slide(image, window, (taps) => taps.reduce((sum, { value }, i) => sum + value * weights[i], 0));

const POOLS = {
  max: (values) => values.reduce((most, value) => Math.max(most, value), -Infinity),
  sum: (values) => values.reduce((sum, value) => sum + value, 0),
  average: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
};

/** The largest value, the sum or the average of the values of a window. */
export const pooled = (kind, values) => POOLS[kind](values);

/** The same of every window. */
export const pool = (image, kind, window) =>
  slide(image, window, (taps) => POOLS[kind](taps.map(({ value }) => value)));

/** The slope of Leaky ReLU below zero. */
export const LEAK = 0.01;

const ACTIVATIONS = {
  relu: (v) => Math.max(v, 0),
  leaky: (v) => (v < 0 ? LEAK * v : v),
  sigmoid: (v) => 1 / (1 + Math.exp(-v)),
  tanh: Math.tanh,
};

/** An activation function of every value. */
export const activate = ({ values, height, width }, kind) =>
  ({ values: Float64Array.from(values, ACTIVATIONS[kind]), height, width });
