/** Maximum and average pooling, with fixed windows and with windows that divide the maps into a number of parts. */

/** The rows (or columns) of each window, with those that lie in the padding: [start, end of window]. */
function slidingAxis({ kernel, stride, padding, dilation = [1, 1] }, axis, count) {
  return Array.from({ length: count }, (_, i) => {
    const start = i * stride[axis] - padding[axis];
    return { start, end: start + (kernel[axis] - 1) * dilation[axis] + 1, step: dilation[axis] };
  });
}

const adaptiveAxis = (size, count) => Array.from({ length: count }, (_, i) =>
  ({ start: Math.floor((i * size) / count), end: Math.ceil(((i + 1) * size) / count), step: 1 }));

/** Only what lies inside of the maps. */
function clipped({ start, end, step }, size) {
  const first = start < 0 ? start + Math.ceil(-start / step) * step : start;
  return { start: first, end: Math.min(end, size), step };
}

function axesOf({ settings, inputs: [{ shape: [, height, width] }], shape: [, rows, columns] }) {
  if (!settings.kernel) return [adaptiveAxis(height, rows), adaptiveAxis(width, columns)];
  return [slidingAxis(settings, 0, rows), slidingAxis(settings, 1, columns)];
}

/** Call `visit(output, map, rows, columns)` for each window; `map` is where its map begins. */
function eachWindow(step, visit) {
  const { inputs: [{ shape: [, height, width] }], shape: [channels], images } = step;
  const [rows, columns] = axesOf(step);
  const insideRows = rows.map((row) => clipped(row, height));
  const insideColumns = columns.map((column) => clipped(column, width));
  let output = 0;
  for (let map = 0; map < images * channels; map += 1) {
    for (let y = 0; y < rows.length; y += 1) {
      for (let x = 0; x < columns.length; x += 1) {
        visit(output, map * height * width, insideRows[y], insideColumns[x], y, x);
        output += 1;
      }
    }
  }
}

function forwardMaximum(step) {
  const { data, shape: [, , width] } = step.inputs[0];
  const output = step.create();
  const chosen = new Int32Array(output.length);
  eachWindow(step, (to, map, rows, columns) => {
    let best = -Infinity;
    let at = map + rows.start * width + columns.start;
    for (let y = rows.start; y < rows.end; y += rows.step) {
      for (let x = columns.start; x < columns.end; x += columns.step) {
        const value = data[map + y * width + x];
        if (value > best || value !== value) {
          best = value;
          at = map + y * width + x;
        }
      }
    }
    output[to] = best;
    chosen[to] = at;
  });
  step.saved = chosen;
  return output;
}

function backwardMaximum(step) {
  const into = step.into(0);
  if (into) step.saved.forEach((at, i) => (into[at] += step.gradient[i]));
}

/** What the sum of each window is divided by: its size with or without the padding, or a given number. */
function divisors(step) {
  const { settings, inputs: [{ shape: [, height, width] }] } = step;
  const [rows, columns] = axesOf(step);
  const counted = ({ start, end }, size, padding) =>
    settings.count_padding ? Math.min(end, size + padding) - start : Math.min(end, size) - Math.max(start, 0);
  const sides = settings.padding ?? [0, 0];
  return (y, x) =>
    settings.divisor ?? counted(rows[y], height, sides[0]) * counted(columns[x], width, sides[1]);
}

function forwardAverage(step) {
  const { data, shape: [, , width] } = step.inputs[0];
  const divisor = divisors(step);
  const output = step.create();
  eachWindow(step, (to, map, rows, columns, i, j) => {
    let sum = 0;
    for (let y = rows.start; y < rows.end; y += 1) {
      for (let x = columns.start; x < columns.end; x += 1) sum += data[map + y * width + x];
    }
    output[to] = sum / divisor(i, j);
  });
  return output;
}

function backwardAverage(step) {
  const into = step.into(0);
  if (!into) return;
  const width = step.inputs[0].shape[2];
  const divisor = divisors(step);
  eachWindow(step, (from, map, rows, columns, i, j) => {
    const share = step.gradient[from] / divisor(i, j);
    for (let y = rows.start; y < rows.end; y += 1) {
      for (let x = columns.start; x < columns.end; x += 1) into[map + y * width + x] += share;
    }
  });
}

export const maxPool = { forward: forwardMaximum, backward: backwardMaximum };
export const adaptiveMaxPool = maxPool;
export const averagePool = { forward: forwardAverage, backward: backwardAverage };
export const adaptiveAveragePool = averagePool;
