/** The parts of a network that the lesson shows, whatever the network: its first convolution, its first pooling, ... */

import { isVector } from "../network/layout.js";
import { sortOf } from "../network/names.js";
import { valueAt } from "../numbers.js";
import { isMultiLabel } from "../state/softmax.js";

/** The node that stands for each kind of layer; null for a kind that the network does not have. */
export function landmarks(network) {
  const { nodes } = network;
  const first = (test, from = 0) => nodes.slice(from).find(test) ?? null;
  const conv = first(({ kind, parameters }) => kind === "conv" && parameters);
  const ofMaps = ({ kind, shape }) => kind === "activation" && !isVector(shape);
  return {
    conv,
    activation: first(ofMaps, Math.max(nodes.indexOf(conv), 0)) ?? first(({ kind }) => kind === "activation"),
    pool: first(({ kind }) => kind === "pool" || kind === "global_pool"),
    linear: first(({ kind, parameters }) => kind === "linear" && parameters),
    single: first((node) => sortOf(node, network) === "conv-single"),
    concat: first(({ kind, shape }) => kind === "concat" && !isVector(shape)),
    add: first(({ kind, shape, inputs }) => kind === "add" && inputs.length === 2 && !isVector(shape)),
    softmax: isMultiLabel(network) ? null : nodes.at(-1), // the values that it makes probabilities of
  };
}

/** Where a layer has its largest value: in its strongest map. */
export function largestPlace(forward, layer) {
  return placeOf(forward, layer, (value, best) => value > best);
}

/** Where the strongest map of a layer has its smallest value. */
export function smallestPlace(forward, layer) {
  return placeOf(forward, layer, (value, best) => value < best);
}

function placeOf(forward, layer, isBetter) {
  const { maps: [map], vector, width } = forward.layers.get(layer);
  const best = map.data.reduce((found, _, i) => (isBetter(valueAt(map, i), valueAt(map, found)) ? i : found), 0);
  if (vector) return { layer, map: best, y: 0, x: 0 };
  return { layer, map: map.map, y: Math.floor(best / width), x: best % width };
}

/**
 * The window of a convolution or pooling in the letters of the formula (kernel k, stride s, padding p, dilation d), the
 * rows that go in (n) and come out (out), and the number of input maps.
 */
export function windowOf({ attributes, inputs, shape }, network) {
  const { kernel_size: kernel, stride, padding, dilation } = attributes ?? {};
  const ofRows = (value) => Number(Array.isArray(value) ? value[0] : value) || 0;
  const [k, s, p, d] = [kernel ?? 1, stride ?? kernel ?? 1, padding ?? 0, dilation ?? 1].map(ofRows);
  const source = network.byName.get(inputs[0]);
  return { k, s: s || 1, p, d: d || 1, n: source.shape[1] ?? 1, out: shape[1] ?? 1, inputs: source.shape[0] };
}
