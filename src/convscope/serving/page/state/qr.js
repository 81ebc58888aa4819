/** QR codes of texts: byte mode, error correction L, versions 1 to 40 (ISO/IEC 18004). */

// Codewords that correct each block, and how many blocks there are, by version.
const CORRECTION = [
  7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28, 28, 28, 30, 30, 26, 28,
  ...Array(14).fill(30),
];
const BLOCKS = [
  1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8, 8, 9, 9, 10, 12, 12, 12, 13, 14, 15, 16, 17, 18, 19, 19,
  20, 21, 22, 24, 25,
];
const MASKS = [
  (x, y) => (x + y) % 2, (x, y) => y % 2, (x) => x % 3, (x, y) => (x + y) % 3,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2, (x, y) => ((x * y) % 2) + ((x * y) % 3),
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2, (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2,
];
const LEVEL_L = 1; // in the code's format

/** {size, isDark(x, y)} of a text; null where it is too long for a code (2,953 bytes). */
export function qrCode(text) {
  const bytes = new TextEncoder().encode(text);
  const version = Array.from({ length: 40 }, (_, i) => i + 1).find((one) => 4 + lengthBits(one) + 8 * bytes.length
    <= 8 * dataCodewords(one));
  if (!version) return null;
  const grid = makeGrid(version);
  placeData(grid, interleaved(codewords(bytes, version), version));
  const tried = MASKS.map((_, mask) => masked(grid, mask));
  const [best] = tried.sort((a, b) => a.penalty - b.penalty);
  return { size: grid.size, isDark: (x, y) => Boolean(best.dark[y * grid.size + x]) };
}

const lengthBits = (version) => (version < 10 ? 8 : 16);

/** All codewords of a version: the modules that are no pattern and no format, by eight. */
function allCodewords(version) {
  const count = version === 1 ? 0 : Math.floor(version / 7) + 2; // alignment patterns along a side
  const aligned = count ? (25 * count - 10) * count - 55 : 0;
  return Math.floor(((16 * version + 128) * version + 64 - aligned - (version > 6 ? 36 : 0)) / 8);
}

const dataCodewords = (version) => allCodewords(version) - CORRECTION[version - 1] * BLOCKS[version - 1];

/** Mode, length, bytes, end and padding. */
function codewords(bytes, version) {
  const bits = [];
  const put = (value, length) => {
    for (let i = length - 1; i >= 0; i -= 1) bits.push((value >> i) & 1);
  };
  put(4, 4);
  put(bytes.length, lengthBits(version));
  bytes.forEach((byte) => put(byte, 8));
  const room = 8 * dataCodewords(version);
  put(0, Math.min(4, room - bits.length));
  put(0, (8 - (bits.length % 8)) % 8);
  for (let pad = 0xec; bits.length < room; pad ^= 0xec ^ 0x11) put(pad, 8);
  const byteAt = (i) => bits.slice(8 * i, 8 * i + 8).reduce((sum, bit) => 2 * sum + bit, 0);
  return Array.from({ length: room / 8 }, (_, i) => byteAt(i));
}

/** Product in the field of 256 elements. */
function times(a, b) {
  let product = 0;
  for (let i = 7; i >= 0; i -= 1) product = (product << 1) ^ ((product >> 7) * 0x11d) ^ (((b >> i) & 1) * a);
  return product;
}

/** The codewords that correct a block: the remainder of a division by (x - 1)(x - 2)(x - 4)... */
function correction(block, degree) {
  const divisor = [...Array(degree - 1).fill(0), 1];
  for (let i = 0, root = 1; i < degree; i += 1, root = times(root, 2)) {
    for (let k = 0; k < degree; k += 1) divisor[k] = times(divisor[k], root) ^ (divisor[k + 1] ?? 0);
  }
  const rest = Array(degree).fill(0);
  for (const byte of block) {
    const factor = byte ^ rest.shift();
    rest.push(0);
    divisor.forEach((coefficient, k) => (rest[k] ^= times(coefficient, factor)));
  }
  return rest;
}

/** The first codeword of each block, the second of each, ... and so the corrections. */
function interleaved(data, version) {
  const [count, degree] = [BLOCKS[version - 1], CORRECTION[version - 1]];
  const short = Math.floor(data.length / count);
  const longFrom = count - (data.length % count); // the blocks from here on have one more
  const start = (i) => i * short + Math.max(i - longFrom, 0);
  const blocks = Array.from({ length: count }, (_, i) => data.slice(start(i), start(i + 1)));
  const corrections = blocks.map((block) => correction(block, degree));
  const across = (lists, length) =>
    Array.from({ length }, (_, k) => lists.map((list) => list[k]).filter((value) => value !== undefined)).flat();
  return [...across(blocks, short + 1), ...across(corrections, degree)];
}

/** The patterns that every code of a version has; `taken` are modules that hold no data. */
function makeGrid(version) {
  const size = 17 + 4 * version;
  const grid = { size, version, dark: new Uint8Array(size * size), taken: new Uint8Array(size * size) };
  for (let i = 0; i < size; i += 1) {
    set(grid, 6, i, i % 2 === 0);
    set(grid, i, 6, i % 2 === 0);
  }
  for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]]) rings(grid, x, y, 4, (far) => far !== 2 && far !== 4);
  const places = alignmentPlaces(version, size);
  const last = places.length - 1;
  places.forEach((x, i) => places.forEach((y, k) => {
    const isCorner = (i === 0 && k === 0) || (i === 0 && k === last) || (i === last && k === 0);
    if (!isCorner) rings(grid, x, y, 2, (far) => far !== 1);
  }));
  putFormat(grid, 0);
  if (version > 6) putVersion(grid);
  return grid;
}

