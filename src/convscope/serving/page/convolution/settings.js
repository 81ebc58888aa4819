/** What the playground is set to, and everything that follows from it. */

import { activate, correlate, outputSize, pool, turned, windowAt } from "./compute.js";
import { CLASSIC } from "./images.js";
import { KERNELS, sizeOf } from "./kernels.js";

export const AT_FIRST = {
  source: "numbers", image: CLASSIC, kernel: KERNELS.cross, stride: 1, padding: 0, dilation: 1, flip: false,
  activation: "relu", pooling: "none", poolSize: 2, poolStride: 2, stage: "conv", place: [0, 0], gray: false,
};

/** The window of a stage: what outputSize and windowAt take. */
export function windowOf(settings, stage) {
  const { kernel, stride, padding, dilation, poolSize, poolStride } = settings;
  return stage === "pool" ? { kernel: poolSize, stride: poolStride } : { kernel: sizeOf(kernel), stride, padding, dilation };
}

/** The kernel as it lies on the picture: a convolution turns it first. */
export const laid = ({ kernel, flip }) => (flip ? turned(kernel) : kernel);

/** {conv, act, pool}: maps as far as they are possible, and {stage, reason, values} of what is not. */
export function results(settings) {
  const { image, activation, pooling } = settings;
  const found = {};
  const impossible = (stage, input) => [input.height, input.width]
    .map((size) => outputSize(size, windowOf(settings, stage))).filter(({ reason }) => reason).map((problem) => ({ stage, ...problem }))[0];
  found.problem = impossible("conv", image);
  if (found.problem) return found;
  found.conv = correlate(image, laid(settings), windowOf(settings, "conv"));
  if (activation !== "none") found.act = activate(found.conv, activation);
  if (pooling === "none") return found;
  const input = found.act ?? found.conv;
  found.problem = impossible("pool", input);
  if (!found.problem) found.pool = pool(input, pooling, windowOf(settings, "pool"));
  return found;
}

/** What a stage gets. */
export const inputOf = (settings, made, stage) => (stage === "conv" ? settings.image : stage === "act" ? made.conv : made.act ?? made.conv);

/** The taps of the stage's window at the chosen place of its output. */
export function tapsOf(settings, made) {
  const { stage, place: [y, x] } = settings;
  if (stage === "act") return [{ y, x, value: made.conv.values[y * made.conv.width + x], padded: false }];
  return windowAt(inputOf(settings, made, stage), y, x, windowOf(settings, stage));
}
