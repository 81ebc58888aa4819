/** Local response normalisation: divided by the activity of neighbouring maps at the same place, as in PyTorch. */

import { sizeOf } from "../weights.js";

/** For each value, k + alpha / size * the sum of squares of the maps around its own. */
function denominators({ inputs: [{ data }], settings: { size, alpha, k }, shape, images }) {
  const plane = sizeOf(shape.slice(1));
  const [before, behind] = [Math.floor(size / 2), Math.floor((size - 1) / 2)];
  const found = new Float64Array(data.length).fill(k);
  for (let n = 0; n < images; n += 1) {
    for (let c = 0; c < shape[0]; c += 1) {
      const to = (n * shape[0] + c) * plane;
      for (let other = Math.max(c - before, 0); other <= Math.min(c + behind, shape[0] - 1); other += 1) {
        const from = (n * shape[0] + other) * plane;
        for (let i = 0; i < plane; i += 1) found[to + i] += (alpha / size) * data[from + i] ** 2;
      }
    }
  }
  return found;
}

export const localResponseNorm = {
  forward(step) {
    const { inputs: [{ data }], settings: { beta } } = step;
    const output = step.create();
    step.saved = denominators(step);
    for (let i = 0; i < output.length; i += 1) output[i] = data[i] * step.saved[i] ** -beta;
    return output;
  },
  backward(step) {
    const { inputs: [{ data }], settings: { size, alpha, beta }, shape, images, gradient, saved } = step;
    const into = step.into(0);
    if (!into) return;
    const plane = sizeOf(shape.slice(1));
    const [before, behind] = [Math.floor(size / 2), Math.floor((size - 1) / 2)];
    for (let n = 0; n < images; n += 1) {
      for (let c = 0; c < shape[0]; c += 1) {
        const from = (n * shape[0] + c) * plane;
        for (let i = 0; i < plane; i += 1) into[from + i] += gradient[from + i] * saved[from + i] ** -beta;
        for (let other = Math.max(c - before, 0); other <= Math.min(c + behind, shape[0] - 1); other += 1) {
          const to = (n * shape[0] + other) * plane;
          for (let i = 0; i < plane; i += 1) {
            const at = from + i;
            const common = gradient[at] * data[at] * -beta * saved[at] ** (-beta - 1);
            into[to + i] += ((common * 2 * alpha) / size) * data[to + i];
          }
        }
      }
    }
  },
};
