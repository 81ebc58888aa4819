/** The answers for the picture: of the newest drawing only, and of the network with the reader's changes. */

import { boardPicture } from "../input/strokes.js";
import * as api from "./api.js";
import { fail } from "./problems.js";
import { countChanges } from "./whatif.js";

const SLOW = 1500; // milliseconds after which the page says that it takes long

/** `ask()` brings the store's answer up to date with picture and network; `forget()` when the session has ended. */
export function answers(store) {
  let base = null; // {source, classifier, epoch, forward}: the answer without changes, on which changes build
  const answer = async (task) => {
    const isCurrent = () => store.state.source !== null && store.state.classifier === task.classifier;
    const slow = setTimeout(() => isCurrent() && store.set({ status: "slow" }), SLOW);
    try {
      if (["source", "classifier", "epoch"].some((key) => base?.[key] !== task[key])) {
        base = { ...task, forward: await forwardOf(task, store.state.examples) };
      }
      const changed = countChanges(task.whatif) > 0;
      const forward = changed ? await api.whatIf(base.forward.session, task.whatif) : base.forward;
      if (!isCurrent()) return;
      const { forward: unchanged } = base;
      store.set({ forward, unchanged, before: probabilitiesOf(unchanged), status: "ready", problem: null, note: null });
    } catch (problem) {
      base = null;
      if (isCurrent()) fail(store, problem);
    } finally {
      clearTimeout(slow);
    }
  };
  const newest = api.oneAtATime(answer);
  const ask = async () => {
    const { source, classifier, epoch, whatif, network, status } = store.state;
    if (!network) return;
    if (!source) {
      store.set({ forward: null, before: null, arithmetic: null, gradients: null, status: "empty" });
      return;
    }
    if (status !== "ready") store.set({ status: "loading", problem: null });
    store.set({ busy: true });
    const done = await newest({ source, classifier, epoch, whatif });
    if (done) store.set({ busy: false });
  };
  return { ask, forget: () => (base = null) };
}

/** By class, where the answer has them by probability. */
function probabilitiesOf(forward) {
  const probabilities = [];
  for (const { index, probability } of forward.probabilities) probabilities[index] = probability;
  return probabilities;
}

async function forwardOf({ source, classifier, epoch }, examples) {
  return api.forward(await imageOf(source, examples), classifier, { epoch });
}

/** The picture of a source, as the network takes it: a canvas or a Blob. */
export async function imageOf(source, examples) {
  if (source.kind === "drawing") return boardPicture(source);
  if (source.kind === "file") return source.blob;
  return api.picture(examples.find(({ id }) => String(id) === String(source.id)).url);
}
