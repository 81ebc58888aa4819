/** The kept epochs of the chosen classifier, and its figures as they grow while it is still in training. */

import * as api from "../state/api.js";

/**
 * Keeps store.snapshots up to date: null while asked for, {epochs, metrics, running, live} when known. Of a run that is
 * `live` (not finished) the server has no finished network, so the newest epoch takes its place.
 */
export function watch(store) {
  const asked = api.latest();
  let stop = null;

  async function load() {
    const id = store.state.classifier;
    stop?.();
    stop = null;
    store.set({ snapshots: null });
    try {
      const found = await asked((signal) => api.snapshots(id, signal));
      if (!found || store.state.classifier !== id) return;
      const live = !found.finished;
      store.set({ snapshots: { ...found, live }, ...(live && { epoch: found.epochs.at(-1) ?? null }) });
      if (found.running) follow(id);
    } catch (problem) {
      if (store.state.classifier === id) store.set({ snapshots: { epochs: [], metrics: [], running: false, problem: problem.words ?? { en: String(problem), zh: String(problem) } } });
    }
  }

  /** Whoever looks at the newest epoch goes on looking at the newest, and at last at the finished network. */
  function grow(snapshots) {
    const { epoch, snapshots: before } = store.state;
    const followed = epoch === null || epoch === before.epochs.at(-1) || !snapshots.epochs.includes(epoch);
    const newest = snapshots.live ? snapshots.epochs.at(-1) ?? null : null;
    store.set({ snapshots, epoch: followed ? newest : epoch });
  }

  function follow(id) {
    const onRow = ({ epochs, ...row }) => {
      const { metrics, ...rest } = store.state.snapshots;
      const others = metrics.filter(({ epoch }) => epoch !== row.epoch);
      const all = [...others, row].sort((a, b) => a.epoch - b.epoch);
      grow({ ...rest, epochs, metrics: all, running: true });
    };
    const onEnd = async () => {
      stop = null;
      // With what the list says about the finished network: how often it was right.
      const [found, listed] = await Promise.all([api.snapshots(id), api.classifiers()]).catch(() => [null, null]);
      const { snapshots, classifier } = store.state;
      if (listed) store.set({ classifiers: listed.classifiers });
      if (classifier === id) grow({ ...(found ?? snapshots), running: false, live: !found?.finished });
    };
    stop = api.trainingRows(id, onRow, onEnd);
  }

  store.on(["classifier"], load);
  if (store.state.classifier) load();
}
