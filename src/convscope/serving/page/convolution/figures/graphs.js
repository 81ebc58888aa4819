/** The small graphs of the tutorials: their nodes in the order of computation, and the same as a program in PyTorch. */

const leaf = (id, values) => ({ id, values, inputs: [] });
const node = (id, operation, ...inputs) => ({ id, operation, inputs });

/**
 * Each: `nodes`, where a leaf has its first `values`; `code`: lines of PyTorch after the leaves, the last one without
 * `backward()`; `constants`: leaves that are not learned, whose gradients PyTorch is not asked for.
 */
export const GRAPHS = {
  sum: {
    nodes: [leaf("x", [1, 2, 3]), leaf("y", [3, 4, 5]), node("z", "add", "x", "y"), node("s", "sum", "z")],
    code: ["z = x + y", "s = z.sum()"],
  },
  product: {
    nodes: [leaf("x", [-2]), leaf("y", [5]), leaf("z", [-4]), node("q", "add", "x", "y"),
      node("f", "multiply", "q", "z")],
    code: ["q = x + y", "f = q * z"],
  },
  neuron: {
    nodes: [leaf("w", [2, -3]), leaf("x", [-1, -2]), leaf("b", [-3]), node("p", "multiply", "w", "x"),
      node("s", "sum", "p"), node("z", "add", "s", "b"), node("a", "sigmoid", "z")],
    code: ["p = w * x", "s = p.sum()", "z = s + b", "a = torch.sigmoid(z)"],
  },
  chain: {
    nodes: [leaf("c", [2]), leaf("x", [3]), node("h1", "multiply", "c", "x"), node("h2", "multiply", "c", "h1"),
      node("h3", "multiply", "c", "h2")],
    code: ["h1 = c * x", "h2 = c * h1", "h3 = c * h2"],
  },
  squares: {
    nodes: [leaf("o", [0.2, 0.4, 0.1, 0.3]), leaf("t", [0, 0, 1, 0]), node("d", "subtract", "o", "t"),
      node("q", "halfSquare", "d"), node("E", "sum", "q")],
    code: ["d = o - t", "q = d ** 2 / 2", "E = q.sum()"],
  },
  entropy: {
    nodes: [leaf("y", [0.237, 1.7276]), node("p", "softmax", "y"), node("p0", "first", "p"),
      node("L", "minusLog", "p0")],
    code: ["p = torch.softmax(y, 0)", "p0 = p[0]", "L = -torch.log(p0)"],
  },
  residual: {
    nodes: [leaf("w", [-0.5]), leaf("x", [2, -1]), node("p", "multiply", "w", "x"), node("r", "relu", "p"),
      node("y", "add", "r", "x"), node("s", "sum", "y")],
    code: ["p = w * x", "r = torch.relu(p)", "y = r + x", "s = y.sum()"],
  },
};

export const leavesOf = (graph) => graph.nodes.filter(({ operation }) => !operation);
export const operationsOf = (graph) => graph.nodes.filter(({ operation }) => operation);
export const firstValues = (graph) => Object.fromEntries(leavesOf(graph).map(({ id, values }) => [id, values]));

/** The program; it prints the result and the gradients that the figure shows. */
export function pytorchOf(graph, leaves) {
  const names = leavesOf(graph).map(({ id }) => id);
  const last = graph.nodes.at(-1).id;
  const begin = names.map((id) => `${id} = torch.tensor([${leaves[id].map(decimal).join(", ")}], requires_grad=True)`);
  return ["import torch", "", ...begin, ...graph.code, `${last}.backward()`,
    `print(${[last, ...names.map((id) => `${id}.grad`)].join(", ")})`].join("\n");
}

/** As Python writes a float. */
const decimal = (value) => (Number.isInteger(value) && Math.abs(value) < 1e15 ? `${value}.` : String(value));
