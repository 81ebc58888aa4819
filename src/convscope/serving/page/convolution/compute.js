/** The arithmetic of one map, in plain loops: what the playground shows is what is computed here. Rows lie one after another. */

/**
 * Rows that a window operation makes of `size` of them: {size}, or {reason, values}, a key below "convolution.why" and
 * what to fill in, if the setting is impossible.
 */
export function outputSize(size, { kernel, stride = 1, padding = 0, dilation = 1 }) {
  for (const [name, value] of Object.entries({ size, kernel, stride, dilation })) {
    if (value < 1) return { reason: "least", values: { name, value } };
  }
  if (padding < 0) return { reason: "padding", values: { value: padding } };
  const reach = dilation * (kernel - 1) + 1;
  const found = Math.floor((size + 2 * padding - reach) / stride) + 1;
  if (found >= 1) return { size: found };
  const reason = `${dilation > 1 ? "reach" : "large"}${padding ? "Padded" : ""}`;
  return { reason, values: { kernel, dilation, reach, size, padding } };
}

/** Turned by 180 degrees: what makes a convolution out of a correlation. */
export const turned = (kernel) => [...kernel].reverse();

/**
 * The taps of one window: [{y, x, value, padded}] row by row, where y and x are places of the image and lie outside of
 * it for padding, which counts as 0.
 */
export function windowAt({ values, height, width }, row, column, { kernel, stride = 1, padding = 0, dilation = 1 }) {
  const taps = [];
  for (let i = 0; i < kernel; i += 1) {
    for (let j = 0; j < kernel; j += 1) {
      const [y, x] = [row * stride - padding + i * dilation, column * stride - padding + j * dilation];
      const padded = y < 0 || x < 0 || y >= height || x >= width;
      taps.push({ y, x, value: padded ? 0 : values[y * width + x], padded });
    }
  }
  return taps;
}

/** `of(taps)` at every place of the window; the sizes of `window` must be possible. */
function slide(image, window, of) {
  const [height, width] = [image.height, image.width].map((size) => outputSize(size, window).size);
  const values = new Float64Array(height * width);
  for (let i = 0; i < values.length; i += 1) values[i] = of(windowAt(image, Math.floor(i / width), i % width, window));
  return { values, height, width };
}

/** The sum of products at every place: a correlation, as neural networks use it, for the kernel as it is. */
export const correlate = (image, weights, window) =>
  slide(image, window, (taps) => taps.reduce((sum, { value }, i) => sum + value * weights[i], 0));

export const POOLS = {
  max: (values) => values.reduce((most, value) => Math.max(most, value), -Infinity),
  average: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
};

/** The largest value, or the average, of every window. */
export const pool = (image, kind, window) => slide(image, window, (taps) => POOLS[kind](taps.map(({ value }) => value)));

export const LEAK = 0.01;
export const ACTIVATIONS = {
  none: (v) => v,
  relu: (v) => Math.max(v, 0),
  leaky: (v) => (v < 0 ? LEAK * v : v),
  sigmoid: (v) => 1 / (1 + Math.exp(-v)),
  tanh: Math.tanh,
};

/** A function of every single value. */
export const activate = ({ values, height, width }, kind) => ({ values: Float64Array.from(values, ACTIVATIONS[kind]), height, width });
