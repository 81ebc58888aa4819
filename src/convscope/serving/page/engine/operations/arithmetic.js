/** Operations on two inputs, value by value: sums, products, powers, with the broadcasting of NumPy and PyTorch. */

import { sizeOf } from "../weights.js";

/** Distances in an input of values that are neighbours along each axis of the output; 0 where it is repeated. */
function distances(input, shape) {
  const found = new Array(shape.length).fill(0);
  let distance = 1;
  for (let axis = input.shape.length - 1; axis >= 0; axis -= 1) {
    if (input.shape[axis] > 1) found[axis + shape.length - input.shape.length] = distance;
    distance *= input.shape[axis];
  }
  return found;
}

/**
 * For an input of another shape than the output, the place of the value behind each value of one image's output; null
 * where they lie in the same order.
 */
function placesIn(input, shape) {
  const size = sizeOf(shape);
  if (sizeOf(input.shape) === size) return null;
  const steps = distances(input, shape);
  const places = new Int32Array(size);
  for (let i = 0; i < size; i += 1) {
    let rest = i;
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      places[i] += (rest % shape[axis]) * steps[axis];
      rest = Math.floor(rest / shape[axis]);
    }
  }
  return places;
}

/** The two inputs with how far one image's values are from the next one's. */
function operandsOf({ inputs, shape }) {
  return inputs.map((input) => ({
    data: input.data, places: placesIn(input, shape), perImage: input.batched ? sizeOf(input.shape) : 0,
  }));
}

const isPlain = ({ places, perImage }) => places === null && perImage > 0;

function forward(step, value) {
  const { size, images } = step;
  const [a, b] = operandsOf(step);
  const output = step.create();
  if (isPlain(a) && isPlain(b)) {
    for (let i = 0; i < output.length; i += 1) output[i] = value(a.data[i], b.data[i]);
    return output;
  }
  for (let n = 0; n < images; n += 1) {
    for (let i = 0; i < size; i += 1) {
      const x = a.data[n * a.perImage + (a.places ? a.places[i] : i)];
      output[n * size + i] = value(x, b.data[n * b.perImage + (b.places ? b.places[i] : i)]);
    }
  }
  return output;
}

/** `byFirst(x, y, out)` and `bySecond` are the derivatives. */
function backward(step, byFirst, bySecond) {
  const { size, images, gradient, output } = step;
  const [a, b] = operandsOf(step);
  const [intoA, intoB] = [step.into(0), step.into(1)];
  for (let n = 0; n < images; n += 1) {
    for (let i = 0; i < size; i += 1) {
      const at = n * size + i;
      const atA = n * a.perImage + (a.places ? a.places[i] : i);
      const atB = n * b.perImage + (b.places ? b.places[i] : i);
      if (intoA) intoA[atA] += gradient[at] * byFirst(a.data[atA], b.data[atB], output[at]);
      if (intoB) intoB[atB] += gradient[at] * bySecond(a.data[atA], b.data[atB], output[at]);
    }
  }
}

const operation = (value, byFirst, bySecond) => ({
  forward: (step) => forward(step, value),
  backward: (step) => backward(step, byFirst, bySecond),
});

export const arithmetic = {
  add: operation((x, y) => x + y, () => 1, () => 1),
  subtract: operation((x, y) => x - y, () => 1, () => -1),
  multiply: operation((x, y) => x * y, (x, y) => y, (x) => x),
  divide: operation((x, y) => x / y, (x, y) => 1 / y, (x, y, out) => -out / y),
  pow: operation((x, y) => x ** y, (x, y) => y * x ** (y - 1), (x, y, out) => out * Math.log(x)),
  // Of two equal ones each gets half of the gradient, as in PyTorch.
  maximum: operation(Math.max, (x, y) => (x > y ? 1 : x === y ? 0.5 : 0), (x, y) => (y > x ? 1 : x === y ? 0.5 : 0)),
  minimum: operation(Math.min, (x, y) => (x < y ? 1 : x === y ? 0.5 : 0), (x, y) => (y < x ? 1 : x === y ? 0.5 : 0)),
  prelu: operation((x, slope) => (x > 0 ? x : slope * x), (x, slope) => (x > 0 ? 1 : slope), (x) => (x > 0 ? 0 : x)),
};
