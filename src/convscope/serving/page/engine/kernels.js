/** The kernels of a layer: where they lie among the tensors, what they are, and how one of them is changed. */

const WITH_KERNELS = new Set(["convolution", "transposed_convolution", "linear"]);

/**
 * The weight of a node { tensor, shape, groups, bias, index }, null if it has none. `index` gives for each number of
 * the dense kernels its place in the tensor (-1: no connection); null where they are the tensor itself.
 */
export function weightOf(network, name) {
  const { operations } = network.graph;
  const operation = operations.find(({ node, op }) => node === name && WITH_KERNELS.has(op));
  if (!operation) return null;
  const [, weight, bias] = operation.inputs;
  const common = { groups: operation.groups ?? 1, bias: bias === null ? null : network.tensors[bias.tensor].data };
  if (typeof weight !== "number") {
    const { shape } = network.tensors[weight.tensor];
    return { ...common, tensor: weight.tensor, shape, index: null };
  }
  const [own, index] = operations[weight - 1].inputs;
  const { data } = network.tensors[index.tensor];
  return { ...common, tensor: own.tensor, shape: operations[weight - 1].shape, index: data };
}

/** The kernels of one output map: { shape: [inputs, height, width], values, bias, first_input }. */
export function kernelsOf(network, name, map) {
  const weight = weightOf(network, name);
  if (!weight || !(map >= 0 && map < weight.shape[0])) return null;
  const [out, inputs, height = 1, width = 1] = weight.shape;
  const size = inputs * height * width;
  const { data } = network.tensors[weight.tensor];
  const values = Float32Array.from({ length: size }, (_, i) => {
    const at = weight.index ? weight.index[map * size + i] : map * size + i;
    return at < 0 ? 0 : data[at];
  });
  const first = weight.groups > 1 ? Math.floor(map / (out / weight.groups)) * inputs : 0;
  return { shape: [inputs, height, width], values, bias: weight.bias?.[map] ?? null, first_input: first };
}

/** Replace the kernel from map `input` to map `map` by `values` (rows of numbers); false if there is no such kernel. */
export function editKernel(network, { layer, map, input, values }) {
  const weight = weightOf(network, layer);
  if (!weight || map >= weight.shape[0]) return false;
  const [out, inputs, height = 1, width = 1] = weight.shape;
  const first = Math.floor(map / (out / weight.groups)) * inputs;
  const own = input - (weight.groups > 1 ? first : 0);
  if (own < 0 || own >= inputs || values.length !== height || values.some((row) => row.length !== width)) return false;
  const start = (map * inputs + own) * height * width;
  const places = values.flat().map((_, i) => (weight.index ? weight.index[start + i] : start + i));
  if (places[0] < 0) return false;
  values.flat().forEach((value, i) => (network.tensors[weight.tensor].data[places[i]] = value));
  return true;
}
