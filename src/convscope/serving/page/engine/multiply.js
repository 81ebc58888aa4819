/**
 * Matrix products, on which convolution and linear layers rest. A multiplier has a workspace, a typed array that holds
 * A row by row, B in panels of a few columns (each depth x panel, row by row) and C row by row.
 */

import { PANEL, simdKernels } from "./simd.js";

// Numbers of B that are multiplied at once: few enough for the processor's cache.
const BLOCK_NUMBERS = 65536;

class SimdMultiplier {
  constructor(memory, kernels) {
    this.name = "simd";
    this.panel = PANEL;
    this.memory = memory;
    this.kernels = kernels;
    this.workspace = new Float32Array(memory.buffer);
  }

  /** Make room for so many numbers. Its contents may be lost. */
  reserve(numbers) {
    const missing = numbers * 4 - this.memory.buffer.byteLength;
    if (missing <= 0) return;
    this.memory.grow(Math.ceil(missing / 65536));
    this.workspace = new Float32Array(this.memory.buffer);
  }

  /** C += A B: `rows` x `panels` panels; positions in the workspace, distances of rows in numbers. */
  run(a, lda, b, c, ldc, rows, panels, depth) {
    const most = this.kernels.length - 1;
    const blocks = Math.floor(rows / most);
    const rest = rows - blocks * most;
    for (let p = 0; p < panels; p += 1) {
      const from = 4 * (b + p * depth * PANEL);
      const to = 4 * (c + p * PANEL);
      if (blocks) this.kernels[most](4 * a, 4 * lda, from, to, 4 * ldc, depth, blocks);
      const done = blocks * most;
      if (rest) this.kernels[rest](4 * (a + done * lda), 4 * lda, from, to + 4 * done * ldc, 4 * ldc, depth, 1);
    }
  }
}

class PlainMultiplier {
  constructor() {
    this.name = "plain";
    this.panel = 4;
    // Double precision saves the conversion of every number that is read.
    this.workspace = new Float64Array(1 << 16);
  }

  reserve(numbers) {
    if (numbers > this.workspace.length) this.workspace = new Float64Array(numbers);
  }

  run(a, lda, b, c, ldc, rows, panels, depth) {
    for (let p = 0; p < panels; p += 1) {
      const from = b + p * depth * 4;
      const to = c + p * 4;
      let row = 0;
      for (; row + 2 <= rows; row += 2) {
        twoRows(this.workspace, a + row * lda, lda, from, to + row * ldc, ldc, depth);
      }
      if (row < rows) twoRows(this.workspace, a + row * lda, 0, from, to + row * ldc, 0, depth);
    }
  }
}

/** Two rows of A times a panel of four columns; with both row distances 0 one row, which is then computed twice. */
function twoRows(numbers, a, lda, b, c, ldc, depth) {
  let s0 = 0, s1 = 0, s2 = 0, s3 = 0, t0 = 0, t1 = 0, t2 = 0, t3 = 0;
  let at = b;
  for (let k = 0; k < depth; k += 1) {
    const x = numbers[a + k];
    const y = numbers[a + lda + k];
    const b0 = numbers[at];
    const b1 = numbers[at + 1];
    const b2 = numbers[at + 2];
    const b3 = numbers[at + 3];
    at += 4;
    s0 += x * b0;
    s1 += x * b1;
    s2 += x * b2;
    s3 += x * b3;
    t0 += y * b0;
    t1 += y * b1;
    t2 += y * b2;
    t3 += y * b3;
  }
  numbers[c] += s0;
  numbers[c + 1] += s1;
  numbers[c + 2] += s2;
  numbers[c + 3] += s3;
  if (!ldc) return;
  numbers[c + ldc] += t0;
  numbers[c + ldc + 1] += t1;
  numbers[c + ldc + 2] += t2;
  numbers[c + ldc + 3] += t3;
}

/** A multiplier with SIMD where the browser has it, else in plain JavaScript (`simd` false: always). */
export function createMultiplier(simd = true) {
  if (simd && typeof WebAssembly === "object") {
    const memory = new WebAssembly.Memory({ initial: 16 });
    const kernels = simdKernels(memory);
    if (kernels) return new SimdMultiplier(memory, kernels);
  }
  return new PlainMultiplier();
}

/** How many columns of B, a whole number of panels, are multiplied at once. */
export function columnsPerBlock(multiplier, depth, columns) {
  const { panel } = multiplier;
  const fitting = Math.max(Math.floor(BLOCK_NUMBERS / depth / panel), 4) * panel;
  return Math.min(fitting, Math.ceil(columns / panel) * panel);
}

/** Write a matrix with any distances of its rows and columns into the workspace, row by row. */
function writeRows(target, at, { data, offset, row, column }, rows, columns) {
  for (let i = 0; i < rows; i += 1) {
    const from = offset + i * row;
    if (column === 1) target.set(data.subarray(from, from + columns), at + i * columns);
    else for (let j = 0; j < columns; j += 1) target[at + i * columns + j] = data[from + j * column];
  }
}

/** Write `count` columns, from `first` on, of a matrix into the workspace in panels. */
function writePanels(multiplier, at, { data, offset, row, column }, first, count, depth) {
  const { workspace, panel } = multiplier;
  for (let j = 0; j < count; j += panel) {
    const width = Math.min(panel, count - j);
    let to = at + j * depth;
    for (let k = 0; k < depth; k += 1) {
      const from = offset + k * row + (first + j) * column;
      for (let i = 0; i < width; i += 1) workspace[to + i] = data[from + i * column];
      to += panel;
    }
  }
}

/** Add C from the workspace (with `ldc` numbers per row) to an array. */
export function addRows(multiplier, at, ldc, target, offset, row, rows, columns) {
  const { workspace } = multiplier;
  for (let i = 0; i < rows; i += 1) {
    const from = at + i * ldc;
    const to = offset + i * row;
    for (let j = 0; j < columns; j += 1) target[to + j] += workspace[from + j];
  }
}

/** Copy C from the workspace to an array in the same way: what that held is lost. */
export function copyRows({ workspace }, at, ldc, target, offset, row, rows, columns) {
  for (let i = 0; i < rows; i += 1) {
    const from = at + i * ldc;
    target.set(workspace.subarray(from, from + columns), offset + i * row);
  }
}

/** Write rows of `columns` numbers into the workspace; returns where they begin. */
export function writeMatrix(multiplier, at, matrix, rows, columns) {
  writeRows(multiplier.workspace, at, matrix, rows, columns);
  return at;
}

/**
 * `c` += A B with A `rows` x `depth` and B `depth` x `columns`. A matrix is { data, offset, row, column }: an array,
 * where it begins, and the distances of neighbouring rows and columns; of `c` the columns are neighbours.
 */
export function addProduct(multiplier, a, b, c, rows, columns, depth) {
  const block = columnsPerBlock(multiplier, depth, columns);
  const atB = Math.ceil((rows * depth) / 4) * 4;
  const atC = atB + block * depth;
  multiplier.reserve(atC + rows * block);
  writeMatrix(multiplier, 0, a, rows, depth);
  for (let first = 0; first < columns; first += block) {
    const count = Math.min(block, columns - first);
    writePanels(multiplier, atB, b, first, count, depth);
    multiplier.workspace.fill(0, atC, atC + rows * block);
    multiplier.run(0, depth, atB, atC, block, rows, Math.ceil(count / multiplier.panel), depth);
    addRows(multiplier, atC, block, c.data, c.offset + first, c.row, rows, count);
  }
}
