/** Parameters and buffers as a safetensors file, which `convscope` and others load. */

/** The bytes of a file with all named tensors: an 8-byte length, a JSON header, then the numbers, little-endian. */
export function toSafetensors(tensors) {
  const named = tensors.filter(({ name, data }) => name && data instanceof Float32Array);
  const header = {};
  let end = 0;
  for (const { name, shape, data } of named) {
    header[name] = { dtype: "F32", shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padding = (8 - (text.length % 8)) % 8;
  const start = 8 + text.length + padding;
  const bytes = new Uint8Array(start + end);
  new DataView(bytes.buffer).setUint32(0, text.length + padding, true);
  bytes.set(text, 8);
  bytes.fill(32, 8 + text.length, start);
  for (const { name, data } of named) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start + header[name].data_offsets[0]);
  }
  return bytes;
}
