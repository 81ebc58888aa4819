/**
 * A training that goes on until it is paused: a little at a time, so that its worker hears of changes in between. News
 * are { row, tensors }: the figures since the last news, and the weights, those of tensors that do not change null.
 */

import { createOptimizer } from "./optimizer.js";
import { randomNumbers, Training } from "./training.js";

const SLICE = 60; // milliseconds of training before messages are read
const PAUSE_BETWEEN_NEWS = 350; // milliseconds
const SHARE_OF_OWN = 0.01; // of the images: so many copies of one's own drawing are learned

/** Weights of an untrained network: even, with each tensor's mean and deviation; null leaves a tensor as it is. */
export function randomWeights(tensors, moments, seed) {
  const random = randomNumbers(seed);
  tensors.forEach(({ data }, t) => {
    if (!moments[t]) return;
    const [mean, deviation] = moments[t];
    const most = Math.sqrt(3) * deviation;
    for (let i = 0; i < data.length; i += 1) data[i] = mean + most * (2 * random() - 1);
  });
}

export class LiveTraining {
  /** `data` { pixels, labels, mean, std } is learned, `tested` is measured with at the end of each epoch. */
  constructor(network, { data, tested }, settings, tell) {
    Object.assign(this, { network, data, tested, tell, running: false, seconds: 0 });
    this.training = new Training(network, data, settings);
    this.kind = settings.optimizer.kind;
    this.clear();
  }

  clear() {
    Object.assign(this, { loss: 0, right: 0, images: 0, told: performance.now() });
  }

  /** Another rate, size of batches or optimizer from the next step on. */
  change({ optimizer, batchSize }) {
    this.training.batchSize = batchSize;
    if (optimizer.kind !== this.kind) this.training.optimizer = createOptimizer(optimizer);
    else Object.assign(this.training.optimizer, optimizer);
    this.kind = optimizer.kind;
  }

  /** Take one's own image (pixels as the network sees them) with its label among those that are learned. */
  learn(pixels, label) {
    const { data, training } = this;
    const copies = Math.max(1, Math.round(data.labels.length * SHARE_OF_OWN));
    const all = new Uint8Array(data.pixels.length + copies * pixels.length);
    all.set(data.pixels);
    for (let i = 0; i < copies; i += 1) all.set(pixels, data.pixels.length + i * pixels.length);
    const first = data.labels.length;
    Object.assign(data, { pixels: all, labels: [...data.labels, ...Array(copies).fill(label)] });
    for (let i = 0; i < copies; i += 1) {
      training.order.splice(Math.floor(training.random() * (training.order.length + 1)), 0, first + i);
    }
    return copies;
  }

  run() {
    if (this.running) return;
    this.running = true;
    this.told = performance.now();
    this.slice();
  }

  pause() {
    this.running = false;
  }

  slice() {
    if (!this.running) return;
    const started = performance.now();
    let isEpoch = false;
    do {
      const { loss, accuracy, images } = this.training.step();
      this.loss += loss * images;
      this.right += accuracy * images;
      this.images += images;
      isEpoch = !this.training.order.length;
    } while (!isEpoch && performance.now() - started < SLICE);
    this.seconds += (performance.now() - started) / 1000;
    if (isEpoch || performance.now() - this.told > PAUSE_BETWEEN_NEWS) this.news(isEpoch);
    setTimeout(() => this.slice(), 0);
  }

  news(isEpoch) {
    const { training, images, data: { labels } } = this;
    const done = isEpoch ? training.epoch : training.epoch - training.order.length / labels.length;
    const row = { epoch: Math.round(done * 1000) / 1000, seconds: this.seconds,
      "train/loss": this.loss / images, "train/top1": this.right / images };
    if (isEpoch) {
      const { loss, accuracy } = training.evaluate({ ...this.data, ...this.tested });
      Object.assign(row, { "val/loss": loss, "val/top1": accuracy });
    }
    this.tell({ row, isEpoch, tensors: this.weights() });
    this.clear();
  }

  weights() {
    return this.network.tensors.map(({ name, data }) =>
      (name && data instanceof Float32Array ? data.slice() : null));
  }
}

/** The gray levels of packed images, two in each byte, as pixels with the network's border: uint8, N x C x H x W. */
export function unpackImages(packed, { shape: [channels, rows, columns], levels, count }, [, height, width]) {
  const size = channels * rows * columns;
  const bytes = Math.ceil(size / 2);
  const [top, left] = [(height - rows) >> 1, (width - columns) >> 1];
  const pixels = new Uint8Array(count * channels * height * width);
  for (let n = 0; n < count; n += 1) {
    for (let i = 0; i < size; i += 1) {
      const byte = packed[n * bytes + (i >> 1)];
      const level = i % 2 ? byte & 15 : byte >> 4;
      const [row, column] = [Math.floor(i / columns), i % columns];
      const c = Math.floor(row / rows);
      const at = ((n * channels + c) * height + top + (row % rows)) * width + left + column;
      pixels[at] = Math.round((level * 255) / (levels - 1));
    }
  }
  return pixels;
}
