/** Linear layers and products of two matrices of activations. */

import { addProduct } from "../multiply.js";

// With fewer rows, reordering the weights for the product takes longer than the product itself.
const FEWEST_ROWS = 4;

function measuresOf({ inputs: [x, weight], images, size }) {
  const [out, depth] = weight.shape;
  return { out, depth, rows: x.batched ? (images * size) / out : size / out };
}

function dotProducts(x, weight, output, { rows, out, depth }) {
  for (let row = 0; row < rows; row += 1) {
    for (let o = 0; o < out; o += 1) {
      let sum = 0;
      const from = row * depth;
      const at = o * depth;
      for (let i = 0; i < depth; i += 1) sum += x[from + i] * weight[at + i];
      output[row * out + o] += sum;
    }
  }
}

export const linear = {
  forward(step) {
    const { inputs: [x, weight, bias], multiplier } = step;
    const m = measuresOf(step);
    const output = step.create();
    if (bias) for (let row = 0; row < m.rows; row += 1) output.set(bias.data, row * m.out);
    if (m.rows < FEWEST_ROWS) {
      dotProducts(x.data, weight.data, output, m);
      return output;
    }
    const left = { data: x.data, offset: 0, row: m.depth, column: 1 };
    const right = { data: weight.data, offset: 0, row: 1, column: m.depth };
    addProduct(multiplier, left, right, { data: output, offset: 0, row: m.out }, m.rows, m.out, m.depth);
    return output;
  },
  backward(step) {
    const { inputs: [x, weight], multiplier, gradient } = step;
    const { rows, out, depth } = measuresOf(step);
    const [intoX, intoWeight, intoBias] = [step.into(0), step.into(1), step.into(2)];
    if (intoX) {
      const left = { data: gradient, offset: 0, row: out, column: 1 };
      const right = { data: weight.data, offset: 0, row: depth, column: 1 };
      addProduct(multiplier, left, right, { data: intoX, offset: 0, row: depth }, rows, depth, out);
    }
    if (intoWeight) {
      const left = { data: gradient, offset: 0, row: 1, column: out };
      const right = { data: x.data, offset: 0, row: depth, column: 1 };
      addProduct(multiplier, left, right, { data: intoWeight, offset: 0, row: depth }, out, depth, rows);
    }
    if (intoBias) for (let i = 0; i < rows * out; i += 1) intoBias[i % out] += gradient[i];
  },
};

/** Measures of a batch of products: rows x depth times depth x columns. */
function matricesOf({ inputs: [a, b], shape, images, size }) {
  const [rows, columns] = shape.slice(-2);
  const depth = a.shape[a.shape.length - 1];
  return { a: a.data, b: b.data, rows, columns, depth, products: (images * size) / (rows * columns) };
}

export const matmul = {
  forward(step) {
    const { a, b, rows, columns, depth, products } = matricesOf(step);
    const output = step.create();
    for (let i = 0; i < products; i += 1) {
      const left = { data: a, offset: i * rows * depth, row: depth, column: 1 };
      const right = { data: b, offset: i * depth * columns, row: columns, column: 1 };
      const to = { data: output, offset: i * rows * columns, row: columns };
      addProduct(step.multiplier, left, right, to, rows, columns, depth);
    }
    return output;
  },
  backward(step) {
    const { a, b, rows, columns, depth, products } = matricesOf(step);
    const [intoA, intoB] = [step.into(0), step.into(1)];
    for (let i = 0; i < products; i += 1) {
      const arriving = { data: step.gradient, offset: i * rows * columns };
      const [atA, atB] = [i * rows * depth, i * depth * columns];
      if (intoA) {
        const right = { data: b, offset: atB, row: 1, column: columns };
        addProduct(step.multiplier, { ...arriving, row: columns, column: 1 }, right,
          { data: intoA, offset: atA, row: depth }, rows, depth, columns);
      }
      if (intoB) {
        const left = { data: a, offset: atA, row: 1, column: depth };
        addProduct(step.multiplier, left, { ...arriving, row: columns, column: 1 },
          { data: intoB, offset: atB, row: columns }, depth, columns, rows);
      }
    }
  },
};
