/** A worker that runs the engine, as an object that is asked and answers. */

import { Failure } from "../state/failure.js";

const GONE = { en: "This computation was stopped.", zh: "此计算已停止。" };

export class EngineWorker {
  /** `program` is the text of all of the page's modules; `onNews(news)` hears of what nobody asked for. */
  constructor(program, onNews = () => {}) {
    const code = `${program}\n$start("engine/worker.js");`;
    this.address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    this.worker = new Worker(this.address);
    this.waiting = new Map(); // number of a question -> what settles its promise
    this.asked = 0;
    this.worker.onmessage = ({ data: { id, answer, problem, news } }) => {
      if (news) onNews(news);
      else this.settle(id, answer, problem);
    };
    this.worker.onerror = (event) => {
      for (const id of [...this.waiting.keys()]) this.settle(id, null, { en: event.message, zh: event.message });
    };
  }

  settle(id, answer, problem) {
    const { resolve, reject } = this.waiting.get(id);
    this.waiting.delete(id);
    if (problem) reject(new Failure(problem.status ?? 422, problem));
    else resolve(answer);
  }

  ask(question, ...words) {
    this.asked += 1;
    const id = this.asked;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, question, words });
    });
  }

  end() {
    this.worker.terminate();
    URL.revokeObjectURL(this.address);
    for (const id of [...this.waiting.keys()]) this.settle(id, null, GONE);
  }
}
