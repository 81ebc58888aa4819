/** Well-known kernels, row by row, and kernels of another size. */

const divided = (values, n) => values.map((value) => value / n);

export const KERNELS = {
  cross: [1, 0, 1, 0, 1, 0, 1, 0, 1],
  identity: [0, 0, 0, 0, 1, 0, 0, 0, 0],
  edges: [-1, -1, -1, -1, 8, -1, -1, -1, -1],
  sobelX: [-1, 0, 1, -2, 0, 2, -1, 0, 1],
  sobelY: [-1, -2, -1, 0, 0, 0, 1, 2, 1],
  sharpen: [0, -1, 0, -1, 5, -1, 0, -1, 0],
  blur: divided([1, 1, 1, 1, 1, 1, 1, 1, 1], 9),
  gauss: divided([1, 4, 6, 4, 1, 4, 16, 24, 16, 4, 6, 24, 36, 24, 6, 4, 16, 24, 16, 4, 1, 4, 6, 4, 1], 256),
  emboss: [-2, -1, 0, -1, 1, 1, 0, 1, 2],
};

export const sizeOf = (kernel) => Math.sqrt(kernel.length);

/** The name of a well-known kernel, else "own". */
export function nameOf(kernel) {
  const same = (known) => known.length === kernel.length && known.every((value, i) => value === kernel[i]);
  return Object.keys(KERNELS).find((name) => same(KERNELS[name])) ?? "own";
}

/** A kernel with more or fewer rows and columns around the same middle. */
export function resized(kernel, size) {
  const old = sizeOf(kernel);
  const shift = Math.floor(size / 2) - Math.floor(old / 2);
  return Array.from({ length: size * size }, (_, i) => {
    const [y, x] = [Math.floor(i / size) - shift, (i % size) - shift];
    return y >= 0 && x >= 0 && y < old && x < old ? kernel[y * old + x] : 0;
  });
}
