/** The answers for the picture: of the newest drawing only, and of the network with the reader's changes. */

import { boardPicture } from "../input/strokes.js";
import * as api from "./api.js";
import { fail } from "./problems.js";
import { countChanges } from "./whatif.js";

// Milliseconds after which the page says that it takes long, and after which one need not wait any more.
const [SLOW, STUCK] = [1500, 10_000];

/** Says by the store's `status` that something takes long, while it is wanted; returns a function that ends that. */
export function whileWaiting(store, isWanted) {
  const timers = [["slow", SLOW], ["stuck", STUCK]]
    .map(([status, after]) => setTimeout(() => isWanted() && store.set({ status }), after));
  return () => timers.forEach(clearTimeout);
}

/**
 * `ask()` brings the store's answer up to date with picture and network; `askAgain()` gives up what does not come;
 * `forget()` when the session has ended.
 */
export function answers(store) {
  let controller = null; // of the request that is on its way
  let base = null; // {source, classifier, epoch, forward}: the answer without changes, on which changes build
  const answer = async (task) => {
    const isCurrent = () => store.state.source !== null && store.state.classifier === task.classifier;
    const { signal } = (controller = new AbortController());
    const end = whileWaiting(store, () => isCurrent() && !signal.aborted);
    try {
      if (["source", "classifier", "epoch"].some((key) => base?.[key] !== task[key])) {
        base = { ...task, forward: await forwardOf(task, store.state.examples, signal) };
      }
      const changed = countChanges(task.whatif) > 0;
      const forward = changed ? await api.whatIf(base.forward.session, task.whatif, signal) : base.forward;
      if (!isCurrent()) return;
      const { forward: unchanged } = base;
      store.set({ forward, unchanged, before: probabilitiesOf(unchanged), status: "ready", problem: null, note: null });
    } catch (problem) {
      base = null;
      if (isCurrent() && !signal.aborted) fail(store, problem);
    } finally {
      end();
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
  const askAgain = () => {
    ask(); // waits for the end of the one that is given up
    controller?.abort();
  };
  return { ask, askAgain, forget: () => (base = null) };
}

/** By class, where the answer has them by probability. */
function probabilitiesOf(forward) {
  const probabilities = [];
  for (const { index, probability } of forward.probabilities) probabilities[index] = probability;
  return probabilities;
}

async function forwardOf({ source, classifier, epoch }, examples, signal) {
  return api.forward(await imageOf(source, examples, signal), classifier, { epoch, signal });
}

/** The picture of a source, as the network takes it: a canvas or a Blob. */
export async function imageOf(source, examples, signal) {
  if (source.kind === "drawing") return boardPicture(source);
  if (source.kind === "file") return source.blob;
  return api.picture(examples.find(({ id }) => String(id) === String(source.id)).url, signal);
}
