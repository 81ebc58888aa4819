/** The tensors of a network, decoded from its block of weights into single precision. */

export const sizeOf = (shape) => shape.reduce((product, side) => product * side, 1);

/** One half-precision number (IEEE 754 binary16) from its 16 bits. */
function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function decode(entry, buffer) {
  const size = sizeOf(entry.shape);
  if (entry.type === "float32") return new Float32Array(buffer, entry.offset, size).slice();
  if (entry.type === "int32") return new Int32Array(buffer, entry.offset, size).slice();
  const data = new Float32Array(size);
  if (entry.type === "float16") {
    const halves = new Uint16Array(buffer, entry.offset, size);
    for (let i = 0; i < size; i += 1) data[i] = fromHalf(halves[i]);
    return data;
  }
  const integers = new Int8Array(buffer, entry.offset, size);
  const scales = new Float32Array(buffer, entry.scales, entry.shape[0]);
  const perScale = size / entry.shape[0];
  for (let i = 0; i < size; i += 1) data[i] = integers[i] * scales[Math.floor(i / perScale)];
  return data;
}

/** Tensors { name, shape, data, trainable, derived } of a graph; `buffer` is the block that holds their numbers. */
export const readTensors = (graph, buffer) =>
  graph.tensors.map(({ name, shape, trainable, derived, ...place }) =>
    ({ name, shape, trainable, derived, data: decode({ shape, ...place }, buffer) }));
