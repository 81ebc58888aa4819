/** Softmax and its logarithm along one axis. */

/** Call `visit(start, step, count)` for each line of values along the axis. */
function eachLine({ shape, images, settings: { axis } }, visit) {
  const count = shape[axis];
  const distance = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const lines = (images * shape.reduce((a, b) => a * b, 1)) / count;
  for (let i = 0; i < lines; i += 1) {
    visit(Math.floor(i / distance) * count * distance + (i % distance), distance, count);
  }
}

function logSumExp(data, start, distance, count) {
  let largest = -Infinity;
  for (let i = 0; i < count; i += 1) largest = Math.max(largest, data[start + i * distance]);
  let sum = 0;
  for (let i = 0; i < count; i += 1) sum += Math.exp(data[start + i * distance] - largest);
  return largest + Math.log(sum);
}

function run(step, result) {
  const { data } = step.inputs[0];
  const output = step.create();
  eachLine(step, (start, distance, count) => {
    const total = logSumExp(data, start, distance, count);
    for (let i = start; i < start + count * distance; i += distance) output[i] = result(data[i] - total);
  });
  return output;
}

function goBack(step, factor) {
  const { output, gradient } = step;
  const into = step.into(0);
  if (!into) return;
  eachLine(step, (start, distance, count) => {
    const end = start + count * distance;
    let sum = 0;
    for (let i = start; i < end; i += distance) sum += factor.sum(gradient[i], output[i]);
    for (let i = start; i < end; i += distance) into[i] += factor.value(gradient[i], output[i], sum);
  });
}

export const softmax = {
  forward: (step) => run(step, Math.exp),
  backward: (step) => goBack(step, { sum: (g, y) => g * y, value: (g, y, sum) => y * (g - sum) }),
};

export const logSoftmax = {
  forward: (step) => run(step, (x) => x),
  backward: (step) => goBack(step, { sum: (g) => g, value: (g, y, sum) => g - Math.exp(y) * sum }),
};
