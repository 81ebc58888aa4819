/** What a sum of products is made of, from the server's arithmetic, or from the kernels while no place is selected. */

/**
 * {source, channels, height, width, size, terms, partial}, or null while the numbers are on their way. `source` is the
 * input layer and `channels` the numbers of its maps; the window has `height` × `width` = `size` values; `terms` are
 * all products, map by map (null without a place); `partial` holds the sum of each map (of its kernel without a place).
 */
export function partsOfSum({ arithmetic, kernels, selected, network }) {
  if (arithmetic?.grid) {
    const { grid: { channels, height, width }, terms, partial_sums: partial } = arithmetic;
    return { source: terms[0].input, channels, height, width, size: height * width, terms, partial };
  }
  if (kernels?.layer !== selected.layer || kernels.map !== selected.map) return null;
  const [inputs, height, width] = kernels.shape;
  const node = network.byName.get(selected.layer);
  const first = Math.floor(selected.map / (node.shape[0] / (node.attributes.groups ?? 1))) * inputs;
  const size = height * width;
  const sum = (i) => kernels.values.subarray(i * size, (i + 1) * size).reduce((a, b) => a + b, 0);
  const channels = Array.from({ length: inputs }, (_, i) => first + i);
  const partial = channels.map((_, i) => sum(i));
  return { source: node.inputs[0], channels, height, width, size, terms: null, partial };
}

/** The kernels of the selected map if there is one for each of its input maps, else null. */
export function kernelsFor({ kernels, selected }, { terms, channels }) {
  const own = kernels?.layer === selected.layer && kernels.map === selected.map;
  // A table of connections (LeNet-5's C3) leaves maps out: then only the terms tell which kernel belongs to which map.
  return own && (!terms || kernels.shape[0] === channels.length) ? kernels : null;
}
