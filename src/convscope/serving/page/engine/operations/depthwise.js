/** Convolution in which each map has a kernel of its own: too little work for a matrix product. */

import { inside } from "./windows.js";

/** Call `visit(k, y, to, from, count)`: weight k is used for `count` outputs from `to` on, of inputs from `from` on. */
function eachRow(w, visit) {
  for (let ky = 0, k = 0; ky < w.kernelY; ky += 1) {
    for (let kx = 0; kx < w.kernelX; kx += 1, k += 1) {
      const [left, right] = inside(w, kx);
      if (right <= left) continue;
      const x = left * w.strideX - w.paddingX + kx * w.dilationX;
      for (let row = 0; row < w.rows; row += 1) {
        const y = row * w.strideY - w.paddingY + ky * w.dilationY;
        if (y >= 0 && y < w.height) visit(k, row * w.columns + left, y * w.width + x, right - left);
      }
    }
  }
}

export function depthwise({ inputs: [maps, kernels] }, m, group, image, output) {
  const w = m.windows;
  const source = image * m.inputSize + group * m.inputPlane;
  const target = (image * m.groups + group) * m.positions;
  const { data } = maps;
  const { strideX } = w;
  eachRow(w, (k, to, from, count) => {
    const weight = kernels.data[group * w.depth + k];
    let at = source + from;
    for (let i = target + to; i < target + to + count; i += 1) {
      output[i] += weight * data[at];
      at += strideX;
    }
  });
}

export function depthwiseBackward({ inputs: [maps, kernels], gradient }, m, group, image, intoMaps, intoKernels) {
  const w = m.windows;
  const source = image * m.inputSize + group * m.inputPlane;
  const target = (image * m.groups + group) * m.positions;
  const { strideX } = w;
  eachRow(w, (k, to, from, count) => {
    const weight = kernels.data[group * w.depth + k];
    let at = source + from;
    let sum = 0;
    for (let i = target + to; i < target + to + count; i += 1) {
      sum += gradient[i] * maps.data[at];
      if (intoMaps) intoMaps[at] += weight * gradient[i];
      at += strideX;
    }
    if (intoKernels) intoKernels[group * w.depth + k] += sum;
  });
}
