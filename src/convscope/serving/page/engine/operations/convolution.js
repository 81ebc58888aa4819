/** Convolution with stride, padding, dilation and groups, as products of kernels and windows. */

import { addRows, columnsPerBlock, copyRows, writeMatrix } from "../multiply.js";
import { depthwise, depthwiseBackward } from "./depthwise.js";
import { addWindows, windowsOf, writeWindows, writeWindowsTransposed } from "./windows.js";

function measuresOf({ settings, inputs: [maps, kernels], shape }) {
  const [channels, height, width] = maps.shape;
  const { groups } = settings;
  const [out, perGroup, ...kernel] = kernels.shape;
  const windows = windowsOf({
    settings, channels: perGroup, height, width, kernel, rows: shape[1], columns: shape[2],
  });
  const positions = shape[1] * shape[2];
  return { windows, groups, out: out / groups, positions, inputPlane: perGroup * height * width,
    inputSize: channels * height * width };
}

function addBias(data, bias, images, channels, plane) {
  for (let i = 0; i < images * channels; i += 1) data.fill(bias[i % channels], i * plane, (i + 1) * plane);
}

/** The biases, to which kernels (out x depth) times windows (depth x positions) add, block by block of positions. */
function forwardGroup(step, m, group, image, output) {
  const { multiplier, inputs: [maps, kernels, bias] } = step;
  const { windows: w, out, positions } = m;
  const block = columnsPerBlock(multiplier, w.depth, positions);
  const atB = Math.ceil((out * w.depth) / 4) * 4;
  const atC = atB + block * w.depth;
  multiplier.reserve(atC + out * block);
  const matrix = { data: kernels.data, offset: group * out * w.depth, row: w.depth, column: 1 };
  writeMatrix(multiplier, 0, matrix, out, w.depth);
  const offset = image * m.inputSize + group * m.inputPlane;
  const target = (image * m.groups + group) * out * positions;
  for (let first = 0; first < positions; first += block) {
    const end = Math.min(first + block, positions);
    writeWindows(multiplier, atB, w, maps.data, offset, first, end);
    for (let i = 0; i < out; i += 1) {
      multiplier.workspace.fill(bias ? bias.data[group * out + i] : 0, atC + i * block, atC + (i + 1) * block);
    }
    multiplier.run(0, w.depth, atB, atC, block, out, Math.ceil((end - first) / multiplier.panel), w.depth);
    copyRows(multiplier, atC, block, output, target + first, positions, out, end - first);
  }
}

/** The gradient by the windows is the transposed kernels times the gradient; windows that overlap add up. */
function inputGradient(step, m, group, image, into) {
  const { multiplier, inputs: [, kernels], gradient } = step;
  const { windows: w, out, positions } = m;
  const { panel } = multiplier;
  const block = columnsPerBlock(multiplier, Math.max(out, w.depth), positions);
  const atB = Math.ceil((out * w.depth) / 4) * 4;
  const atC = atB + block * out;
  multiplier.reserve(atC + w.depth * block);
  const matrix = { data: kernels.data, offset: group * out * w.depth, row: 1, column: w.depth };
  writeMatrix(multiplier, 0, matrix, w.depth, out);
  const source = (image * m.groups + group) * out * positions;
  for (let first = 0; first < positions; first += block) {
    const count = Math.min(block, positions - first);
    for (let k = 0; k < out; k += 1) {
      for (let i = 0; i < count; i += 1) {
        const to = atB + (i - (i % panel)) * out + k * panel + (i % panel);
        multiplier.workspace[to] = gradient[source + k * positions + first + i];
      }
    }
    multiplier.workspace.fill(0, atC, atC + w.depth * block);
    multiplier.run(0, out, atB, atC, block, w.depth, Math.ceil(count / panel), out);
    addWindows(multiplier, atC, block, w, into, image * m.inputSize + group * m.inputPlane, first, first + count);
  }
}

/** The gradient by the kernels is the gradient (out x positions) times the transposed windows, over all images. */
function kernelGradient(step, m, group, into) {
  const { multiplier, inputs: [maps], gradient, images } = step;
  const { windows: w, out, positions } = m;
  const columns = Math.ceil(w.depth / multiplier.panel) * multiplier.panel;
  const block = Math.min(positions, Math.max(Math.floor(65536 / columns), 16));
  const atA = out * columns;
  const atB = atA + Math.ceil((out * block) / 4) * 4;
  multiplier.reserve(atB + columns * block);
  multiplier.workspace.fill(0, 0, out * columns);
  for (let image = 0; image < images; image += 1) {
    const source = (image * m.groups + group) * out * positions;
    const offset = image * m.inputSize + group * m.inputPlane;
    for (let first = 0; first < positions; first += block) {
      const end = Math.min(first + block, positions);
      const matrix = { data: gradient, offset: source + first, row: positions, column: 1 };
      writeMatrix(multiplier, atA, matrix, out, end - first);
      writeWindowsTransposed(multiplier, atB, w, maps.data, offset, first, end);
      multiplier.run(atA, end - first, atB, 0, columns, out, columns / multiplier.panel, end - first);
    }
  }
  addRows(multiplier, 0, columns, into, group * out * w.depth, w.depth, out, w.depth);
}

export function addBiasGradient(gradient, into, images, channels, plane) {
  for (let i = 0; i < images * channels; i += 1) {
    let sum = 0;
    for (let j = i * plane; j < (i + 1) * plane; j += 1) sum += gradient[j];
    into[i % channels] += sum;
  }
}

const isDepthwise = (m) => m.out === 1 && m.windows.channels === 1;

export const convolution = {
  forward(step) {
    const m = measuresOf(step);
    const output = step.create();
    const { inputs: [, , bias], images, shape: [channels] } = step;
    if (bias && isDepthwise(m)) addBias(output, bias.data, images, channels, m.positions);
    for (let image = 0; image < step.images; image += 1) {
      for (let group = 0; group < m.groups; group += 1) {
        if (isDepthwise(m)) depthwise(step, m, group, image, output);
        else forwardGroup(step, m, group, image, output);
      }
    }
    return output;
  },
  backward(step) {
    const m = measuresOf(step);
    const [maps, kernels, bias] = [step.into(0), step.into(1), step.into(2)];
    if (bias) addBiasGradient(step.gradient, bias, step.images, step.shape[0], m.positions);
    for (let group = 0; group < m.groups; group += 1) {
      if (kernels && !isDepthwise(m)) kernelGradient(step, m, group, kernels);
      for (let image = 0; image < step.images; image += 1) {
        if (isDepthwise(m)) depthwiseBackward(step, m, group, image, maps, kernels);
        else if (maps) inputGradient(step, m, group, image, maps);
      }
    }
  },
};
