/** Convolution windows as columns: what a kernel sees at one position of the output, below each other. */

/** The measures of a convolution: of the maps (`channels` x `height` x `width`) that windows slide over. */
export function windowsOf({ settings, channels, height, width, kernel, rows, columns }) {
  const [strideY, strideX] = settings.stride;
  const [paddingY, paddingX] = settings.padding;
  const [dilationY, dilationX] = settings.dilation;
  const [kernelY, kernelX] = kernel;
  const depth = channels * kernelY * kernelX;
  const plain = kernelY * kernelX === 1 && strideY * strideX === 1 && paddingY === 0 && paddingX === 0
    && rows === height && columns === width;
  return { channels, height, width, kernelY, kernelX, strideY, strideX, paddingY, paddingX, dilationY, dilationX,
    rows, columns, depth, plain };
}

/** The first and the last column + 1 of the output whose window has column `x` of the kernel inside of the maps. */
export function inside(w, x) {
  const start = x * w.dilationX - w.paddingX;
  const first = start >= 0 ? 0 : Math.ceil(-start / w.strideX);
  const last = Math.min(w.columns, Math.floor((w.width - 1 - start) / w.strideX) + 1);
  return [first, Math.max(first, last)];
}

/**
 * Call `visit(k, position, from, count)` for each stretch of a row: place k of the kernel sees, from output `position`
 * on, `count` numbers that lie `strideX` apart from `from` (within one image). What lies in the padding is left out.
 */
export function eachStretch(w, first, end, visit) {
  const firstRow = Math.floor(first / w.columns);
  const lastRow = Math.floor((end - 1) / w.columns);
  let k = 0;
  for (let channel = 0; channel < w.channels; channel += 1) {
    for (let ky = 0; ky < w.kernelY; ky += 1) {
      for (let kx = 0; kx < w.kernelX; kx += 1, k += 1) {
        const [left, right] = inside(w, kx);
        for (let row = firstRow; row <= lastRow; row += 1) {
          const y = row * w.strideY - w.paddingY + ky * w.dilationY;
          if (y < 0 || y >= w.height) continue;
          const start = Math.max(left, first - row * w.columns);
          const count = Math.min(right, end - row * w.columns) - start;
          if (count <= 0) continue;
          const x = start * w.strideX - w.paddingX + kx * w.dilationX;
          visit(k, row * w.columns + start, (channel * w.height + y) * w.width + x, count);
        }
      }
    }
  }
}

/** Write the windows of outputs `first` to `end` (not included) into the workspace in panels: depth x positions. */
export function writeWindows({ workspace, panel }, at, w, data, offset, first, end) {
  const panels = Math.ceil((end - first) / panel);
  workspace.fill(0, at, at + panels * panel * w.depth);
  const shift = panel === 8 ? 3 : 2;
  const mask = panel - 1;
  const { strideX, depth } = w;
  eachStretch(w, first, end, (k, position, from, count) => {
    let source = offset + from;
    const row = at + k * panel;
    let column = position - first;
    for (let i = 0; i < count; i += 1) {
      workspace[row + (column >> shift) * depth * panel + (column & mask)] = data[source];
      column += 1;
      source += strideX;
    }
  });
}

/** The same, transposed: positions x depth, in panels of the depth. */
export function writeWindowsTransposed({ workspace, panel }, at, w, data, offset, first, end) {
  const positions = end - first;
  const panels = Math.ceil(w.depth / panel);
  workspace.fill(0, at, at + panels * panel * positions);
  eachStretch(w, first, end, (k, position, from, count) => {
    let source = offset + from;
    let to = at + Math.floor(k / panel) * panel * positions + (k % panel) + (position - first) * panel;
    for (let i = 0; i < count; i += 1) {
      workspace[to] = data[source];
      to += panel;
      source += w.strideX;
    }
  });
}

/** Add numbers that belong to windows (depth x positions, `row` of them per row) to the maps that these came from. */
export function addWindows({ workspace }, at, row, w, data, offset, first, end) {
  eachStretch(w, first, end, (k, position, from, count) => {
    let to = offset + from;
    let source = at + k * row + position - first;
    for (let i = 0; i < count; i += 1) {
      data[to] += workspace[source];
      source += 1;
      to += w.strideX;
    }
  });
}
