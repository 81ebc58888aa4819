/** What went wrong, in both languages: instead of the answer, or as a note beside it. */

import { Failure } from "./failure.js";

/** {en, zh} of an error: the server's sentence, or for an error of the page itself its message. */
function wordsOf(problem) {
  if (!(problem instanceof Failure)) console.error(problem);
  return problem.words ?? { en: String(problem), zh: String(problem) };
}

/** There is nothing to show; the place of the answer says why. */
export const fail = (store, problem) => store.set({ status: "failed", problem: wordsOf(problem) });

/** What is shown stays; a line below the network says what is missing. */
export const note = (store, problem) => store.set({ note: wordsOf(problem) });
