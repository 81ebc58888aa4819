/** The work behind the views: what is asked of the server when the state changes. */

import { answers, whileWaiting } from "./answers.js";
import * as api from "./api.js";
import { fulfil, withoutClassifier } from "./arrival.js";
import { followGradients, followHover, followSelection } from "./details.js";
import { firstExample } from "./first.js";
import { fail } from "./problems.js";
import { SOFTMAX } from "./softmax.js";
import { newestEpoch } from "./store.js";
import { NO_CHANGES } from "./whatif.js";

/** Begins with the list of classifiers and follows the store from then on; `retry()` repeats what failed. */
export function start(store) {
  const { ask, askAgain, forget } = answers(store);
  const request = api.latest();
  const load = async () => {
    if (await loadNetwork(store, request)) ask();
  };
  const begin = async () => {
    if (await loadClassifiers(store)) load();
  };
  store.on(["classifier"], load);
  store.on(["source", "whatif", "epoch"], ask);
  followSelection(store, forget);
  followHover(store);
  followGradients(store);
  begin();
  return {
    retry() {
      const { classifiers, network } = store.state;
      if (!classifiers.length) begin();
      else if (!network) load();
      else askAgain();
    },
  };
}

/** Chooses the link's classifier if there is such a one. True if its network is still to be loaded. */
async function loadClassifiers(store) {
  try {
    const { classifiers, current } = await api.classifiers();
    const { classifier: wished, wish, notice } = store.state;
    const classifier = classifiers.some(({ id }) => id === wished) ? wished : current ?? classifiers[0]?.id;
    const said = wished && wished !== classifier
      && withoutClassifier({ classifier: wished, wish, problems: notice ?? [] }, classifier);
    store.set({ classifiers, classifier, ...(said && { wish: said.wish, notice: said.problems }) });
    return classifier === wished; // another one is loaded because it has changed
  } catch (problem) {
    fail(store, problem);
    return false;
  }
}

/** The graph and the examples of the chosen classifier; true when they are there. */
async function loadNetwork(store, request) {
  const { classifier: id, snapshots } = store.state;
  store.set({
    status: "loading", problem: null, network: null, forward: null, before: null, arithmetic: null, kernels: null,
    gradients: null, whatif: NO_CHANGES, epoch: newestEpoch(snapshots), shown: {}, hover: null, field: null,
    seenBy: null,
  });
  const end = whileWaiting(store, () => store.state.classifier === id && !store.state.network);
  try {
    const loaded = await request((signal) => Promise.all([api.network(id, signal), api.examples(id, signal)]));
    if (!loaded) return false;
    const [network, { examples, about, warning, mistakes }] = loaded;
    network.byName = new Map(network.nodes.map((node) => [node.name, node]));
    const aboutExamples = { about, warning, mistakes };
    store.set({ network, examples, aboutExamples, ...keptOf(store.state, network, examples) });
    fulfil(store);
    if (!store.state.source) store.set({ source: firstExample(network, examples) });
    return true;
  } catch (problem) {
    fail(store, problem);
    return false;
  } finally {
    end();
  }
}

/** What stays of picture and selection with another network: examples and layers that it has, too. */
function keptOf({ source, selected }, network, examples) {
  const lost = source?.kind === "example" && !examples.some(({ id }) => id === source.id);
  const known = selected && (network.byName.has(selected.layer) || selected.layer === SOFTMAX);
  return { source: lost ? null : source, selected: known ? selected : null };
}
