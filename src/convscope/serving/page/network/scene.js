/** What is painted of the state: which layers, which maps are lit, and the links of the selected map. */

import { countOf, findMap, mapsOf } from "../state/maps.js";
import { classesShown, lastStepNode, nodeOf, SOFTMAX } from "../state/softmax.js";
import { inputsOf, outputsOf } from "./feeds.js";
import { textWidths } from "./headtext.js";
import { waysOf } from "./inner.js";
import { isVector, layout } from "./layout.js";
import { errorShare, limits } from "./paint.js";

const MOST_LINKS = 48; // the strongest; more of them cannot be told apart
const MOST_MISSING = 4; // lit maps of a layer that are fetched if they are not among the strongest

/** The layout of the network in `room` {width, height}. */
export function planOf(store, room) {
  const { state } = store;
  const { network, open } = state;
  const counts = (node) => (node.name === SOFTMAX ? classesShown(state).length : countOf(state, node));
  return layout(withLastStep(network), open, counts, room, textWidths(network, counts));
}

const wholes = new WeakMap();

/** The graph with the step from the last values to probabilities. */
function withLastStep(network) {
  const step = lastStepNode(network);
  if (!step) return network;
  if (!wholes.has(network)) {
    const edges = [...network.edges, [step.inputs[0], SOFTMAX]];
    wholes.set(network, { ...network, nodes: [...network.nodes, step], edges });
  }
  return wholes.get(network);
}

/**
 * The maps of a layer as they are shown. What is lit is among them: a weak map that belongs to the selected one takes
 * the place of the last.
 */
export function mapsShown(store, layer) {
  const { state } = store;
  const node = state.network.byName.get(layer.name);
  const maps = mapsOf(store, layer).slice(0, countOf(state, node));
  const lit = state.direction === "backward" ? null : selectionOf(state).lit?.get(layer.name);
  if (!lit?.size || lit.size > MOST_MISSING) return maps;
  const missing = [...lit].filter((number) => !maps.some(({ map }) => map === number))
    .map((number) => findMap(store, layer.name, number)).filter(Boolean);
  return missing.length ? [...maps.slice(0, maps.length - missing.length), ...missing] : maps;
}

/** The scene that paintNetwork takes; `extra` adds to it. */
export function sceneOf(store, plan, extra = {}) {
  const { state } = store;
  const backward = state.direction === "backward";
  const current = state.gradients?.session === state.forward?.session;
  const layers = (backward ? current && state.gradients?.layers : state.forward?.layers) || null;
  const share = backward && layers ? errorShare(state.network, layers, state.magnified) : 1;
  return {
    plan, layers, backward, scale: state.scale, ...selectionOf(state), reveal: 1,
    near: state.hover?.layer && !state.selected ? linksAround(state.hover, state.network) : [],
    limit: layers ? limits(layers, state.scale, share) : () => 1,
    probabilities: backward ? null : state.forward?.probabilities ?? null, classes: classesShown(state),
    ways: (block) => waysOf(state.network, state.open, block),
    names: state.network.class_names, off: state.whatif.channels_off,
    maps: (layer) => mapsShown(store, layer),
    selected: state.selected, field: state.field, seenBy: state.seenBy, ...extra,
  };
}

let remembered = { of: [], selection: null };

/** The selection of the state, worked out once for each change of it. */
function selectionOf(state) {
  const of = [state.selected, state.arithmetic, state.kernels, state.network];
  if (of.some((part, i) => part !== remembered.of[i])) remembered = { of, selection: makeSelection(state) };
  return remembered.selection;
}

/** {lit, links, windows}: the maps that belong to the selected one, links from its inputs to it, its window on them. */
function makeSelection({ selected, arithmetic, kernels, network }) {
  const node = selected && nodeOf(network, selected.layer);
  if (!node) return { lit: null };
  const all = { has: () => true };
  if (selected.map === undefined) return { lit: new Map([node.name, ...node.inputs].map((name) => [name, all])) };
  const terms = arithmetic?.layer === node.name && arithmetic.index[0] === selected.map ? arithmetic.terms : null;
  const sources = node.name === SOFTMAX ? sourcesOfProbability(node, arithmetic)
    : terms ? sourcesOfTerms(terms) : sourcesOfMap(node, selected.map, kernels, network);
  const lit = new Map([[node.name, new Set([selected.map])]]);
  for (const { layer, map } of sources) lit.set(layer, (lit.get(layer) ?? new Set()).add(map));
  const to = { layer: node.name, map: selected.map };
  return { lit, links: linksTo(to, sources), windows: terms ? windowsOf(terms, network) : null };
}

/** Links of what is pointed at: from the maps that made it, and to those that it feeds, as far as they can be seen. */
function linksAround(place, network) {
  return network.byName.has(place.layer) ? [...inputsOf(network, place), ...outputsOf(network, place)] : [];
}

function linksTo(to, sources) {
  const strongestFirst = [...sources].sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  const most = Math.max(Math.abs(strongestFirst[0]?.weight ?? 0), 1e-12);
  return strongestFirst.slice(0, MOST_LINKS)
    .map(({ layer, map, weight }) => ({ from: { layer, map }, to, weight: weight / most }));
}

/** {layer, map, weight} for each map that terms of a value come from; `weight` is the sum of those terms. */
function sourcesOfTerms(terms) {
  const sums = new Map();
  for (const { input, index, product, value } of terms) {
    if (input === null) continue; // softmax takes all values, see makeSelection
    const key = `${index[0]} ${input}`;
    const sum = sums.get(key) ?? { layer: input, map: index[0], weight: 0 };
    sum.weight += product ?? value;
    sums.set(key, sum);
  }
  return [...sums.values()];
}

/** The same for a probability: every value, by its share of all powers. */
function sourcesOfProbability({ inputs: [layer] }, arithmetic) {
  return (arithmetic?.layer === SOFTMAX ? arithmetic.terms : [])
    .map(({ index: [map], product }) => ({ layer, map, weight: product }));
}

/** The same for a map as a whole: its inputs weighted by the sum of their kernels, where these are known. */
function sourcesOfMap(node, map, kernels, network) {
  if (kernels?.layer === node.name && kernels.map === map) {
    const [inputs, height, width] = kernels.shape;
    const groups = node.attributes.groups ?? 1;
    const first = Math.floor(map / (node.shape[0] / groups)) * inputs;
    const sum = (i) => kernels.values.subarray(i * height * width, (i + 1) * height * width).reduce((a, b) => a + b, 0);
    return Array.from({ length: inputs }, (_, i) => ({ layer: node.inputs[0], map: first + i, weight: sum(i) }))
      .filter((source) => !node.attributes.table || node.attributes.table[map].includes(source.map));
  }
  return node.inputs.filter((name) => map < (network.byName.get(name)?.shape[0] ?? 0))
    .map((layer) => ({ layer, map, weight: 1 }));
}

/** Map from each input layer to the box [top, left, bottom, right] around the places that the terms come from. */
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
