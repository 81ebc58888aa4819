/** The settings of the convolution tab, and the maps that follow from them. */

import { activate, correlate, outputSize, pool, turned, windowAt } from "./compute.js";
import { CLASSIC } from "./images.js";
import { KERNELS, sizeOf } from "./kernels.js";

/** The stages of the computation, each with a map: convolution, activation, pooling. */
export const STAGES = ["conv", "act", "pool"];

/** `stage` and `place` [row, column] select the value whose calculation is shown. */
export const INITIAL = {
  source: "numbers", image: CLASSIC, kernel: KERNELS.cross, stride: 1, padding: 0, dilation: 1, border: "zeros",
  flip: false,
  activation: "relu", pooling: "none", poolSize: 2, poolStride: 2, stage: "conv", place: [0, 0], gray: false,
};

/** The window of the convolution or the pooling, as outputSize and windowAt take it. */
export function windowOf({ kernel, stride, padding, dilation, border, poolSize, poolStride }, stage) {
  if (stage === "pool") return { kernel: poolSize, stride: poolStride };
  return { kernel: sizeOf(kernel), stride, padding, dilation, border };
}

/** The weights as they lie on the image: a convolution turns the kernel first. */
export const weightsOf = ({ kernel, flip }) => (flip ? turned(kernel) : kernel);

/** {conv, act, pool}: the maps that are possible; and `problem` {stage, reason, values}, if one is not. */
export function computeMaps(settings) {
  const { image, activation, pooling } = settings;
  const problem = problemAt("conv", image, settings);
  if (problem) return { problem };
  const conv = correlate(image, weightsOf(settings), windowOf(settings, "conv"));
  const maps = activation === "none" ? { conv } : { conv, act: activate(conv, activation) };
  if (pooling === "none") return maps;
  const input = maps.act ?? conv;
  const poolProblem = problemAt("pool", input, settings);
  if (poolProblem) return { ...maps, problem: poolProblem };
  return { ...maps, pool: pool(input, pooling, windowOf(settings, "pool")) };
}

/** Why a stage is impossible for rows or columns of its input; undefined if it is possible. */
function problemAt(stage, { height, width }, settings) {
  const sizes = [height, width].map((size) => outputSize(size, windowOf(settings, stage)));
  const impossible = sizes.find(({ reason }) => reason) ?? reflected(stage, Math.min(height, width), settings);
  return impossible && { stage, ...impossible };
}

/** A border can mirror only what is there: as many rows as there are beside the outermost one. */
function reflected(stage, size, { border, padding }) {
  const isPossible = stage !== "conv" || border !== "reflect" || padding < size;
  return isPossible ? undefined : { reason: "reflect", values: { padding, size } };
}

/** The map that goes into a stage. */
export function inputOf({ image }, maps, stage) {
  if (stage === "conv") return image;
  return stage === "act" ? maps.conv : maps.act ?? maps.conv;
}

/** The input values behind the selected value, as windowAt gives them. */
export function selectedTaps(settings, maps) {
  const { stage, place: [y, x] } = settings;
  if (stage === "act") return [{ y, x, value: maps.conv.values[y * maps.conv.width + x], padded: false }];
  return windowAt(inputOf(settings, maps, stage), y, x, windowOf(settings, stage));
}
