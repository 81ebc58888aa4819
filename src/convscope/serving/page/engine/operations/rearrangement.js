/** Operations that only put numbers elsewhere: reshaping, slicing, permuting, padding, concatenation. */

import { sizeOf } from "../weights.js";
import { identity } from "./dropout.js";

export const reshape = identity;

/** Call `visit(output, place)` for each value of one image: output `i` comes from `place`, by the distances of axes. */
function eachStrided({ offset, strides }, shape, visit) {
  const last = shape.length - 1;
  const rowLength = shape[last] ?? 1;
  const rows = sizeOf(shape) / rowLength;
  const step = strides[last] ?? 0;
  let output = 0;
  for (let row = 0; row < rows; row += 1) {
    let rest = row;
    let place = offset;
    for (let axis = last - 1; axis >= 0; axis -= 1) {
      place += (rest % shape[axis]) * strides[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    for (let i = 0; i < rowLength; i += 1) {
      visit(output, place);
      output += 1;
      place += step;
    }
  }
}

/** Call `copy(output, input)` for each value of the whole batch; `visitPlaces` gives those of one image. */
function eachOfBatch({ inputs: [{ data }], images, size }, visitPlaces, copy) {
  const perImage = data.length / images;
  for (let n = 0; n < images; n += 1) {
    visitPlaces((output, place) => {
      if (place >= 0) copy(n * size + output, n * perImage + place);
    });
  }
}

function moving(placesOf, background = () => 0) {
  return {
    forward(step) {
      const { data } = step.inputs[0];
      const output = step.create().fill(background(step));
      eachOfBatch(step, placesOf(step), (to, from) => {
        output[to] = data[from];
      });
      return output;
    },
    backward(step) {
      const into = step.into(0);
      if (!into) return;
      const { gradient } = step;
      eachOfBatch(step, placesOf(step), (from, to) => {
        into[to] += gradient[from];
      });
    },
  };
}

export const strided = moving(({ settings, shape }) => (visit) => eachStrided(settings, shape, visit));

export const gather = moving(({ inputs: [, index] }) => (visit) => index.data.forEach((place, i) => visit(i, place)));

/** A border around the axes, or, where a side is negative, less of them. */
export const pad = moving(
  ({ inputs: [{ shape: inner }], settings: { before }, shape }) => (visit) => {
    for (let i = 0; i < sizeOf(shape); i += 1) {
      let rest = i;
      let place = 0;
      let distance = 1;
      for (let axis = shape.length - 1; axis >= 0 && place >= 0; axis -= 1) {
        const at = (rest % shape[axis]) - before[axis];
        rest = Math.floor(rest / shape[axis]);
        place = at >= 0 && at < inner[axis] ? place + at * distance : -1;
        distance *= inner[axis];
      }
      visit(i, place);
    }
  },
  ({ settings }) => settings.value,
);

/** Call `visit(input, from, to, count)` for each stretch of each input. */
function eachPart({ inputs, shape, settings: { axis }, images }, visit) {
  const behind = sizeOf(shape.slice(axis + 1));
  const before = images * sizeOf(shape.slice(0, axis));
  const whole = shape[axis] * behind;
  let start = 0;
  inputs.forEach((input, i) => {
    const count = input.shape[axis] * behind;
    for (let row = 0; row < before; row += 1) visit(i, row * count, row * whole + start, count);
    start += count;
  });
}

export const concatenate = {
  forward(step) {
    const output = step.create();
    eachPart(step, (i, from, to, count) => output.set(step.inputs[i].data.subarray(from, from + count), to));
    return output;
  },
  backward(step) {
    const intos = step.inputs.map((_, i) => step.into(i));
    eachPart(step, (i, from, to, count) => {
      if (!intos[i]) return;
      for (let j = 0; j < count; j += 1) intos[i][from + j] += step.gradient[to + j];
    });
  },
};
