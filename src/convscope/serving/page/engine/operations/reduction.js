/** Mean, sum, largest and smallest value over one or more axes. */

import { sizeOf } from "../weights.js";

/** For each value of one image, the place in the output that it goes to. */
function targets({ inputs: [{ shape }], settings: { axes } }) {
  const size = sizeOf(shape);
  const places = new Int32Array(size);
  for (let i = 0; i < size; i += 1) {
    let rest = i;
    let distance = 1;
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      if (!axes.includes(axis)) {
        places[i] += (rest % shape[axis]) * distance;
        distance *= shape[axis];
      }
      rest = Math.floor(rest / shape[axis]);
    }
  }
  return places;
}

const sums = (mean) => ({
  forward(step) {
    const { inputs: [{ data }], size, images } = step;
    const places = targets(step);
    const totals = new Float64Array(images * size);
    for (let i = 0; i < data.length; i += 1) {
      totals[Math.floor(i / places.length) * size + places[i % places.length]] += data[i];
    }
    const count = mean ? places.length / size : 1;
    return Float32Array.from(totals, (total) => total / count);
  },
  backward(step) {
    const into = step.into(0);
    if (!into) return;
    const places = targets(step);
    const count = mean ? places.length / step.size : 1;
    for (let i = 0; i < into.length; i += 1) {
      into[i] += step.gradient[Math.floor(i / places.length) * step.size + places[i % places.length]] / count;
    }
  },
});

const extremes = (isBetter) => ({
  forward(step) {
    const { inputs: [{ data }], size } = step;
    const places = targets(step);
    const output = step.create();
    const ties = new Int32Array(output.length);
    for (let i = 0; i < data.length; i += 1) {
      const to = Math.floor(i / places.length) * size + places[i % places.length];
      if (ties[to] === 0 || isBetter(data[i], output[to])) {
        output[to] = data[i];
        ties[to] = 1;
      } else if (data[i] === output[to]) ties[to] += 1;
    }
    step.saved = ties;
    return output;
  },
  /** Equal extremes share the gradient, as in PyTorch's amax and amin. */
  backward(step) {
    const into = step.into(0);
    if (!into) return;
    const { inputs: [{ data }], size, gradient, output, saved } = step;
    const places = targets(step);
    for (let i = 0; i < into.length; i += 1) {
      const from = Math.floor(i / places.length) * size + places[i % places.length];
      if (data[i] === output[from]) into[i] += gradient[from] / saved[from];
    }
  },
});

export const reductions = {
  mean: sums(true),
  sum: sums(false),
  amax: extremes((x, best) => x > best),
  amin: extremes((x, best) => x < best),
};
