/** The work behind the views: which question goes to the server when the state changes, and what comes of the answer. */

import * as api from "./api.js";
import { newestEpoch } from "./store.js";
import { NO_CHANGES, countChanges } from "./whatif.js";
import { boardFile } from "../input/strokes.js";
import { softmaxArithmetic, SOFTMAX } from "./softmax.js";

const SLOW = 1500; // milliseconds after which the page says that it takes long
const HOVER_REST = 40;

/** Starts it; the returned `again()` repeats what failed. */
export function start(store) {
  const networks = api.latest();
  let base = null; // the answer for the picture as it is, on which changes build: {source, classifier, epoch, forward}

  const forwards = api.oneAtATime(async (task) => {
    const current = () => store.state.source !== null && store.state.classifier === task.classifier;
    const slow = setTimeout(() => current() && store.set({ status: "slow" }), SLOW);
    try {
      if (["source", "classifier", "epoch"].some((key) => base?.[key] !== task[key])) {
        const image = await imageOf(task.source, store.state.examples);
        base = { ...task, forward: await api.forward(image, task.classifier, { epoch: task.epoch }) };
      }
      let { forward } = base;
      if (countChanges(task.whatif)) forward = await api.whatIf(base.forward.session, task.whatif);
      if (!current()) return;
      const before = [];
      base.forward.probabilities.forEach(({ index, probability }) => (before[index] = probability));
      store.set({ forward, before, status: "ready", problem: null, note: null });
    } catch (problem) {
      base = null;
      if (current()) fail(store, problem);
    } finally {
      clearTimeout(slow);
    }
  });

  function ask() {
    const { source, classifier, epoch, whatif, network, status } = store.state;
    if (!network) return;
    if (!source) store.set({ forward: null, before: null, arithmetic: null, gradients: null, status: "empty" });
    else {
      if (status !== "ready") store.set({ status: "loading", problem: null });
      store.set({ busy: true });
      forwards({ source, classifier, epoch, whatif }).then((done) => done && store.set({ busy: false }));
    }
  }

  async function loadNetwork() {
    const id = store.state.classifier;
    store.set({ status: "loading", problem: null, network: null, forward: null, before: null, arithmetic: null,
      kernels: null, gradients: null, whatif: NO_CHANGES, epoch: newestEpoch(store.state.snapshots), shown: {},
      hover: null, field: null, seenBy: null });
    try {
      const loaded = await networks((signal) => Promise.all([api.network(id, signal), api.examples(id, signal)]));
      if (!loaded) return;
      const [network, { examples }] = loaded;
      network.byName = new Map(network.nodes.map((node) => [node.name, node]));
      const { source, selected } = store.state;
      const lost = source?.kind === "example" && !examples.some((example) => example.id === source.id);
      const known = selected && (network.byName.has(selected.layer) || selected.layer === SOFTMAX);
      store.set({ network, examples, source: lost ? null : source, selected: known ? selected : null });
      ask();
    } catch (problem) {
      fail(store, problem);
    }
  }

  async function begin() {
    try {
      const { classifiers, current } = await api.classifiers();
      const wished = store.state.classifier;
      const classifier = classifiers.some(({ id }) => id === wished) ? wished : current ?? classifiers[0]?.id;
      store.set({ classifiers, classifier });
      if (classifier === wished) loadNetwork();
    } catch (problem) {
      fail(store, problem);
    }
  }

  store.on(["classifier"], loadNetwork);
  store.on(["source", "whatif", "epoch"], ask);
  watchNumbers(store, () => (base = null));
  watchHover(store);
  watchGradients(store);
  begin();
  return { again: () => (store.state.classifiers.length ? (store.state.network ? ask() : loadNetwork()) : begin()) };
}

async function imageOf(source, examples) {
  if (source.kind === "drawing") return boardFile(source);
  if (source.kind === "file") return source.blob;
  return api.picture(examples.find(({ id }) => id === source.id).url);
}

