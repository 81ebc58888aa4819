/** The kept epochs of the chosen classifier, and its figures as they grow while it is still in training. */

import * as api from "../api.js";

/**
 * Keeps store.snapshots up to date: null while asked for, {epochs, metrics, running, live} when known. Of a run that is
 * `live` (it was going on when the page came) the server has no finished network, so the newest epoch takes its place.
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
      store.set({ snapshots: { ...found, live: found.running }, ...(found.running && { epoch: found.epochs.at(-1) ?? null }) });
      if (found.running) follow(id);
    } catch (problem) {
      if (store.state.classifier === id) store.set({ snapshots: { epochs: [], metrics: [], running: false, problem: problem.words ?? { en: String(problem), zh: String(problem) } } });
    }
  }

  /** Whoever looks at the newest epoch goes on looking at the newest. */
  function grow(snapshots) {
    const { epoch, snapshots: before } = store.state;
    const followed = epoch === null || epoch === before.epochs.at(-1) || !snapshots.epochs.includes(epoch);
    store.set({ snapshots, epoch: followed ? snapshots.epochs.at(-1) ?? null : epoch });
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
      const found = await api.snapshots(id).catch(() => null);
      const { snapshots, classifier } = store.state;
      if (classifier === id) grow({ ...(found ?? snapshots), running: false, live: true });
    };
    stop = api.trainingRows(id, onRow, onEnd);
  }

  store.on(["classifier"], load);
  if (store.state.classifier) load();
}
