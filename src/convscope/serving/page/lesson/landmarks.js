/** The places of a network that the lesson shows, whatever the network: its first convolution, activation, pooling ... */

import { isVector } from "../network/layout.js";
import { valueAt } from "../numbers.js";

/** Nodes by what they teach; a network without one of them gets the nearest thing, or null. */
export function landmarks({ nodes }) {
  const first = (test, from = 0) => nodes.slice(from).find(test) ?? null;
  const conv = first(({ kind, parameters }) => kind === "conv" && parameters);
  const after = Math.max(nodes.indexOf(conv), 0);
  return {
    input: nodes[0], conv,
    activation: first(({ kind, shape }) => kind === "activation" && !isVector(shape), after) ?? first(({ kind }) => kind === "activation"),
    pool: first(({ kind }) => kind === "pool" || kind === "global_pool"),
    linear: first(({ kind, parameters }) => kind === "linear" && parameters),
  };
}

/** The strongest map of a layer and the place of its largest value, or of its smallest. */
export function tellingPlace(forward, layer, smallest = false) {
  const known = forward.layers.get(layer);
  if (known.vector) {
    const { data } = known.maps[0];
    return { layer, map: data.indexOf(Math.max(...data)), y: 0, x: 0 };
  }
  const [map] = known.maps;
  const best = map.data.reduce((found, _, i) => ((valueAt(map, i) > valueAt(map, found)) !== smallest ? i : found), 0);
  return { layer, map: map.map, y: Math.floor(best / known.width), x: best % known.width };
}

const pair = (value) => (Array.isArray(value) ? value : [value, value]);

/** Rows and windows of a convolution or pooling, as plain numbers. */
export function windowOf(node, network) {
  const { kernel_size: kernel, stride, padding, dilation } = node.attributes ?? {};
  const [k, s, p, d] = [kernel ?? 1, stride ?? kernel ?? 1, padding ?? 0, dilation ?? 1].map((value) => Number(pair(value)[0]) || 0);
  const source = network.byName.get(node.inputs[0]);
  return { k, s: s || 1, p, d: d || 1, n: source.shape[1] ?? 1, out: node.shape[1] ?? 1, inputs: source.shape[0] };
}
