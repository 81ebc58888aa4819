/** The last step, which networks leave to their users: from logits to probabilities, term by term. */

/** Stands for the step where a layer's name is expected; no module can be called that. */
export const SOFTMAX = "softmax()";

/** In the form that GET /api/arithmetic answers with. */
export function softmaxArithmetic({ logits, probabilities, session }, index) {
  const largest = Math.max(...logits);
  const powers = logits.map((z) => Math.exp(z - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return {
    layer: SOFTMAX, kind: "softmax", type: "softmax", index: [index, null, null], operation: "softmax",
    terms: logits.map((value, i) => ({ input: null, index: [i], value, weight: null, product: powers[i],
      padded: false, chosen: i === index })),
    grid: null, bias: null, parameters: { largest, sum }, partial_sums: [],
    value: powers[index] / sum,
    network_value: probabilities.find((p) => p.index === index).probability,
    session, of: `${index},0,0`,
  };
}