function wordsOf(problem) {
  if (!(problem instanceof api.Failure)) console.error(problem);
  return problem.words ?? { en: String(problem), zh: String(problem) };
}

/** Nothing to show: the answer's place says why. */
const fail = (store, problem) => store.set({ status: "failed", problem: wordsOf(problem) });

/** What is shown stays; a line below the network says what is missing. */
const note = (store, problem) => store.set({ note: wordsOf(problem) });

/** Sessions end after a while; then the same picture simply makes a new one. */
async function orGone(store, forget, work) {
  try {
    return await work();
  } catch (problem) {
    if (problem.status === 404 && store.state.source) {
      forget();
      store.set({ source: { ...store.state.source } });
    } else note(store, problem);
    return undefined;
  }
}

function watchNumbers(store, forget) {
  const [sums, weights] = [api.latest(), api.latest()];
  store.on(["selected", "forward"], async ({ selected, forward, network }) => {
    if (!selected || selected.map === undefined || !forward) return store.set({ arithmetic: null, kernels: null });
    const { layer, map, y, x } = selected;
    if (layer === SOFTMAX) return store.set({ arithmetic: softmaxArithmetic(forward, map), kernels: null });
    const node = network.byName.get(layer);
    const { session } = forward;
    const { arithmetic, kernels } = store.state;
    const same = (answer) => answer?.session === session && answer.layer === layer && answer.of === `${map},${y},${x}`;
    const sameKernel = kernels?.session === session && kernels.layer === layer && kernels.map === map;
    // While the window moves over one map the last numbers stay; those of another map would be wrong.
    if (y === undefined || arithmetic?.layer !== layer || arithmetic.index[0] !== map) store.set({ arithmetic: null });
    if (y !== undefined && !same(arithmetic)) {
      const place = node.shape.length === 3 ? { map, y, x } : { map };
      orGone(store, forget, async () => {
        const answer = await sums((signal) => api.arithmetic(session, layer, place, signal));
        if (answer) store.set({ arithmetic: { ...answer, session, of: `${map},${y},${x}` } });
      });
    }
    if (node.kind !== "conv" || !node.parameters) store.set({ kernels: null });
    else if (!sameKernel) {
      orGone(store, forget, async () => {
        const question = { classifier: network.classifier, map, session };
        const answer = await weights((signal) => api.kernels(layer, { ...question, signal }));
        if (answer) store.set({ kernels: { ...answer, session } });
      });
    }
    return undefined;
  });
}

function watchHover(store) {
  const boxes = api.latest();
  let rest = 0;
  store.on(["hover"], ({ hover, forward }) => {
    clearTimeout(rest);
    if (!hover || !forward) return store.set({ field: null, seenBy: null });
    rest = setTimeout(async () => {
      const { session } = forward;
      const work = hover.layer
        ? (signal) => api.field(session, hover.layer, hover.y, hover.x, signal)
        : (signal) => api.seen(session, hover.row, hover.column, signal);
      try {
        const answer = await boxes(work);
        if (!answer || store.state.hover !== hover) return;
        store.set(hover.layer ? { field: answer.field, seenBy: null } : { seenBy: answer.layers, field: null });
      } catch (problem) {
        if (problem.status !== 404) note(store, problem);
      }
    }, HOVER_REST);
    return undefined;
  });
}

function watchGradients(store) {
  const answers = api.latest();
  store.on(["direction", "label", "forward"], async ({ direction, label, forward }) => {
    if (direction !== "backward" || !forward) return;
    const wished = label ?? forward.probabilities[0].index;
    if (store.state.gradients?.session === forward.session && store.state.gradients.label === wished) return;
    try {
      const gradients = await answers((signal) => api.gradients(forward.session, wished, signal));
      if (gradients) store.set({ gradients });
    } catch (problem) {
      if (problem.status !== 404) note(store, problem);
    }
  });
}
