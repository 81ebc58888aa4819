/** What passes its input on as it is: layers without effect, and dropout outside of training. */

function addGradient({ gradient }, into) {
  if (into) for (let i = 0; i < into.length; i += 1) into[i] += gradient[i];
}

export const identity = {
  forward: ({ inputs: [x] }) => x.data,
  backward: (step) => addGradient(step, step.into(0)),
};

/** In training, values (or whole maps) are set to 0 with probability p, and the others are divided by 1 - p. */
export const dropout = {
  forward(step) {
    const { inputs: [x], settings: { p, maps }, training, shape } = step;
    step.saved = null;
    if (!training || p === 0) return x.data;
    const together = maps ? step.size / shape[0] : 1;
    const factors = step.create();
    for (let i = 0; i < factors.length; i += together) {
      factors.fill(Math.random() < p ? 0 : 1 / (1 - p), i, i + together);
    }
    step.saved = factors;
    return factors.map((factor, i) => factor * x.data[i]);
  },
  backward(step) {
    const into = step.into(0);
    const factors = step.saved;
    if (!factors) addGradient(step, into);
    else if (into) for (let i = 0; i < into.length; i += 1) into[i] += step.gradient[i] * factors[i];
  },
};
