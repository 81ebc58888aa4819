/** The state of the lesson: its step, which questions were answered, and how the page is arranged for the step. */

import { has } from "../i18n.js";
import { recall, remember } from "../preferences.js";
import { landmarks } from "./landmarks.js";
import { STEPS } from "./steps.js";

const STORAGE_KEY = "lesson"; // the answered questions, for the next visit
/** What every step begins with. */
const PLAIN = { selected: null, why: false, direction: "forward", label: null, three: false };

export class Guide {
  constructor(store) {
    this.store = store;
    this.solved = new Set((recall(STORAGE_KEY) ?? "").split(" ").filter(Boolean));
    this.arrangedFor = null; // the step and classifier for which the page was arranged
  }

  /** The number of the step, from 0. */
  get number() {
    return Math.min(Math.max(this.store.state.step, 0), STEPS.length - 1);
  }

  get step() {
    return STEPS[this.number];
  }

  get landmarks() {
    return landmarks(this.store.state.network);
  }

  /** Whether there is the network, and its answer if the step needs one. */
  get ready() {
    const { network, forward } = this.store.state;
    return Boolean(network && (this.step.early || forward?.classifier === network.classifier));
  }

  /** Whether the network has what the step speaks of. */
  get possible() {
    return !this.step.needs || this.landmarks[this.step.needs] !== null;
  }

  /** The values that the words of the step fill in; null if there is nothing to say yet, or at all. */
  get values() {
    return this.ready && this.possible ? this.step.values(this.store.state, this.landmarks) : null;
  }

  /** The key of a part of the step's words: that of this kind of layer or network, where it has words of its own. */
  wordsOf(part) {
    const { id, variant } = this.step;
    const key = `lesson.${id}.${part}`;
    const own = `${key}-${variant && this.possible ? variant(this.landmarks, this.store.state.network) : ""}`;
    return has(own) ? own : key;
  }

  /** Whether there is a step of this number, which is then the current one. */
  goTo(number) {
    if (!STEPS[number]) return false;
    this.store.set({ step: number });
    return true;
  }

  /**
   * Arranges the page as the step wants it and returns true; only once, unless it is to be done `again`, so that
   * whoever explores meanwhile is left alone.
   */
  arrange(again) {
    const { network, classifier, snapshots, wish, linked } = this.store.state;
    if (!network || wish) return false;
    this.chooseExample();
    const place = `${this.number} ${classifier}`;
    if ((this.arrangedFor === place && !again) || !this.ready) return false;
    this.arrangedFor = place;
    const finished = snapshots?.live ? {} : { epoch: null };
    const changes = this.possible ? this.step.arrange(this.store.state, this.landmarks) : {};
    this.store.set({ ...PLAIN, ...finished, ...changes, ...(!again && linked), linked: null });
    return true;
  }

  /** Most steps need a picture: a seven, if the examples are digits. */
  chooseExample() {
    const { source, examples } = this.store.state;
    if (source || this.step.early || !examples.length) return;
    const seven = examples.find(({ kind, label }) => kind === "digit" && label === "7");
    this.store.set({ source: { kind: "example", id: (seven ?? examples[0]).id } });
  }

  solve() {
    this.solved.add(this.step.id);
    remember(STORAGE_KEY, [...this.solved].join(" "));
  }

  /** The lesson is out of sight: the network turns forward again, and the step is arranged anew on return. */
  leave() {
    this.arrangedFor = null;
    if (this.store.state.direction === "backward") this.store.set({ direction: "forward", label: null });
  }
}
