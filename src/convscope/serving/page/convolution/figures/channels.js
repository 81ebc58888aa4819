/** A convolution over several channels: each has a kernel of its own; what they make is added up, and a bias. */

import { correlate, windowAt } from "../compute.js";

/** What each kernel makes of its own channel: a map for each. `channels` are maps, `kernels` lists of weights. */
export const partsOf = (channels, kernels, window) =>
  channels.map((channel, c) => correlate(channel, kernels[c], window));

/** The map that the parts add up to, with the bias. */
export function addedUp(parts, bias) {
  const { height, width } = parts[0];
  const sumAt = (i) => parts.reduce((sum, { values }) => sum + values[i], bias);
  return { values: Float64Array.from({ length: height * width }, (_, i) => sumAt(i)), height, width };
}

/** For each channel the numbers behind one value: {taps, products, sum}. */
export function workingAt(channels, kernels, [y, x], window) {
  return channels.map((channel, c) => {
    const taps = windowAt(channel, y, x, window);
    const products = taps.map(({ value }, i) => value * kernels[c][i]);
    return { taps, products, sum: products.reduce((sum, product) => sum + product, 0) };
  });
}
