/** Which maps a map is made of and which ones it feeds, as far as the kinds of layer tell; no weights are asked for. */

const MOST = 48; // links of a map in each direction; more of them cannot be told apart
const MIXING = new Set(["conv", "linear", "softmax", "other"]); // kinds that make a map of all inputs (of its group)

const link = (from, to) => ({ from, to, weight: 0 }); // 0 for unknown

/** Links [{from: {layer, map}, to: {layer, map}, weight}] from the inputs of {layer, map} to it. */
export function inputsOf(network, { layer, map }) {
  const node = network.byName.get(layer);
  const feeding = inputsWithOffsets(network, node).flatMap(({ source, before }) => numbers(source.shape[0])
    .filter((from) => feeds(node, source, before, { map: from }, map))
    .map((from) => ({ layer: source.name, map: from })));
  return feeding.slice(0, MOST).map((from) => link(from, { layer, map }));
}

/** Links from a value {layer, map, y, x} to the maps that it feeds; to values, where it is read out into a list. */
export function outputsOf(network, { layer, map, y, x }) {
  const targets = network.nodes.filter(({ inputs }) => inputs.includes(layer));
  const fed = targets.flatMap((node) => inputsWithOffsets(network, node).filter(({ source }) => source.name === layer)
    .flatMap(({ source, before }) => numbers(node.shape[0])
      .filter((to) => feeds(node, source, before, { map, y, x }, to)).map((to) => ({ layer: node.name, map: to }))));
  return fed.slice(0, MOST).map((to) => link({ layer, map }, to));
}

const numbers = (count) => Array.from({ length: count }, (_, i) => i);

/** {source, before} for each input; `before` counts the maps of those that come first in a concatenation. */
function inputsWithOffsets(network, node) {
  let before = 0;
  return (node?.inputs ?? []).map((name) => {
    const source = network.byName.get(name);
    before += source.shape[0];
    return { source, before: before - source.shape[0] };
  });
}

/** Whether the map (or value) `from` of an input is part of what map `to` of a layer is made of. */
function feeds({ kind, attributes, shape, tokens }, source, before, { map, y, x }, to) {
  const count = source.shape[0];
  if (attributes?.table) return attributes.table[to].includes(map);
  if (kind === "concat") return to === before + map;
  if (kind === "flatten" && !tokens) {
    const size = shape[0] / count;
    return y === undefined ? Math.floor(to / size) === map : to === map * size + y * (source.shape[2] ?? 1) + x;
  }
  if (!MIXING.has(kind)) return to === map;
  const groups = attributes?.groups ?? 1;
  return Math.floor(to / (shape[0] / groups)) === Math.floor(map / (count / groups));
}