function set({ size, dark, taken }, x, y, isDark) {
  if (x < 0 || y < 0 || x >= size || y >= size) return;
  dark[y * size + x] = Number(isDark);
  taken[y * size + x] = 1;
}

function rings(grid, x, y, reach, isDark) {
  for (let dy = -reach; dy <= reach; dy += 1) {
    for (let dx = -reach; dx <= reach; dx += 1) set(grid, x + dx, y + dy, isDark(Math.max(Math.abs(dx), Math.abs(dy))));
  }
}

function alignmentPlaces(version, size) {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = Math.floor((version * 8 + count * 3 + 5) / (count * 4 - 4)) * 2;
  const places = Array.from({ length: count - 1 }, (_, i) => size - 7 - i * step);
  return [...places, 6].reverse();
}

/** `value` followed by the remainder of its division by a generator of `degree`. */
function protectedBits(value, generator, degree) {
  let rest = value;
  for (let i = 0; i < degree; i += 1) rest = (rest << 1) ^ ((rest >> (degree - 1)) * generator);
  return (value << degree) | rest;
}

function putFormat(grid, mask) {
  const bits = protectedBits((LEVEL_L << 3) | mask, 0x537, 10) ^ 0x5412;
  const bit = (i) => (bits >> i) & 1;
  const { size } = grid;
  for (let i = 0; i < 15; i += 1) {
    const along = i < 6 ? i : i < 8 ? i + 1 : 14 - i;
    if (i < 8) set(grid, 8, along, bit(i));
    else set(grid, i === 8 ? 7 : along, 8, bit(i));
    if (i < 8) set(grid, size - 1 - i, 8, bit(i));
    else set(grid, 8, size - 15 + i, bit(i));
  }
  set(grid, 8, size - 8, 1);
}

function putVersion(grid) {
  const bits = protectedBits(grid.version, 0x1f25, 12);
  for (let i = 0; i < 18; i += 1) {
    const [a, b] = [grid.size - 11 + (i % 3), Math.floor(i / 3)];
    set(grid, a, b, (bits >> i) & 1);
    set(grid, b, a, (bits >> i) & 1);
  }
}

/** Up and down in columns of two, from the right. */
function placeData({ size, dark, taken }, data) {
  let at = 0;
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right = 5;
    const up = ((right + 1) & 2) === 0;
    for (let i = 0; i < size; i += 1) {
      const y = up ? size - 1 - i : i;
      for (const x of [right, right - 1]) {
        if (taken[y * size + x] || at >= 8 * data.length) continue;
        dark[y * size + x] = (data[at >> 3] >> (7 - (at & 7))) & 1;
        at += 1;
      }
    }
  }
}

function masked(grid, mask) {
  const { size, taken } = grid;
  const copy = { ...grid, dark: grid.dark.map((value, i) =>
    (taken[i] ? value : value ^ Number(MASKS[mask](i % size, Math.floor(i / size)) === 0))) };
  putFormat(copy, mask);
  return { dark: copy.dark, penalty: penalty(copy) };
}

/** How hard the code is to read: long runs, squares, lookalikes of the corners, and a one-sided balance. */
function penalty({ size, dark }) {
  let points = 0;
  const lines = Array.from({ length: size }, (_, i) => [
    dark.slice(i * size, i * size + size).join(""), Array.from({ length: size }, (_, k) => dark[k * size + i]).join(""),
  ]).flat();
  for (const line of lines) {
    for (const run of line.match(/0{5,}|1{5,}/g) ?? []) points += run.length - 2;
    points += 40 * (line.match(/(?=00001011101|10111010000)/g) ?? []).length;
  }
  for (let i = 0; i < size * (size - 1); i += 1) {
    if (i % size === size - 1) continue;
    const sum = dark[i] + dark[i + 1] + dark[i + size] + dark[i + size + 1];
    if (sum % 4 === 0) points += 3;
  }
  const share = dark.reduce((sum, value) => sum + value, 0) / dark.length;
  return points + 10 * Math.floor(Math.abs(share - 0.5) * 20);
}
