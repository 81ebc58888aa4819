/** The state of the convolution tab, and what every event changes in it. */

import * as api from "../state/api.js";
import { stillness } from "../dom.js";
import { paced } from "../pace.js";
import { blobImage, CLASSIC, seenImage } from "./images.js";
import { KERNELS, nameOf } from "./kernels.js";
import { computeMaps, INITIAL, windowOf } from "./settings.js";

const PACE = 420; // milliseconds between two places of the window on a small map
const QUICK_PACE = 60; // on a map that is too large to stop at every place
const MOST_PLACES = 150; // that the window stops at while it slides over a map

const clamp = (value, most) => Math.min(Math.max(value, 0), most);

export class Playground {
  /** `store` knows the pictures of the network's page; `onChange()` is called after every change. */
  constructor(store, onChange) {
    this.store = store;
    this.onChange = onChange;
    this.settings = store.state.playground ?? INITIAL;
    this.maps = computeMaps(this.settings);
    this.timer = 0; // of the sliding window, 0 while it rests
    this.failure = null; // {en, zh} or {key}: why a picture could not be read
    this.awaited = null; // {source, ...}: the picture of a link that is not here yet, and what it is shown with
    store.on(["playground"], () => this.adopt());
    store.on(["forward", "examples"], () => this.takeAwaited());
    if (store.state.playground) this.adoptPicture();
    else store.set({ playground: this.settings });
  }

  /** Takes the settings of a link. */
  adopt() {
    const { playground } = this.store.state;
    if (playground === this.settings) return;
    this.stopTimer();
    this.change(playground ?? INITIAL);
    this.adoptPicture();
  }

  /** The picture that a link names is taken as soon as it can be had; an uploaded one cannot. */
  adoptPicture() {
    const { source, kernel, gray, stage, place } = this.settings;
    if (source === "upload") {
      this.change({ source: "numbers", image: CLASSIC });
      this.fail({ key: "convolution.lost" });
    } else if (source !== "numbers") {
      this.awaited = { source, kernel, gray, stage, place };
      this.takeAwaited();
    }
  }

  takeAwaited() {
    const { awaited } = this;
    const { examples, forward } = this.store.state;
    const isThere = { cat: true, digit: examples.some(({ kind }) => kind === "digit"), yours: Boolean(forward) };
    if (!awaited || !isThere[awaited.source]) return;
    this.awaited = null;
    this.choosePicture(awaited.source, awaited);
  }

  /** The map with the selected value; undefined while the settings are impossible. */
  get map() {
    return this.maps[this.settings.stage];
  }

  /** The number of the selected value in its map. */
  get index() {
    const [row, column] = this.settings.place;
    return row * this.map.width + column;
  }

  get sliding() {
    return this.timer !== 0;
  }

  /** Changes settings; the selection moves to a value that exists. */
  change(changes) {
    const settings = { ...this.settings, ...changes };
    this.maps = computeMaps(settings);
    if (!this.maps[settings.stage]) settings.stage = "conv";
    const map = this.maps[settings.stage];
    if (map) settings.place = [clamp(settings.place[0], map.height - 1), clamp(settings.place[1], map.width - 1)];
    else this.stopTimer();
    this.settings = settings;
    this.store.set({ playground: settings });
    this.onChange();
  }

  select(stage, row, column) {
    this.stopTimer();
    this.change({ stage, place: [row, column] });
  }

  /** Moves the selection by an arrow key that was pressed on the map of a stage. */
  move(stage, down, right) {
    const map = this.maps[stage];
    const [row, column] = stage === this.settings.stage ? this.settings.place : [0, 0];
    const [y, x] = [row + down, column + right];
    if (map && y >= 0 && x >= 0 && y < map.height && x < map.width) this.select(stage, y, x);
  }

  /** Moves the middle of the window to a place of the input image. */
  moveWindowTo(y, x) {
    const map = this.maps.conv;
    if (!map) return;
    const { kernel, stride, padding, dilation } = windowOf(this.settings, "conv");
    const middle = Math.floor((dilation * (kernel - 1)) / 2);
    const place = (at, count) => clamp(Math.round((at + padding - middle) / stride), count - 1);
    this.select("conv", place(y, map.height), place(x, map.width));
  }

  /** The next value of the selected map, row by row; after the last one the first. */
  next() {
    this.stop();
    if (this.map) this.selectIndex((this.index + 1) % this.map.values.length);
  }

  selectIndex(index) {
    this.change({ place: [Math.floor(index / this.map.width), index % this.map.width] });
  }

  /** Slides the window over the whole map; one place at a time for people who want no motion. */
  slide() {
    if (!this.map) return;
    if (stillness()) {
      this.next();
      return;
    }
    this.timer = -1; // it slides from now on
    this.followPace();
    this.selectIndex(0);
  }

  /** Goes on at the speed that is chosen now. */
  followPace() {
    if (!this.sliding) return;
    clearInterval(this.timer);
    const places = Math.max(1, Math.round(this.map.values.length / MOST_PLACES));
    this.timer = setInterval(() => this.slideBy(places), paced(places > 1 ? QUICK_PACE : PACE));
  }

  slideBy(places) {
    const last = this.map.values.length - 1;
    if (this.index >= last) this.stop();
    else this.selectIndex(Math.min(this.index + places, last));
  }

  stop() {
    if (!this.sliding) return;
    this.stopTimer();
    this.onChange();
  }

  stopTimer() {
    clearInterval(this.timer);
    this.timer = 0;
  }

  /** Takes a picture: "numbers", "cat", "digit", or "yours", the one on the network's page; `shown` with settings. */
  async choosePicture(source, shown = null) {
    // A picture needs a kernel that shows something of it, unless another one was chosen already.
    const kernel = nameOf(this.settings.kernel) === "cross" ? KERNELS.edges : this.settings.kernel;
    this.failure = this.awaited = null;
    try {
      if (source === "numbers") this.change({ source, image: CLASSIC, gray: false });
      else if (source === "yours") {
        this.change({ source, kernel, image: seenImage(this.store.state.forward.seen), gray: false, ...shown });
      } else {
        const image = await blobImage(await this.pictureOf(source));
        this.change({ source, kernel, image, gray: source === "cat", ...shown });
      }
    } catch (problem) {
      this.fail(problem.words ?? { en: String(problem), zh: String(problem) });
    }
  }

  pictureOf(source) {
    if (source === "cat") return api.ownFile("convolution/cat.png");
    return api.picture(this.store.state.examples.find(({ kind }) => kind === "digit").url);
  }

  /** Takes a picture from a file. */
  async readFile(file) {
    this.failure = this.awaited = null;
    try {
      this.change({ source: "upload", image: await blobImage(file), gray: true });
    } catch {
      this.fail({ key: "pictures.noImage" });
    }
  }

  fail(failure) {
    this.failure = failure;
    this.onChange();
  }
}
