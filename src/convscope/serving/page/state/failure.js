/** What was asked for cannot be had: refused, unreachable or unreadable. `words` holds a sentence in each language. */
export class Failure extends Error {
  constructor(status, words) {
    super(words.en);
    this.status = status;
    this.words = words;
  }
}
