/** Transposed convolution: every input spreads its kernels around itself. */

import { addBiasGradient } from "./convolution.js";
import { eachStretch, windowsOf } from "./windows.js";

/** It is the backward pass of a convolution from its output to its input, whose windows these are. */
function measuresOf({ settings, inputs: [maps, kernels], shape }) {
  const [channels, rows, columns] = maps.shape;
  const [, perGroup, ...kernel] = kernels.shape;
  const windows = windowsOf({ settings, channels: perGroup, height: shape[1], width: shape[2], kernel, rows, columns });
  return { windows, groups: settings.groups, into: channels / settings.groups, positions: rows * columns,
    outputSize: shape[0] * shape[1] * shape[2], outputPlane: perGroup * shape[1] * shape[2] };
}

/** Call `visit(weight, input, output, count)` for each stretch that a weight connects; outputs are `strideX` apart. */
function eachConnection(m, images, visit) {
  const { windows: w, positions } = m;
  for (let image = 0; image < images; image += 1) {
    for (let group = 0; group < m.groups; group += 1) {
      const target = image * m.outputSize + group * m.outputPlane;
      for (let i = 0; i < m.into; i += 1) {
        const channel = group * m.into + i;
        const source = (image * m.groups * m.into + channel) * positions;
        eachStretch(w, 0, positions, (k, position, to, count) =>
          visit(channel * w.depth + k, source + position, target + to, count));
      }
    }
  }
}

export const transposedConvolution = {
  forward(step) {
    const { inputs: [maps, kernels, bias], images, shape } = step;
    const m = measuresOf(step);
    const output = step.create();
    const plane = shape[1] * shape[2];
    if (bias) {
      for (let i = 0; i < images * shape[0]; i += 1) output.fill(bias.data[i % shape[0]], i * plane, (i + 1) * plane);
    }
    eachConnection(m, images, (k, from, to, count) => {
      const weight = kernels.data[k];
      for (let i = 0; i < count; i += 1) output[to + i * m.windows.strideX] += weight * maps.data[from + i];
    });
    return output;
  },
  backward(step) {
    const { inputs: [maps, kernels], images, shape, gradient } = step;
    const m = measuresOf(step);
    const [intoMaps, intoKernels, intoBias] = [step.into(0), step.into(1), step.into(2)];
    if (intoBias) addBiasGradient(gradient, intoBias, images, shape[0], shape[1] * shape[2]);
    eachConnection(m, images, (k, from, to, count) => {
      const weight = kernels.data[k];
      let sum = 0;
      for (let i = 0; i < count; i += 1) {
        const arriving = gradient[to + i * m.windows.strideX];
        sum += arriving * maps.data[from + i];
        if (intoMaps) intoMaps[from + i] += weight * arriving;
      }
      if (intoKernels) intoKernels[k] += sum;
    });
  },
};
