/** The second worker, for heat maps: it starts with the first question, and ends when nobody waits for it any more. */

import { Failure } from "../state/failure.js";
import { EngineWorker } from "./engine_worker.js";

const EXPIRED = { en: "This picture has expired: give it again.", zh: "该图像已过期，请重新提交。" };

export class Explainer {
  /** `weightsFor(session)` is the question that gives a worker the weights of a session, null for the finished ones. */
  constructor(program, parts, weightsFor) {
    Object.assign(this, { program, parts, weightsFor, worker: null, waiting: new Set() });
  }

  async open() {
    const worker = new EngineWorker(this.program);
    await worker.ask("open", ...this.parts);
    return worker;
  }

  /** `session` is { pixels, classifier, epoch, key, changes }. */
  async attribution(session, question, signal) {
    if (!session) throw new Failure(404, EXPIRED);
    const asked = { signal };
    this.waiting.add(asked);
    signal?.addEventListener("abort", () => this.leave(asked), { once: true });
    this.worker ??= this.open();
    try {
      const worker = await this.worker;
      const weights = await this.weightsFor(session);
      if (weights) await worker.ask(...weights);
      return await worker.ask("explain", { ...session, epoch: session.key }, question);
    } finally {
      this.waiting.delete(asked);
    }
  }

  /** A heat map can take a minute: without anybody who waits, its worker is stopped. */
  async leave(asked) {
    if (!this.waiting.delete(asked) || this.waiting.size) return;
    const worker = this.worker;
    this.worker = null;
    (await worker)?.end();
  }
}
