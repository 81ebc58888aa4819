/** The kept epochs of the chosen classifier, and its figures as they grow while it is still in training. */

import * as api from "../api.js";

/** Keeps store.snapshots up to date: null while asked for, {epochs, metrics, running} when known. */
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
      store.set({ snapshots: found });
      if (found.running) follow(id);
    } catch (problem) {
      if (store.state.classifier === id) store.set({ snapshots: { epochs: [], metrics: [], running: false, problem: problem.words ?? { en: String(problem), zh: String(problem) } } });
    }
  }

  function follow(id) {
    const onRow = ({ epochs, ...row }) => {
      const { metrics, ...rest } = store.state.snapshots;
      const others = metrics.filter(({ epoch }) => epoch !== row.epoch);
      const all = [...others, row].sort((a, b) => a.epoch - b.epoch);
      store.set({ snapshots: { ...rest, epochs, metrics: all, running: true } });
    };
    const onEnd = async () => {
      stop = null;
      const found = await api.snapshots(id).catch(() => null);
      const { snapshots, classifier } = store.state;
      if (classifier === id) store.set({ snapshots: { ...(found ?? snapshots), running: false } });
    };
    stop = api.trainingRows(id, onRow, onEnd);
  }

  store.on(["classifier"], load);
  if (store.state.classifier) load();
}
