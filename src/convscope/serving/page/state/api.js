/**
 * What the page asks about networks and pictures. It is answered by the service (`service.js`) over HTTP, or by the
 * engine inside of a page that is one file (`file/answers.js`); views need not know by whom.
 */

import { service } from "./service.js";

let answering = service;

/** From now on `other`, with the methods of `service`, gives the answers. */
export const answerWith = (other) => (answering = other);

/** What trains the network in the page itself (`file/trainer.js`); null where there is no such thing. */
export const trainer = () => answering.training;

export const classifiers = () => answering.classifiers();
export const network = (classifier, signal) => answering.network(classifier, signal);
export const examples = (classifier, signal) => answering.examples(classifier, signal);
export const snapshots = (classifier, signal) => answering.snapshots(classifier, signal);
/** The picture at the `url` of an example, as a Blob. */
export const picture = (url, signal) => answering.picture(url, signal);
/** A file of the page itself, such as its words in one language, as a Blob. */
export const ownFile = (path) => answering.ownFile(path);
/** Any image file (a Blob) or a canvas through the network; `options`: `maps`, `epoch` of whose weights, `signal`. */
export const forward = (image, classifier, options) => answering.forward(image, classifier, options);
/** The same picture through a network with `changes`; a new session. */
export const whatIf = (session, changes, signal) => answering.whatIf(session, changes, signal);
/** Maps of one layer: `range` "16:64" in the order strongest first, or `only` a list of map numbers. */
export const activations = (session, layer, options) => answering.activations(session, layer, options);
/** How one value came about: `place` is { map, y, x }. */
export const arithmetic = (session, layer, place, signal) => answering.arithmetic(session, layer, place, signal);
/** The kernels of one output map: `values` (float32, input map by input map), `shape` [inputs, kh, kw], `bias`. */
export const kernels = (layer, options) => answering.kernels(layer, options);
export const field = (session, layer, y, x, signal) => answering.field(session, layer, y, x, signal);
export const seen = (session, row, column, signal) => answering.seen(session, row, column, signal);
/** `layers`: for each {layer, channels, dead, not_finite, saturated}, for this picture. */
export const health = (session) => answering.health(session);
/** The gradient of the loss for `label` at every layer: `layers` (Map), `norms`, `loss`. */
export const gradients = (session, label, signal) => answering.gradients(session, label, signal);
/** What heat maps point best: `measured`, null or {images, methods: [{method, insertion, deletion, score}], random}. */
export const methods = (classifier) => answering.methods(classifier);
/** A heat map of the input's size: `values` (float32), `height`, `width`, `low`, `high`. */
export const attribution = (session, question, signal) => answering.attribution(session, question, signal);
/** The rows of a running training: `onRow(row)`, at last `onEnd()`; returns a function that ends it. */
export const trainingRows = (classifier, onRow, onEnd) => answering.trainingRows(classifier, onRow, onEnd);
/** What readers may train on the service's machine: {seconds, data, networks, epochs}; 0 seconds: nothing. */
export const trainingOffer = () => answering.trainingOffer();
/** Begins such a training of {data, network, epochs}; {id} of its classifier, once its first weights are there. */
export const startTraining = (wish) => answering.startTraining(wish);

/**
 * For requests of which only the newest counts: `latest()(signal => promise)` aborts the one before. A request that was
 * aborted resolves to undefined.
 */
export function latest() {
  let controller = null;
  return async (work) => {
    controller?.abort();
    const mine = (controller = new AbortController());
    try {
      const answer = await work(mine.signal);
      return mine.signal.aborted ? undefined : answer;
    } catch (problem) {
      if (mine.signal.aborted) return undefined;
      throw problem;
    }
  };
}

/**
 * For work that must not pile up, such as a drawing that changes all the time: one task runs, the newest waits, all in
 * between are dropped. Resolves to true when nothing is left to do, to false for a task that waits or was dropped.
 */
export function oneAtATime(work) {
  let waiting = null;
  let running = false;
  return async (task) => {
    waiting = task;
    if (running) return false;
    running = true;
    while (waiting) {
      const next = waiting;
      waiting = null;
      await work(next);
    }
    running = false;
    return true;
  };
}
