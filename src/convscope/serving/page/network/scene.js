/** What paint.js shows of the state: which layers, what is lit, and the links of the chosen map. */

import { isVector, layout } from "./layout.js";
import { countOf, findMap, mapsOf } from "../state/maps.js";
import { limits } from "./paint.js";

const LINKS = 48; // more of them say nothing
const MISSING_MOST = 4; // lit maps that are fetched if they are not among the strongest

export function planOf(store, room) {
  const { network, open } = store.state;
  return layout(network, open, (node) => countOf(store.state, node), room);
}

/**
 * The maps of a layer as they are shown. What is lit is among them: a weak map that belongs to the chosen one takes the
 * place of the last.
 */
export function mapsShown(store, layer) {
  const { state } = store;
  const node = state.network.byName.get(layer.name);
  const maps = mapsOf(store, layer).slice(0, countOf(state, node));
  const lit = state.direction === "backward" ? null : chosen(state).lit?.get(layer.name);
  if (!lit?.size || lit.size > MISSING_MOST) return maps;
  const missing = [...lit].filter((number) => !maps.some(({ map }) => map === number))
    .map((number) => findMap(store, layer.name, number)).filter(Boolean);
  return missing.length ? [...maps.slice(0, maps.length - missing.length), ...missing] : maps;
}

export function sceneOf(store, plan, extra = {}) {
  const { state } = store;
  const backward = state.direction === "backward";
  const fresh = state.gradients?.session === state.forward?.session;
  const layers = (backward ? fresh && state.gradients?.layers : state.forward?.layers) || null;
  const { lit, links, windows } = chosen(state);
  const limit = layers ? limits(layers, state.scale) : () => 1;
  return { plan, layers, lit, links, windows, limit, backward, maps: (layer) => mapsShown(store, layer),
    selected: state.selected, field: state.field, seenBy: state.seenBy, reveal: 1, ...extra };
}

let memory = { of: [], answer: null };

/** The maps that belong to what is selected, links from its inputs to it, and its window on them. */
function chosen(state) {
  const of = [state.selected, state.arithmetic, state.kernels, state.network];
  if (of.some((part, i) => part !== memory.of[i])) memory = { of, answer: choose(state) };
  return memory.answer;
}

function choose({ selected, arithmetic, kernels, network }) {
  const node = selected && network.byName.get(selected.layer);
  if (!node) return { lit: null };
  const all = { has: () => true };
  if (selected.map === undefined) {
    return { lit: new Map([[node.name, all], ...node.inputs.map((name) => [name, all])]) };
  }
  const to = { layer: node.name, map: selected.map };
  const terms = arithmetic?.layer === node.name && arithmetic.index[0] === selected.map ? arithmetic.terms : null;
  const sources = terms ? bySource(terms) : withoutPlace(node, selected.map, kernels, network);
  const strongest = Math.max(...sources.map(({ weight }) => Math.abs(weight)), 1e-12);
  const lit = new Map([[node.name, new Set([selected.map])]]);
  for (const { layer, map } of sources) lit.set(layer, (lit.get(layer) ?? new Set()).add(map));
  const links = sources.sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight)).slice(0, LINKS)
    .map(({ layer, map, weight }) => ({ from: { layer, map }, to, weight: weight / strongest }));
  return { lit, links, windows: terms ? windowsOf(terms, network) : null };
}

/** The terms of a value added up for each map that they come from. */
function bySource(terms) {
  const sums = new Map();
  for (const { input, index, product, value } of terms) {
    const key = `${index[0]} ${input}`;
    const sum = sums.get(key) ?? { layer: input, map: index[0], weight: 0 };
    sum.weight += product ?? value;
    sums.set(key, sum);
  }
  return [...sums.values()];
}

function withoutPlace(node, map, kernels, network) {
  if (kernels?.layer === node.name && kernels.map === map) {
    const [inputs, height, width] = kernels.shape;
    const groups = node.attributes.groups ?? 1;
    const first = Math.floor(map / (node.shape[0] / groups)) * inputs;
    const sum = (i) => kernels.values.subarray(i * height * width, (i + 1) * height * width).reduce((a, b) => a + b, 0);
    return Array.from({ length: inputs }, (_, i) => ({ layer: node.inputs[0], map: first + i, weight: sum(i) }));
  }
  return node.inputs.filter((name) => map < (network.byName.get(name)?.shape[0] ?? 0))
    .map((layer) => ({ layer, map, weight: 1 }));
}

/** For each input layer the box around the places that the terms come from. */
function windowsOf(terms, network) {
  const boxes = new Map();
  for (const { input, index } of terms) {
    const shape = network.byName.get(input)?.shape;
    if (!shape || isVector(shape) || index.length < 3 || index[1] === null) continue;
    const [top, left, bottom, right] = boxes.get(input) ?? [Infinity, Infinity, -Infinity, -Infinity];
    const [, y, x] = index;
    boxes.set(input, [Math.min(top, y), Math.min(left, x), Math.max(bottom, y + 1), Math.max(right, x + 1)]);
  }
  return boxes;
}
