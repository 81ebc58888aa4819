/** What the page shows of a layer: maps as bytes, the strongest first, as the service sends them. */

/** The shape of a layer's maps: those of vectors are one map of a single row. */
function planesOf(shape, data) {
  const [height, width] = shape.length === 3 ? shape.slice(1) : shape.length === 2 ? shape : [1, 1];
  if (height * width === 1) return { count: 1, height: 1, width: data.length, vector: true };
  return { count: data.length / (height * width), height, width, vector: false };
}

/** { low, high, strength } of the numbers from `start` to `end`; the strength is the sum of their sizes. */
function measured(data, start, end) {
  let low = Infinity;
  let high = -Infinity;
  let strength = 0;
  for (let i = start; i < end; i += 1) {
    const value = data[i];
    if (value < low) low = value;
    if (value > high) high = value;
    strength += Math.abs(value);
  }
  return { low, high, strength };
}

/** Writes bytes q of the numbers from `start` on, with value = low + q / 255 * (high - low). */
function quantise(bytes, data, start, { low, high }) {
  const scale = high > low ? 255 / (high - low) : 0;
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = (data[start + i] - low) * scale + 0.5;
}

/**
 * A layer { name, shape, low, high, total, height, width, vector, maps } of one image. `wanted` is { from, to }, a
 * range in the order of strength, or a list of map numbers. Its maps share one block of bytes, which is sent at once.
 */
export function layerOf(name, shape, data, wanted) {
  const { count, height, width, vector } = planesOf(shape, data);
  const area = height * width;
  const figures = Array.from({ length: count }, (_, map) => measured(data, map * area, (map + 1) * area));
  let numbers = wanted;
  if (!Array.isArray(wanted)) {
    const order = figures.map((_, map) => map).sort((a, b) => figures[b].strength - figures[a].strength);
    numbers = order.slice(wanted.from, wanted.to);
  }
  const block = new Uint8Array(numbers.length * area);
  const maps = numbers.map((map, i) => {
    const bytes = block.subarray(i * area, (i + 1) * area);
    quantise(bytes, data, map * area, figures[map]);
    return { map, low: figures[map].low, high: figures[map].high, data: bytes };
  });
  let [low, high] = [Infinity, -Infinity];
  for (const one of figures) {
    if (one.low < low) low = one.low;
    if (one.high > high) high = one.high;
  }
  return { name, shape, low, high, total: count, height, width, vector, maps };
}
