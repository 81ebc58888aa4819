/**
 * The engine's answers to what the page asks: the same methods as those of `state/service.js`, from what lies inside of
 * the file. One worker answers at once, another one computes heat maps, so that nobody waits for these while drawing.
 */

import { Failure } from "../state/failure.js";
import { EngineWorker } from "./engine_worker.js";
import { Explainer } from "./explainer.js";
import { decode } from "./picture.js";
import { preprocess } from "./preprocess.js";
import { Trainer } from "./trainer.js";

const NO_CLASSIFIER = { en: "This file does not hold that classifier.", zh: "此文件中没有该分类器。" };
const MOST_SESSIONS = 24;

/** What `open` of the engine's worker is given: the graph, the weights, and what the answers need to know of both. */
async function networkParts({ graph, weights, network, preprocessing }, unpack) {
  const described = JSON.parse(new TextDecoder().decode(await unpack(graph)));
  const { buffer } = await unpack(weights);
  const { mean, std } = preprocessing;
  return [described, buffer, { ...network, id: network.classifier, mean, std }];
}

class Answers {
  constructor(contents, parts, unpack, program) {
    Object.assign(this, { contents, parts, unpack, program });
    this.training = contents.training.images ? new Trainer(this) : null;
    this.sessions = new Map(); // id -> { pixels, classifier, epoch, key, changes }
    this.pictures = new Map(); // url -> Blob
    this.known = new Set([null]); // epochs whose weights the worker has
    this.quick = new EngineWorker(program);
    this.explainer = new Explainer(program, parts, (asked) => this.weightsFor(asked));
  }

  async open() {
    await this.quick.ask("open", ...this.parts);
    return this;
  }

  async classifiers() {
    const { classifier } = this.contents;
    const here = this.training?.worker ? [this.training.entry] : [];
    return { classifiers: [classifier, ...here], current: classifier.id };
  }

  isTrainedHere(classifier) {
    return Boolean(this.training?.worker) && classifier === this.training.id;
  }

  check(classifier) {
    if (classifier !== this.contents.classifier.id && !this.isTrainedHere(classifier)) {
      throw new Failure(404, NO_CLASSIFIER);
    }
  }

  async network(classifier) {
    this.check(classifier);
    const [{ nodes, edges, groups }] = this.parts;
    return { ...this.contents.network, classifier, nodes, edges, groups };
  }

  async examples() {
    this.listed ??= Promise.all(this.contents.examples.map(async ({ part, type, ...example }) => {
      const blob = new Blob([await this.unpack(part)], { type });
      const url = URL.createObjectURL(blob);
      this.pictures.set(url, blob);
      return { ...example, url };
    }));
    const { about_examples: about = null, mistakes = null } = this.contents;
    return { examples: await this.listed, about, warning: null, mistakes };
  }

  async picture(url) {
    return this.pictures.get(url);
  }

  async ownFile(path) {
    return new Blob([await this.unpack(path)]);
  }

  async snapshots(classifier) {
    if (this.isTrainedHere(classifier)) return this.training.snapshots();
    const { epochs, metrics } = this.contents.training;
    return { epochs: epochs.map(({ epoch }) => epoch), metrics, running: false, finished: true };
  }

  /** The file trains by itself (trainer.js); there is no machine of a service. */
  async trainingOffer() {
    return { seconds: 0, data: [], networks: [] };
  }

  async startTraining() {
    throw new Error("a page that is one file trains by itself");
  }

  trainingRows(classifier, onRow) {
    return this.training.follow(onRow);
  }

  /** The block of the weights after an epoch; null for the finished ones. */
  async weightsOf(epoch) {
    const kept = this.contents.training.epochs.find((one) => one.epoch === epoch);
    return kept ? (await this.unpack(kept.weights)).buffer : null;
  }

  /** [question, ...words] with which another worker is given the weights of a session; null for the finished ones. */
  async weightsFor({ classifier, epoch, key }) {
    if (this.isTrainedHere(classifier)) return ["addEpochTensors", key, this.training.tensorsOf(epoch)];
    const weights = await this.weightsOf(epoch);
    return weights && ["addEpoch", key, weights];
  }

  async learnEpoch(epoch) {
    if (this.known.has(epoch)) return;
    const weights = await this.weightsOf(epoch);
    if (weights) await this.quick.ask("addEpoch", epoch, weights);
    this.known.add(epoch);
  }

  remember(answer, session) {
    this.sessions.set(answer.session, session);
    if (this.sessions.size > MOST_SESSIONS) this.sessions.delete(this.sessions.keys().next().value);
    return answer;
  }

  async forward(image, classifier, { maps = 16, epoch = null } = {}) {
    this.check(classifier);
    const pixels = preprocess(await decode(image), this.contents.network.preprocessing);
    const key = await this.keyOf(classifier, epoch);
    const answer = await this.quick.ask("forward", pixels, { maps, epoch: key });
    return this.remember({ ...answer, classifier, epoch }, { pixels, classifier, epoch, key, changes: {} });
  }

  /** What the worker calls the weights of an epoch, which it has when this is known. */
  async keyOf(classifier, epoch) {
    const { training } = this;
    if (this.isTrainedHere(classifier)) {
      return training.nameOf(training.epochs.includes(epoch) ? epoch : training.newest);
    }
    await this.learnEpoch(epoch);
    return epoch;
  }

  async whatIf(session, changes) {
    const answer = await this.quick.ask("whatIf", session, changes);
    const before = this.sessions.get(session);
    const { classifier, epoch } = before;
    return this.remember({ ...answer, classifier, epoch }, { ...before, changes });
  }

  activations(session, layer, { range, only }) {
    const [from, to] = range ? range.split(":").map(Number) : [];
    return this.quick.ask("activations", session, layer, only ?? { from, to });
  }

  arithmetic(session, layer, place) {
    return this.quick.ask("arithmetic", session, layer, place);
  }

  kernels(layer, { map, session = null }) {
    return this.quick.ask("kernels", session, layer, map);
  }

  field(session, layer, y = 0, x = 0) {
    return this.quick.ask("field", layer, y, x);
  }

  seen(session, row, column) {
    return this.quick.ask("seen", row, column);
  }

  health(session) {
    return this.quick.ask("health", session);
  }

  gradients(session, label) {
    return this.quick.ask("gradients", session, label);
  }

  /** Measured when the file was written; nothing is known of what was trained here. */
  async methods(classifier) {
    return { measured: this.isTrainedHere(classifier) ? null : this.contents.methods ?? null };
  }

  attribution(session, question, signal) {
    return this.explainer.attribution(this.sessions.get(session), question, signal);
  }
}

/** `contents` says what the file holds, `unpack(part)` gives the bytes of a part of it. */
export async function engineAnswers(contents, unpack, program) {
  const parts = await networkParts({ ...contents, ...contents.network }, unpack);
  return new Answers(contents, parts, unpack, program).open();
}
