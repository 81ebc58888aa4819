import { NO_CHANGES } from "./whatif.js";

/**
 * The page's one store. Views read `state`, change it with `set` and follow its changes with `on`; they know nothing of
 * each other.
 *
 *   store.on(["forward", "scale"], (state) => draw(state));   // called once for each `set` that changes one of them
 *   store.set({ scale: "layer" });
 *
 * What the keys hold:
 *   classifiers, classifier   all that can be chosen; the id of the chosen one
 *   network                   its graph (GET /api/network), with `byName`: Map of nodes
 *   examples                  pictures to try
 *   aboutExamples             {about, warning, mistakes}: null or {en, zh}, which ones they are and what is missing;
 *                             how many mistakes there are in all, null if unknown
 *   source                    null, {kind: "drawing", strokes, ink}, {kind: "example", id}, {kind: "file", name, blob}
 *   forward                   the last answer: session, probabilities, logits, seen, layers (Map), layer_ms, time_ms
 *   unchanged                 the answer without the changes of `whatif`
 *   before                    probabilities by index without the changes of `whatif`
 *   whatif                    {channels_off, kernels, occlude, pixels}: changes of network or picture (whatif.js)
 *   selected                  null or {layer, map?, y?, x?, term?}: the deeper, the more there is of it
 *   arithmetic, kernels       the numbers behind `selected`, once they have come
 *   hover                     null, {layer, map, y, x, value} or {row, column} (on the input)
 *   field, seenBy             boxes that belong to `hover`
 *   direction, label          "forward" or "backward", and the class whose loss goes backwards
 *   magnified                 whether gradients are painted by their own strength, however small the error is
 *   gradients                 the answer of GET /api/gradients
 *   why                       whether the heat maps are open
 *   whyChoice                 {method, layer, first, second, versus} of the heat maps; null: what fits the answer
 *   scale                     "map", "layer" or "network": what the strongest colour stands for
 *   beside                    what the selected map is compared with: "", "epoch~3", "model~ID" or "example~ID"
 *   zoom                      how large the network is shown: null as it is readable, "fit", or a factor
 *   open, shown               names of blocks that are open (Set); how many maps a layer shows (object)
 *   tab, three                the tab in front; whether the network turns in 3D
 *   epoch, snapshots          whose weights are used (null: the finished ones); which epochs were kept, and figures
 *   step                      of the lesson, from 0
 *   intro                     "drawing", "flowing" or "answered" while the page shows itself (intro.js), else null
 *   predict, guess            "asking" until the answer is shown, then "told"; null without; the class that was guessed
 *   presenter                 whether the page is shown to a class: large type, arrow keys from layer to layer
 *   playground                the settings of the convolution tab (convolution/settings.js), null before it was opened
 *   figure                    {kind, ...}: the figure of that tab (convolution/figures), null for the single kernel
 *   wish                      what a link asks of a network that is not here yet (arrival.js), else null
 *   linked                    what a link to the lesson shows otherwise than its step would, until that is arranged
 *   wishedEpoch               the epoch that a link asks for until it is known which were kept, else null
 *   notice                    [[key, values]]: sentences about the link that was opened, null if there are none
 *   language, theme           "en" or "zh"; "light", "dark" or "auto"
 *   busy                      whether an answer is on its way
 *   status, problem           "empty", "loading", "slow", "stuck", "ready" or "failed"; {en, zh} of that
 *   note                      {en, zh}: a detail that could not be had
 *   loaded                    counts maps that came later (see maps.js)
 */
export function createStore(initial) {
  let state = Object.freeze({ ...initial });
  const listeners = new Set();

  return {
    get state() {
      return state;
    },
    set(changes) {
      const changed = Object.keys(changes).filter((key) => !Object.is(state[key], changes[key]));
      if (!changed.length) return;
      state = Object.freeze({ ...state, ...changes });
      for (const { keys, listener } of [...listeners]) {
        if (changed.some((key) => keys.has(key))) listener(state);
      }
    },
    /** Calls `listener` after changes of any of `keys`; returns a function that ends it. */
    on(keys, listener) {
      const entry = { keys: new Set(keys), listener };
      listeners.add(entry);
      return () => listeners.delete(entry);
    },
  };
}

export const INITIAL = {
  classifiers: [], classifier: null, network: null, examples: [],
  aboutExamples: { about: null, warning: null, mistakes: null },
  source: null, forward: null, unchanged: null, before: null, whatif: NO_CHANGES,
  selected: null, arithmetic: null, kernels: null,
  hover: null, field: null, seenBy: null,
  direction: "forward", label: null, magnified: false, gradients: null, why: false,
  whyChoice: { method: null, layer: "", first: null, second: null, versus: false },
  scale: "layer", zoom: null, beside: "", open: new Set(), shown: {},
  tab: "network", three: false, epoch: null, snapshots: null, step: 0, language: "en", theme: "auto",
  playground: null, figure: null, wish: null, linked: null, wishedEpoch: null, notice: null,
  predict: null, guess: null, presenter: false,
  intro: null, busy: false, status: "loading", problem: null, note: null, loaded: 0,
};

/** The newest epoch of a run in training, which has no finished network yet; null of any other. */
export const newestEpoch = (snapshots) => (snapshots?.live ? snapshots.epochs.at(-1) ?? null : null);

/** The selection one level up: product, value, map, layer, network (null). */
export function up(selected) {
  if (!selected) return null;
  const { layer, map, y, x, term } = selected;
  if (term !== undefined) return { layer, map, y, x };
  if (y !== undefined) return { layer, map };
  return map !== undefined ? { layer } : null;
}
