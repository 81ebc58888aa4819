/** Training in the page: images in random order, in batches; forward, loss, backward, a step of the optimizer. */

import { lossOf } from "./loss.js";
import { createOptimizer } from "./optimizer.js";
import { sizeOf } from "./weights.js";

const EVALUATION_BATCH = 64;

/** Numbers from 0 to 1 that are the same for the same seed (Mulberry32). */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function shuffled(count, random) {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i -= 1) {
    const other = Math.floor(random() * (i + 1));
    [order[i], order[other]] = [order[other], order[i]];
  }
  return order;
}

/** The network's input for some images: pixels 0..255 less the mean and divided by the deviation of each channel. */
export function normalise(pixels, [channels, ...plane], { mean, std }, numbers = null) {
  const area = sizeOf(plane);
  const size = channels * area;
  const chosen = numbers ?? Array.from({ length: pixels.length / size }, (_, i) => i);
  const input = new Float32Array(chosen.length * size);
  chosen.forEach((number, n) => {
    for (let c = 0; c < channels; c += 1) {
      const [from, to] = [number * size + c * area, n * size + c * area];
      for (let i = 0; i < area; i += 1) input[to + i] = (pixels[from + i] / 255 - mean[c]) / std[c];
    }
  });
  return input;
}

/** How many images of a batch have their largest logit at their label. */
function correctOf(logits, labels) {
  const classes = logits.length / labels.length;
  return labels.filter((label, n) => {
    const row = logits.subarray(n * classes, (n + 1) * classes);
    return row.every((logit, i) => logit < row[label] || i === label || (logit === row[label] && i > label));
  }).length;
}

export class Training {
  /**
   * `data` is { pixels (uint8, N x C x H x W), labels, mean, std }; `optimizer` { kind, learningRate, ... }. Error
   * where weights are computed from parameters, which a training would not change.
   */
  constructor(network, data, { optimizer, batchSize = 32, seed = 0 }) {
    const derived = network.graph.operations.find(({ inputs }) =>
      inputs.some((operand) => operand?.tensor !== undefined && network.tensors[operand.tensor].derived));
    if (derived) throw new Error(`${derived.node} computes its weights from others: it cannot be trained in the page`);
    Object.assign(this, { network, data, batchSize, steps: 0, epoch: 0, order: [] });
    this.optimizer = createOptimizer(optimizer);
    this.random = randomNumbers(seed);
  }

  /** The images of the next batch; at the end of an epoch all images come again, in another order. */
  nextBatch() {
    if (!this.order.length) {
      this.order = shuffled(this.data.labels.length, this.random);
      this.epoch += 1;
    }
    return this.order.splice(0, this.batchSize);
  }

  /** The loss of some images, with the gradients by all tensors in `pass.tensorGradients`. */
  gradients(numbers) {
    const { network, data } = this;
    const input = normalise(data.pixels, network.graph.input, data, numbers);
    const labels = numbers.map((number) => data.labels[number]);
    const pass = network.forward(input, { images: numbers.length, training: true });
    const logits = network.logits(pass);
    const { loss, gradient } = lossOf(network.graph.loss, logits, labels);
    pass.backward(new Map([[network.graph.answer, gradient]]), { input: false });
    return { pass, loss, correct: correctOf(logits, labels) };
  }

  /** One step: { loss, accuracy (of this batch), steps, epoch, images }. */
  step() {
    const numbers = this.nextBatch();
    const { pass, loss, correct } = this.gradients(numbers);
    const gradients = this.network.tensors.map(({ trainable }, t) => (trainable ? pass.tensorGradients[t] : null));
    this.optimizer.update(this.network.tensors, gradients);
    this.steps += 1;
    return { loss, accuracy: correct / numbers.length, steps: this.steps, epoch: this.epoch, images: numbers.length };
  }

  /** Loss and accuracy over all images of a set. */
  evaluate({ pixels, labels, mean, std }) {
    const { graph } = this.network;
    let loss = 0;
    let correct = 0;
    for (let first = 0; first < labels.length; first += EVALUATION_BATCH) {
      const some = Array.from(labels.slice(first, first + EVALUATION_BATCH));
      const input = normalise(pixels, graph.input, { mean, std }, some.map((_, i) => first + i));
      const logits = this.network.logits(this.network.forward(input, { images: some.length }));
      loss += lossOf(graph.loss, logits, some).loss * some.length;
      correct += correctOf(logits, some);
    }
    return { loss: loss / labels.length, accuracy: correct / labels.length };
  }
}
