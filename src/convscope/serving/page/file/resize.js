/**
 * Resizing with a filter that widens as the picture shrinks, so that no pixel is left out: that of Pillow, with the
 * same rounding of the weights and between rows and columns, and with `short` weights that of torch on bytes.
 */

const LONG_BITS = 22; // Pillow's weights are whole numbers of 2^-22
const MOST_SHORT = 1 << 15; // torch's fit into 16 bits, as fine as that allows

const triangle = (x) => Math.max(1 - Math.abs(x), 0);

function cubic(value) {
  const [x, a] = [Math.abs(value), -0.5];
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

const FILTERS = { bilinear: { weight: triangle, radius: 1 }, bicubic: { weight: cubic, radius: 2 } };
const awayFromZero = (value) => Math.trunc(value + (value < 0 ? -0.5 : 0.5));

/** For each of `count` pixels, from where it is taken, and the weights there: [{ first, weights }]. */
function taps(inSize, from, to, count, { weight, radius }) {
  const scale = (to - from) / count;
  const wide = Math.max(scale, 1);
  const support = radius * wide;
  return Array.from({ length: count }, (_, i) => {
    const centre = from + (i + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - support + 0.5), 0);
    const end = Math.min(Math.trunc(centre + support + 0.5), inSize);
    const weights = Array.from({ length: end - first }, (__, j) => weight((first + j - centre + 0.5) / wide));
    const total = weights.reduce((a, b) => a + b, 0);
    return { first, weights: weights.map((one) => one / total) };
  });
}

function shortBits(all) {
  const largest = Math.max(...all.map(({ weights }) => Math.max(...weights)));
  let bits = 0;
  while (bits < LONG_BITS && Math.trunc(0.5 + largest * 2 ** (bits + 1)) < MOST_SHORT) bits += 1;
  return bits;
}

/** Weights as whole numbers; `bits` says of how fine a unit. */
function whole(all, short) {
  const bits = short ? shortBits(all) : LONG_BITS;
  const unit = 2 ** bits;
  return { unit, all: all.map(({ first, weights }) =>
    ({ first, weights: Float64Array.from(weights, (one) => awayFromZero(one * unit)) })) };
}

const toByte = (sum, unit) => Math.min(Math.max(Math.floor((sum + unit / 2) / unit), 0), 255);

/** Planes of `rows` x `columns`, with the columns (`across`) or the rows combined by the weights. */
function combined({ data, channels, width, height }, { unit, all }, across) {
  const [columns, rows] = across ? [all.length, height] : [width, all.length];
  const result = new Uint8Array(channels * rows * columns);
  const step = across ? 1 : width;
  for (let c = 0; c < channels; c += 1) {
    for (let y = 0; y < rows; y += 1) {
      for (let x = 0; x < columns; x += 1) {
        const { first, weights } = all[across ? x : y];
        let at = c * width * height + (across ? y * width + first : first * width + x);
        let sum = 0;
        for (let j = 0; j < weights.length; j += 1, at += step) sum += data[at] * weights[j];
        result[(c * rows + y) * columns + x] = toByte(sum, unit);
      }
    }
  }
  return { data: result, channels, width: columns, height: rows };
}

function nearest({ data, channels, width, height }, [left, top, right, bottom], [columns, rows]) {
  const result = new Uint8Array(channels * rows * columns);
  const place = (i, from, to, count) => Math.floor(from + ((i + 0.5) * (to - from)) / count);
  for (let i = 0; i < result.length; i += 1) {
    const c = Math.floor(i / (rows * columns));
    const y = place(Math.floor(i / columns) % rows, top, bottom, rows);
    result[i] = data[(c * height + y) * width + place(i % columns, left, right, columns)];
  }
  return { data: result, channels, width: columns, height: rows };
}

function cut({ data, channels, width, height }, [left, top, right, bottom]) {
  const [columns, rows] = [right - left, bottom - top];
  const result = new Uint8Array(channels * rows * columns);
  for (let c = 0; c < channels; c += 1) {
    for (let y = 0; y < rows; y += 1) {
      const from = (c * height + top + y) * width + left;
      result.set(data.subarray(from, from + columns), (c * rows + y) * columns);
    }
  }
  return { data: result, channels, width: columns, height: rows };
}

/**
 * The part `box` (left, top, right, bottom) of a picture { width, height, channels, data: plane after plane } in
 * another `size` [width, height]. Where the filter reaches out of the box, Pillow takes what lies there; torch is given
 * the box only.
 */
export function resized(picture, box, size, interpolation, { short }) {
  if (interpolation === "nearest") return nearest(picture, box, size);
  const source = short ? cut(picture, box) : picture;
  const [left, top, right, bottom] = short ? [0, 0, source.width, source.height] : box;
  const filter = FILTERS[interpolation];
  const isWhole = (from, to, side, count) => from === 0 && to === side && side === count;
  let result = source;
  if (!isWhole(left, right, source.width, size[0])) {
    result = combined(result, whole(taps(source.width, left, right, size[0], filter), short), true);
  }
  if (!isWhole(top, bottom, source.height, size[1])) {
    result = combined(result, whole(taps(source.height, top, bottom, size[1], filter), short), false);
  }
  return result;
}
