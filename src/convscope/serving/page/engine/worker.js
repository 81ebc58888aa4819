/**
 * The engine in a worker, so that the page never waits for it. Each message { id, question, words } is answered by
 * { id, answer } or { id, problem }, with the sentences of the problem. The first questions are "open", for an
 * inspector, and "train", for a training; every other one is the name of a method of the inspector.
 */

import { Inspector } from "./inspector.js";
import { LiveTraining, randomWeights, unpackImages } from "./live_training.js";
import { toSafetensors } from "./safetensors.js";
import { Training } from "./training.js";

let inspector = null;
let training = null;
let live = null;

const QUESTIONS = {
  open(graph, weights, classifier, options) {
    inspector = new Inspector(graph, weights, classifier, options);
    return null;
  },
  /** Train the network that is looked at, as it is now. */
  train(data, settings) {
    training = new Training(inspector.networkOf(null), data, settings);
    return null;
  },
  /** Some steps of the training; the figures of each. */
  steps: (count) => Array.from({ length: count }, () => training.step()),
  evaluate: (data) => training.evaluate(data),
  weights: () => toSafetensors(inspector.networkOf(null).tensors),
  /** Train on packed images (see `unpackImages`) until it is paused, and post news. */
  live({ packed, labels, description, mean, std, settings, moments }) {
    const network = inspector.networkOf(null);
    if (moments) randomWeights(network.tensors, moments, settings.seed);
    const pixels = unpackImages(packed, description, network.graph.input);
    const size = pixels.length / labels.length;
    const part = (from, to) =>
      ({ pixels: pixels.slice(from * size, to * size), labels: Array.from(labels.slice(from, to)) });
    const data = { ...part(description.tested, labels.length), mean, std };
    const sets = { tested: part(0, description.tested), data };
    live = new LiveTraining(network, sets, settings, (news) => self.postMessage({ news }));
    return { trained: data.labels.length, tested: sets.tested.labels.length, tensors: live.weights() };
  },
  run: () => live.run(),
  pause: () => live.pause(),
  change: (settings) => live.change(settings),
  learn: (pixels, label) => live.learn(pixels, label),
  /** A heat map of a picture that another worker has a session of. */
  explain({ pixels, epoch, changes }, question) {
    const { session } = inspector.forward(pixels, { epoch, changes, maps: 0 });
    return inspector.attribution(session, question);
  },
};

function problemOf({ message, words, status }) {
  return { en: message, zh: `引擎无法计算：${message}`, ...words, status };
}

self.onmessage = ({ data: { id, question, words } }) => {
  try {
    const answer = question in QUESTIONS ? QUESTIONS[question](...words) : inspector[question](...words);
    self.postMessage({ id, answer });
  } catch (problem) {
    self.postMessage({ id, problem: problemOf(problem) });
  }
};
