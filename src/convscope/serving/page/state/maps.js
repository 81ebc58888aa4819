/** Maps that an answer left out because they are not the strongest: fetched when somebody looks at them. */

import * as api from "./api.js";

const AT_FIRST = 16; // maps a layer that come with every answer
const answers = new Map(); // of the current session: "layer" -> Map(map number -> map)
let session = null;
let wanted = new Map(); // layer -> Set of map numbers, asked for together

/** How many maps of a layer are shown: all if they are few. */
export function countOf(state, node) {
  const total = node.shape[0];
  const vector = node.shape.length < 3 || node.shape[1] * node.shape[2] === 1;
  return vector ? total : Math.min(total, state.shown[node.name] ?? AT_FIRST);
}

function extras(forward, layer) {
  if (session !== forward.session) {
    session = forward.session;
    answers.clear();
    wanted.clear();
  }
  if (!answers.has(layer)) answers.set(layer, new Map());
  return answers.get(layer);
}

/** The maps of a layer in the order in which they are shown: by number if all fit, else the strongest first. */
export function mapsOf(store, layer) {
  const { forward, direction, shown } = store.state;
  const count = shown[layer.name] ?? AT_FIRST;
  if (layer.total <= AT_FIRST) return [...layer.maps].sort((a, b) => a.map - b.map);
  if (layer.maps.length >= Math.min(count, layer.total) || direction === "backward" || !forward) return layer.maps;
  const known = extras(forward, layer.name);
  const more = known.range;
  if (more?.length >= Math.min(count, layer.total)) return more;
  if (known.asked !== count) {
    known.asked = count;
    fetchInto(store, forward, layer.name, { range: `0:${count}` }, (maps) => (known.range = maps));
  }
  return more ?? layer.maps;
}

/** One map of a layer; null while it is on its way (the store's `loaded` changes when it is there). */
export function findMap(store, layerName, map) {
  const { forward } = store.state;
  const layer = forward?.layers.get(layerName);
  if (!layer || layer.vector) return null;
  const found = layer.maps.find((m) => m.map === map);
  const known = extras(forward, layerName);
  if (found || known.has(map)) return found ?? known.get(map);
  if (map < layer.total) want(store, forward, layerName, map, known);
  return null;
}

function want(store, forward, layer, map, known) {
  const first = wanted.size === 0;
  if (!wanted.has(layer)) wanted.set(layer, new Set());
  wanted.get(layer).add(map);
  if (!first) return;
  queueMicrotask(() => {
    const wishes = wanted;
    wanted = new Map();
    for (const [name, maps] of wishes) {
      const keep = name === layer ? known : extras(forward, name);
      fetchInto(store, forward, name, { only: [...maps] }, (some) => some.forEach((m) => keep.set(m.map, m)));
    }
  });
}

async function fetchInto(store, forward, layer, what, keep) {
  try {
    const answer = await api.activations(forward.session, layer, what);
    if (store.state.forward?.session !== forward.session) return;
    keep(answer.maps);
    store.set({ loaded: (store.state.loaded) + 1 });
  } catch (problem) {
    if (problem.status !== 404) store.set({ note: problem.words ?? { en: String(problem), zh: String(problem) } });
  }
}
