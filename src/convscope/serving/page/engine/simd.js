/**
 * The inner loop of matrix products in WebAssembly with 128-bit SIMD, assembled here from its instructions: R rows of A
 * times one panel of 8 columns of B, added to C. Without SIMD in the browser, `simdKernels` returns null.
 */

export const PANEL = 8;
const MOST_ROWS = 6;
const DEPTH_STEPS = 4; // of the depth, per turn of the inner loop

const I32 = 0x7f;
const V128 = 0x7b;
const FUNCTION = 0x60;

/** Unsigned LEB128, in which WebAssembly writes its numbers. */
function leb(value) {
  const bytes = [];
  do {
    bytes.push((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    value >>>= 7;
  } while (value);
  return bytes;
}

const section = (id, ...parts) => {
  const bytes = parts.flat(Infinity);
  return [id, ...leb(bytes.length), ...bytes];
};
const text = (string) => [string.length, ...new TextEncoder().encode(string)];
const get = (local) => [0x20, ...leb(local)];
const set = (local) => [0x21, ...leb(local)];
const constant = (value) => [0x41, ...(value < 64 ? [value] : [(value & 0x7f) | 0x80, value >> 7])];
const advance = (local, by) => [get(local), by, 0x6a, set(local)]; // i32.add
const memory = (opcode, align, offset) => [0xfd, ...leb(opcode), align, ...leb(offset)];
const load = (offset) => memory(0x00, 4 - 2, offset); // v128.load; offsets are multiples of 4 bytes only
const splat = (offset) => memory(0x09, 2, offset); // v128.load32_splat
const store = (offset) => memory(0x0b, 4 - 2, offset);
/** While `counter` (a local that the body lowers) is not 0; not even once if it is 0 from the start. */
const repeat = (counter, body) => [
  [0x02, 0x40, get(counter), 0x45, 0x0d, 0, 0x03, 0x40], // block, br_if (i32.eqz), loop
  body,
  [get(counter), 0x0d, 0, 0x0b, 0x0b], // br_if loop, end, end
];
const lower = (counter, by) => [get(counter), constant(by), 0x6b, set(counter)]; // i32.sub

/** a * b + c of the two vectors on the stack and the accumulator: in one instruction where the browser has it. */
const multiplyAdd = (accumulator, fused) =>
  fused ? [get(accumulator), 0xfd, ...leb(0x105), set(accumulator)]
    : [0xfd, ...leb(0xe6), get(accumulator), 0xfd, ...leb(0xe4), set(accumulator)];

/**
 * The function (a, lda, b, c, ldc, depth, blocks): for each of `blocks` blocks of R rows, C (R x 8) += A (R x depth)
 * times B (depth x 8). Addresses and row distances in bytes; the rows of B follow each other without a gap.
 */
function kernel(R, fused) {
  const [a, lda, b, c, ldc, depth, blocks] = [0, 1, 2, 3, 4, 5, 6];
  const [pb, steps, ...row] = Array.from({ length: 2 + R }, (_, i) => 7 + i);
  const firstVector = 9 + 2 * R;
  const target = Array.from({ length: R }, (_, r) => 9 + R + r);
  const sum = (r, half) => firstVector + 2 * r + half;
  const left = firstVector + 2 * R;
  const right = left + 1;

  const step = (k) => [
    [get(pb), load(32 * k), set(left), get(pb), load(32 * k + 16), set(right)],
    row.map((pointer, r) => {
      const factor = [get(pointer), splat(4 * k)];
      return [factor, get(left), multiplyAdd(sum(r, 0), fused), factor, get(right), multiplyAdd(sum(r, 1), fused)];
    }),
  ];
  const turn = (count) => [
    Array.from({ length: count }, (_, k) => step(k)),
    row.map((pointer) => advance(pointer, constant(4 * count))),
    advance(pb, constant(32 * count)),
    lower(steps, 1),
  ];
  const firstAddresses = (pointers, start, distance) =>
    pointers.map((pointer, r) => (r ? [get(pointers[r - 1]), get(distance), 0x6a, set(pointer)]
      : [get(start), set(pointer)]));
  const ofSums = (code) => target.map((pointer, r) => [0, 1].map((half) => code(pointer, r, half)));
  const body = [
    firstAddresses(row, a, lda), firstAddresses(target, c, ldc), get(b), set(pb),
    ofSums((pointer, r, half) => [get(pointer), load(16 * half), set(sum(r, half))]),
    get(depth), constant(2), 0x76, set(steps), repeat(steps, turn(DEPTH_STEPS)), // i32.shr_u
    get(depth), constant(DEPTH_STEPS - 1), 0x71, set(steps), repeat(steps, turn(1)), // i32.and
    ofSums((pointer, r, half) => [get(pointer), get(sum(r, half)), store(16 * half)]),
    get(lda), constant(R), 0x6c, get(a), 0x6a, set(a), get(ldc), constant(R), 0x6c, get(c), 0x6a, set(c),
    lower(blocks, 1),
  ];
  const locals = [2, ...leb(2 + 2 * R), I32, ...leb(2 * R + 2), V128];
  const code = [locals, repeat(blocks, body), 0x0b].flat(Infinity);
  return [...leb(code.length), ...code];
}

function moduleBytes(fused) {
  const functions = Array.from({ length: MOST_ROWS }, (_, i) => kernel(i + 1, fused));
  return new Uint8Array([
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, 1, FUNCTION, 7, Array(7).fill(I32), 0),
    section(2, 1, text("engine"), text("memory"), 2, 0, 1), // memory of at least one page
    section(3, MOST_ROWS, Array(MOST_ROWS).fill(0)),
    section(7, MOST_ROWS, functions.map((_, i) => [text(`rows${i + 1}`), 0, i])),
    section(10, MOST_ROWS, functions),
  ].flat(Infinity));
}

/** The kernels for 1 to 6 rows on a memory, the one for n rows at index n; null if the browser has no SIMD. */
export function simdKernels(memoryOfKernels) {
  const bytes = [true, false].map(moduleBytes).find((code) => WebAssembly.validate(code));
  if (!bytes) return null;
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { engine: { memory: memoryOfKernels } });
  return [null, ...Array.from({ length: MOST_ROWS }, (_, i) => instance.exports[`rows${i + 1}`])];
}
