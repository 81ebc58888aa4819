/** Losses of a batch of logits, with their gradient by the logits. */

export const sigmoid = (value) => 1 / (1 + Math.exp(-value));

/** The logarithm of the sum of exponentials of one row, and the shares of each in that sum. */
function softmaxOf(logits, start, count, extra = -Infinity) {
  let largest = extra;
  for (let i = 0; i < count; i += 1) largest = Math.max(largest, logits[start + i]);
  let sum = Math.exp(extra - largest);
  for (let i = 0; i < count; i += 1) sum += Math.exp(logits[start + i] - largest);
  const total = largest + Math.log(sum);
  return { total, share: (i) => Math.exp(logits[start + i] - total) };
}

/**
 * The mean loss of a batch { loss, gradient } by its kind: "cross_entropy"; LeCun 1998's equation 9 ("rubbish_class",
 * in which a further class lies at distance `j`) or equation 8 ("target_distance"), both for negative distances. With
 * several labels per image, "label" is the logarithm of one label's probability.
 */
export function lossOf({ kind, j }, logits, labels) {
  const classes = logits.length / labels.length;
  const gradient = new Float32Array(logits.length);
  let loss = 0;
  labels.forEach((label, n) => {
    const start = n * classes;
    if (kind === "label") {
      const own = sigmoid(logits[start + label]);
      loss -= Math.log(Math.max(own, Number.MIN_VALUE)) / labels.length;
      gradient[start + label] = (own - 1) / labels.length;
      return;
    }
    if (kind !== "target_distance") {
      const extra = kind === "rubbish_class" ? -j : -Infinity;
      const { total, share } = softmaxOf(logits, start, classes, extra);
      loss += total / labels.length;
      for (let i = 0; i < classes; i += 1) gradient[start + i] = share(i) / labels.length;
    }
    loss -= logits[start + label] / labels.length;
    gradient[start + label] -= 1 / labels.length;
  });
  return { loss, gradient };
}

/** The probabilities of one image's logits. */
export function probabilitiesOf(logits) {
  const { share } = softmaxOf(logits, 0, logits.length);
  return Array.from(logits, (_, i) => share(i));
}
