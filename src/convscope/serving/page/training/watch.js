/** The kept epochs of the chosen classifier and its figures, which grow while it is in training. */

import * as api from "../state/api.js";
import { newestEpoch } from "../state/store.js";

/**
 * Keeps store.snapshots up to date: null while the server is asked, then {epochs, metrics, running, live}. A run is
 * `live` until it is finished: then there is no finished network yet, and its newest epoch takes the place.
 */
export function watch(store) {
  const asked = api.latest();
  let stop = () => {};
  let loaded = null; // the classifier whose epochs these are

  async function load() {
    const { classifiers, classifier } = store.state;
    if (!classifiers.some(({ id }) => id === classifier)) return; // a link's wish, of which nobody knows yet
    loaded = classifier;
    stop();
    store.set({ snapshots: null });
    try {
      const found = await asked((signal) => api.snapshots(classifier, signal));
      if (!found || store.state.classifier !== classifier) return;
      const snapshots = { ...found, live: !found.finished };
      store.set({ snapshots, ...(snapshots.live && { epoch: newestEpoch(snapshots) }) });
      if (found.running) stop = follow(store, classifier);
    } catch (failure) {
      const problem = failure.words ?? { en: String(failure), zh: String(failure) };
      if (store.state.classifier === classifier) {
        store.set({ snapshots: { epochs: [], metrics: [], running: false, live: false, problem } });
      }
    }
  }
  store.on(["classifiers", "classifier"], () => store.state.classifier !== loaded && load());
  load();
}

/** Follows a run in training until its end; returns a function that ends it before. */
function follow(store, classifier) {
  const onRow = ({ epochs, ...row }) => {
    const { snapshots } = store.state;
    update(store, { ...snapshots, epochs, metrics: withRow(snapshots.metrics, row), running: true });
  };
  const onEnd = async () => {
    // The list of classifiers says how often the finished network is right.
    const [found, listed] = await Promise.all([api.snapshots(classifier), api.classifiers()]).catch(() => []);
    if (listed) store.set({ classifiers: listed.classifiers });
    if (store.state.classifier !== classifier) return;
    update(store, { ...(found ?? store.state.snapshots), running: false, live: !found?.finished });
  };
  return api.trainingRows(classifier, onRow, onEnd);
}

/** The rows of metrics.csv with one more, which takes the place of an older row of its epoch. */
function withRow(rows, row) {
  const others = rows.filter(({ epoch }) => epoch !== row.epoch);
  return [...others, row].sort((a, b) => a.epoch - b.epoch);
}

/** Who looks at the newest epoch goes along with it, and in the end to the finished network. */
function update(store, snapshots) {
  const { epoch, snapshots: before } = store.state;
  const follows = epoch === newestEpoch(before) || !snapshots.epochs.includes(epoch);
  store.set({ snapshots, epoch: follows ? newestEpoch(snapshots) : epoch });
}
