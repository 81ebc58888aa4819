/** What went wrong, in both languages: instead of the answer, or as a note beside it. */

import { Failure } from "./failure.js";

/** {en, zh} of an error: the server's sentence, or for an error of the page itself its message. */
function wordsOf(problem) {
  if (!(problem instanceof Failure)) console.error(problem);
  return problem.words ?? { en: String(problem), zh: String(problem) };
}

const REFUSALS = [400, 413, 415, 422]; // of what was asked: it would be refused again
const saidOf = (problem) => ({ ...wordsOf(problem), refused: REFUSALS.includes(problem.status) });

/** There is nothing to show; the place of the answer says why. */
export const fail = (store, problem) => store.set({ status: "failed", problem: saidOf(problem) });

/** What is shown stays; a line below the network says what is missing. */
export const note = (store, problem) => store.set({ note: saidOf(problem) });
