/** Going through the kept epochs of a run: to one of them, or from one to the next by itself. */

import { stillness } from "../dom.js";

const PACE = 650; // milliseconds per epoch

/**
 * A position counts the kept epochs from 0. Of a finished run there is one more at the end: the finished network, whose
 * weights may be those of an earlier, better epoch.
 */
export class EpochPlayer {
  /** `onChange()` is called when it begins or stops to play. */
  constructor(store, onChange) {
    this.store = store;
    this.onChange = onChange;
    this.timer = 0; // 0 while it does not play
  }

  get epochs() {
    return this.store.state.snapshots?.epochs ?? [];
  }

  get end() {
    return this.epochs.length - (this.store.state.snapshots?.live ? 1 : 0);
  }

  get position() {
    const { epoch } = this.store.state;
    return epoch === null ? this.end : this.epochs.indexOf(epoch);
  }

  get playing() {
    return this.timer !== 0;
  }

  goTo(position) {
    this.store.set({ epoch: this.epochs[position] ?? null });
  }

  /** Plays from here, at the end from the beginning; one epoch at a time for people who want no motion. */
  play() {
    if (stillness()) {
      this.goTo((this.position + 1) % (this.end + 1));
      return;
    }
    if (this.position >= this.end) this.goTo(0);
    this.timer = setInterval(() => this.advance(), PACE);
    this.onChange();
  }

  /** The next epoch, once the network has answered with the weights of this one. */
  advance() {
    const { forward, epoch, source } = this.store.state;
    if (this.position >= this.end) this.stop();
    else if (!source || forward?.epoch === epoch) this.goTo(this.position + 1);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
    this.onChange();
  }
}
