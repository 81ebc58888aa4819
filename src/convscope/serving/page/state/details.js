/** What the server knows beyond the answer: the numbers of the selection, the boxes of the hover, the gradients. */

import * as api from "./api.js";
import { note } from "./problems.js";
import { probabilityArithmetic, SOFTMAX } from "./softmax.js";

const HOVER_REST = 40; // milliseconds that the pointer must rest before its boxes are asked for

/** Keeps `arithmetic` and `kernels` those of the selection; `forget()` is called when the session has ended. */
export function followSelection(store, forget) {
  const requests = { arithmetic: api.latest(), kernels: api.latest() };
  store.on(["selected", "forward"], ({ selected, forward, network }) => {
    if (!selected || selected.map === undefined || !forward) store.set({ arithmetic: null, kernels: null });
    else if (selected.layer === SOFTMAX) {
      store.set({ arithmetic: probabilityArithmetic(network, forward, selected.map), kernels: null });
    } else {
      const node = network.byName.get(selected.layer);
      const ask = (work) => orRenewed(store, forget, work);
      ask(() => loadArithmetic(store, node, requests.arithmetic));
      ask(() => loadKernels(store, node, requests.kernels));
    }
  });
}

const textOf = ({ map, y, x }) => `${map},${y},${x}`;

async function loadArithmetic(store, node, request) {
  const { selected: { layer, map, y, x }, forward: { session }, arithmetic } = store.state;
  const sameMap = arithmetic?.layer === layer && arithmetic.index[0] === map;
  // While the window moves over one map the last numbers stay; those of another map would be wrong.
  if (y === undefined || !sameMap) store.set({ arithmetic: null });
  const of = textOf({ map, y, x });
  if (y === undefined || (sameMap && arithmetic.session === session && arithmetic.of === of)) return;
  const place = node.shape.length === 3 ? { map, y, x } : { map };
  const answer = await request((signal) => api.arithmetic(session, layer, place, signal));
  // Softmax and maps without a place ask nothing of the server, so that nothing newer aborts this request.
  const { selected } = store.state;
  if (answer && selected?.layer === layer && textOf(selected) === of) {
    const { term, ...value } = selected;
    const isProduct = term === undefined || term < answer.terms.length;
    store.set({ arithmetic: { ...answer, session, of }, ...(!isProduct && { selected: value }) });
  }
}

async function loadKernels(store, node, request) {
  const { selected: { layer, map }, forward: { session }, kernels, network: { classifier } } = store.state;
  if (node.kind !== "conv" || !node.parameters) store.set({ kernels: null });
  else if (kernels?.session !== session || kernels.layer !== layer || kernels.map !== map) {
    const answer = await request((signal) => api.kernels(layer, { classifier, map, session, signal }));
    if (answer) store.set({ kernels: { ...answer, session } });
  }
}

/** Sessions end after a while; then the same picture makes a new one. */
async function orRenewed(store, forget, work) {
  try {
    await work();
  } catch (problem) {
    if (problem.status === 404 && store.state.source) {
      forget();
      store.set({ source: { ...store.state.source } });
    } else note(store, problem);
  }
}

/** Keeps `field` (of a hovered value) and `seenBy` (of a hovered pixel of the input) those of the hover. */
export function followHover(store) {
  const request = api.latest();
  const load = async (hover, { session }) => {
    const ask = hover.layer ? (signal) => api.field(session, hover.layer, hover.y, hover.x, signal)
      : (signal) => api.seen(session, hover.row, hover.column, signal);
    const answer = await request(ask);
    if (!answer || store.state.hover !== hover) return;
    store.set(hover.layer ? { field: answer.field, seenBy: null } : { seenBy: answer.layers, field: null });
  };
  let rest = 0;
  store.on(["hover"], ({ hover, forward }) => {
    clearTimeout(rest);
    if (!hover || !forward) store.set({ field: null, seenBy: null });
    else rest = setTimeout(() => orNoted(store, () => load(hover, forward)), HOVER_REST);
  });
}

/** Keeps `gradients` those of the answer, as long as the direction is backward. */
export function followGradients(store) {
  const request = api.latest();
  const load = async ({ label, forward, gradients }) => {
    const wished = label ?? forward.probabilities[0].index;
    if (gradients?.session === forward.session && gradients.label === wished) return;
    const answer = await request((signal) => api.gradients(forward.session, wished, signal));
    if (answer) store.set({ gradients: answer });
  };
  store.on(["direction", "label", "forward"], (state) => {
    if (state.direction === "backward" && state.forward) orNoted(store, () => load(state));
  });
}

/** A problem becomes a note, unless the session has ended: then a newer picture has taken its place. */
async function orNoted(store, work) {
  try {
    await work();
  } catch (problem) {
    if (problem.status !== 404) note(store, problem);
  }
}
