/** Maps that an answer left out because they are not among the strongest: fetched when they are to be shown. */

import { isVector } from "../network/layout.js";
import * as api from "./api.js";
import { note } from "./problems.js";

export const SHOWN_AT_FIRST = 16; // maps of a layer; so many come with every answer
const fetched = new Map(); // of the current session: layer -> {byNumber: Map, strongest: maps or null, asked: count}
let session = null;
let wanted = new Map(); // layer -> Set of map numbers that are asked for together

/** How many maps of a layer are shown: all if they are few. */
export function countOf(state, node) {
  const total = node.shape[0];
  return isVector(node.shape) ? total : Math.min(total, state.shown[node.name] ?? SHOWN_AT_FIRST);
}

function fetchedOf(forward, layer) {
  if (session !== forward.session) {
    session = forward.session;
    fetched.clear();
    wanted.clear();
  }
  if (!fetched.has(layer)) fetched.set(layer, { byNumber: new Map(), strongest: null, asked: 0 });
  return fetched.get(layer);
}

/** The maps of a layer in the order in which they are shown: by number if all fit, else the strongest first. */
export function mapsOf(store, layer) {
  const { forward, direction, shown } = store.state;
  const count = Math.min(shown[layer.name] ?? SHOWN_AT_FIRST, layer.total);
  if (layer.total <= SHOWN_AT_FIRST) return [...layer.maps].sort((a, b) => a.map - b.map);
  if (layer.maps.length >= count || direction === "backward" || !forward) return layer.maps;
  const known = fetchedOf(forward, layer.name);
  if (known.strongest?.length >= count) return known.strongest;
  if (known.asked !== count) {
    known.asked = count;
    fetchMaps(store, forward, layer.name, { range: `0:${count}` }, (maps) => (known.strongest = maps));
  }
  return known.strongest ?? layer.maps;
}

/** One map of a layer; null while it is on its way (the store's `loaded` changes when it is there). */
export function findMap(store, layerName, number) {
  const { forward } = store.state;
  const layer = forward?.layers.get(layerName);
  if (!layer || layer.vector) return null;
  const { byNumber } = fetchedOf(forward, layerName);
  const found = layer.maps.find(({ map }) => map === number) ?? byNumber.get(number);
  if (!found && number < layer.total) want(store, forward, layerName, number);
  return found ?? null;
}

/** Asks for a map, together with all others that are wanted at the same moment. */
function want(store, forward, layer, number) {
  const isFirst = wanted.size === 0;
  if (!wanted.has(layer)) wanted.set(layer, new Set());
  wanted.get(layer).add(number);
  if (isFirst) queueMicrotask(() => fetchWanted(store, forward));
}

function fetchWanted(store, forward) {
  const wishes = wanted;
  wanted = new Map();
  for (const [layer, numbers] of wishes) {
    const { byNumber } = fetchedOf(forward, layer);
    const keep = (maps) => maps.forEach((map) => byNumber.set(map.map, map));
    fetchMaps(store, forward, layer, { only: [...numbers] }, keep);
  }
}

async function fetchMaps(store, forward, layer, which, keep) {
  try {
    const { maps } = await api.activations(forward.session, layer, which);
    if (store.state.forward?.session !== forward.session) return;
    keep(maps);
    store.set({ loaded: store.state.loaded + 1 });
  } catch (problem) {
    if (problem.status !== 404) note(store, problem);
  }
}
