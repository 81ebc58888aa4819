/** What the page shows of a layer: maps as bytes, the strongest first, as the service sends them. */

/** The shape of a layer's maps: those of vectors are one map of a single row. */
function planesOf(shape, data) {
  const [height, width] = shape.length === 3 ? shape.slice(1) : shape.length === 2 ? shape : [1, 1];
  if (height * width === 1) return { count: 1, height: 1, width: data.length, vector: true };
  return { count: data.length / (height * width), height, width, vector: false };
}

function rangeOf(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

/** Bytes q of a map with value = low + q / 255 * (high - low). */
function quantised(map, values) {
  const { low, high } = rangeOf(values);
  const scale = high > low ? 255 / (high - low) : 0;
  return { map, low, high, data: Uint8Array.from(values, (value) => Math.round((value - low) * scale)) };
}

function strengthOf(values) {
  let sum = 0;
  for (const value of values) sum += Math.abs(value);
  return sum;
}

/**
 * A layer { name, shape, low, high, total, height, width, vector, maps } of one image. `wanted` is { from, to }, a
 * range in the order of strength, or a list of map numbers.
 */
export function layerOf(name, shape, data, wanted) {
  const { count, height, width, vector } = planesOf(shape, data);
  const plane = (map) => data.subarray(map * height * width, (map + 1) * height * width);
  let numbers = wanted;
  if (!Array.isArray(wanted)) {
    const strengths = Array.from({ length: count }, (_, map) => strengthOf(plane(map)));
    const order = strengths.map((_, map) => map).sort((a, b) => strengths[b] - strengths[a]);
    numbers = order.slice(wanted.from, wanted.to);
  }
  const maps = numbers.map((map) => quantised(map, plane(map)));
  return { name, shape, ...rangeOf(data), total: count, height, width, vector, maps };
}
