/**
 * A training inside of the file, in a worker of its own. It appears as one more classifier, whose newest epoch changes
 * several times per second; full epochs are kept.
 */

import { EngineWorker } from "./engine_worker.js";
import { decode } from "./picture.js";
import { preprocess } from "./preprocess.js";

const MOST_EPOCHS = 50;

export class Trainer {
  /** `answers` is what the page asks otherwise: it has the parts of the network, and shows the weights. */
  constructor(answers) {
    const { contents } = answers;
    Object.assign(this, {
      answers, description: contents.training.images, worker: null, running: false, own: 0, epochs: [], rows: [],
      newest: null, kept: new Map(), listeners: new Set(), onRow: null,
    });
    this.id = `${contents.classifier.id} (trained here)`;
    this.classNames = contents.network.class_names;
    this.canStartAnew = Boolean(this.description.first_weights);
  }

  get entry() {
    const { trained = 0, tested = 0 } = this.counts ?? {};
    return {
      ...this.answers.contents.classifier, id: this.id, name: this.id, has_snapshots: true,
      description: {
        en: `Trained in this file on ${trained} images, tested on ${tested} others.`,
        zh: `在此文件中用 ${trained} 张图像训练，用另外 ${tested} 张测试。`,
      },
    };
  }

  /** `listener()` is called after each change of what `running`, `rows` and `own` say. */
  listen(listener) {
    this.listeners.add(listener);
  }

  changed() {
    for (const listener of this.listeners) listener();
  }

  /** Begin, with random weights (`anew`) or with those of the file. */
  async start(settings, anew) {
    const { answers, description } = this;
    this.stop();
    const worker = new EngineWorker(answers.program, (news) => this.hear(worker, news));
    this.worker = worker;
    await worker.ask("open", ...answers.parts);
    const [, , { mean, std }] = answers.parts;
    const [packed, labels] = await Promise.all(["training/pixels", "training/labels"].map(answers.unpack));
    const moments = anew ? description.first_weights : null;
    this.counts = await worker.ask("live", { packed, labels, description, mean, std, settings, moments });
    await this.keep(0, this.counts.tensors);
    this.resume();
  }

  resume() {
    this.running = true;
    this.worker.ask("run");
    this.changed();
  }

  pause() {
    this.running = false;
    this.worker.ask("pause");
    this.changed();
  }

  change(settings) {
    if (this.worker) this.worker.ask("change", settings);
  }

  stop() {
    this.worker?.end();
    for (const epoch of this.epochs) this.answers.quick.ask("removeEpoch", this.nameOf(epoch));
    Object.assign(this, { worker: null, running: false, epochs: [], rows: [], newest: null, kept: new Map(), own: 0 });
  }

  nameOf(epoch) {
    return `here ${epoch}`;
  }

  async hear(worker, { row, isEpoch, tensors }) {
    if (worker !== this.worker) return;
    if (isEpoch) this.rows = [...this.rows.filter(({ epoch }) => epoch < row.epoch), row];
    else this.rows = [...this.rows, row];
    await this.keep(row.epoch, tensors);
    this.onRow?.({ ...row, epochs: this.epochs });
    this.changed();
  }

  /** Keep the weights of an epoch; a part of an epoch is forgotten when the next one comes. */
  async keep(epoch, tensors) {
    const passed = this.epochs.filter((one) => !Number.isInteger(one));
    const full = this.epochs.filter(Number.isInteger);
    if (full.length > MOST_EPOCHS) passed.push(...full.splice(1, 1));
    await this.answers.quick.ask("addEpochTensors", this.nameOf(epoch), tensors);
    this.epochs = [...full.filter((one) => one !== epoch), epoch];
    this.kept.set(epoch, tensors);
    for (const one of passed) {
      this.kept.delete(one);
      this.answers.quick.ask("removeEpoch", this.nameOf(one));
    }
    this.newest = epoch;
  }

  /** The weights after an epoch; of one that is forgotten, the newest. */
  tensorsOf(epoch) {
    return this.kept.get(epoch) ?? this.kept.get(this.newest);
  }

  snapshots() {
    // Also while it is paused: whoever looks at it follows it, for it may go on.
    return { epochs: this.epochs, metrics: this.rows, running: true, finished: false };
  }

  follow(onRow) {
    this.onRow = onRow;
    return () => (this.onRow = null);
  }

  /** Learn a picture (a Blob or a canvas) with a label from now on; resolves to how many images it counts as. */
  async learn(image, label) {
    const pixels = preprocess(await decode(image), this.answers.contents.network.preprocessing);
    const copies = await this.worker.ask("learn", pixels, label);
    this.own += 1;
    this.changed();
    return copies;
  }

  /** The weights as they are now, as the bytes of a safetensors file. */
  weights() {
    return this.worker.ask("weights");
  }
}
