/** Batch, group, instance and layer norm: less a mean, divided by a spread, then scaled and shifted. */

import { sizeOf } from "../weights.js";

/** The layout of maps: images x channels x plane. */
function layoutOf({ shape, images }) {
  return { images, channels: shape[0], plane: sizeOf(shape.slice(1)) };
}

/** Mean and variance of each channel over all images and positions. */
function batchStatistics(data, { images, channels, plane }) {
  const mean = new Float64Array(channels);
  const variance = new Float64Array(channels);
  const each = (visit) => {
    for (let i = 0; i < images * channels; i += 1) {
      for (let j = i * plane; j < (i + 1) * plane; j += 1) visit(i % channels, data[j]);
    }
  };
  each((c, x) => (mean[c] += x / (images * plane)));
  each((c, x) => (variance[c] += (x - mean[c]) ** 2 / (images * plane)));
  return { mean, variance };
}

/** Move the running statistics a step towards those of a batch, whose variance is made unbiased. */
function follow(step, { mean, variance }, { images, plane }) {
  const { momentum } = step.settings;
  const [, , , runningMean, runningVariance] = step.inputs;
  const count = images * plane;
  for (let c = 0; c < mean.length; c += 1) {
    runningMean.data[c] += momentum * (mean[c] - runningMean.data[c]);
    runningVariance.data[c] += momentum * ((variance[c] * count) / Math.max(count - 1, 1) - runningVariance.data[c]);
  }
}

export const batchNorm = {
  forward(step) {
    const { inputs: [x, weight, bias, runningMean, runningVariance], settings, training } = step;
    const layout = layoutOf(step);
    const { images, channels, plane } = layout;
    let statistics = { mean: runningMean.data, variance: runningVariance.data };
    if (training) {
      statistics = batchStatistics(x.data, layout);
      follow(step, statistics, layout);
    }
    const spread = Float64Array.from(statistics.variance, (variance) => Math.sqrt(variance + settings.eps));
    step.saved = { mean: statistics.mean, spread };
    const output = step.create();
    for (let i = 0; i < images * channels; i += 1) {
      const c = i % channels;
      const scale = (weight ? weight.data[c] : 1) / step.saved.spread[c];
      const shift = (bias ? bias.data[c] : 0) - step.saved.mean[c] * scale;
      for (let j = i * plane; j < (i + 1) * plane; j += 1) output[j] = x.data[j] * scale + shift;
    }
    return output;
  },
  backward(step) {
    const { inputs: [x, weight], gradient, training, saved: { mean, spread } } = step;
    const { images, channels, plane } = layoutOf(step);
    const [intoX, intoWeight, intoBias] = [step.into(0), step.into(1), step.into(2)];
    const sums = new Float64Array(channels); // of the gradient
    const products = new Float64Array(channels); // of the gradient times the normalised value
    for (let i = 0; i < images * channels; i += 1) {
      const c = i % channels;
      for (let j = i * plane; j < (i + 1) * plane; j += 1) {
        sums[c] += gradient[j];
        products[c] += (gradient[j] * (x.data[j] - mean[c])) / spread[c];
      }
    }
    for (let c = 0; c < channels; c += 1) {
      if (intoWeight) intoWeight[c] += products[c];
      if (intoBias) intoBias[c] += sums[c];
    }
    if (!intoX) return;
    const count = images * plane;
    for (let i = 0; i < images * channels; i += 1) {
      const c = i % channels;
      const scale = (weight ? weight.data[c] : 1) / spread[c];
      for (let j = i * plane; j < (i + 1) * plane; j += 1) {
        const through = training ? (sums[c] + ((x.data[j] - mean[c]) / spread[c]) * products[c]) / count : 0;
        intoX[j] += scale * (gradient[j] - through);
      }
    }
  },
};

/**
 * A norm over stretches of `length` numbers that follow each other. `factor(i)` is the place, in weight and bias, of
 * number i of the whole batch.
 */
function stretchNorm(lengthOf, factorOf) {
  return {
    forward(step) {
      const { inputs: [{ data }, weight, bias], settings: { eps } } = step;
      const length = lengthOf(step);
      const factor = factorOf(step);
      const output = step.create();
      const normalised = new Float32Array(output.length);
      const spreads = new Float64Array(output.length / length);
      for (let s = 0; s < spreads.length; s += 1) {
        const start = s * length;
        let mean = 0;
        for (let i = start; i < start + length; i += 1) mean += data[i] / length;
        let variance = 0;
        for (let i = start; i < start + length; i += 1) variance += (data[i] - mean) ** 2 / length;
        spreads[s] = Math.sqrt(variance + eps);
        for (let i = start; i < start + length; i += 1) {
          normalised[i] = (data[i] - mean) / spreads[s];
          output[i] = normalised[i] * (weight ? weight.data[factor(i)] : 1) + (bias ? bias.data[factor(i)] : 0);
        }
      }
      step.saved = { normalised, spreads };
      return output;
    },
    backward(step) {
      const { inputs: [, weight], gradient, saved: { normalised, spreads } } = step;
      const length = lengthOf(step);
      const factor = factorOf(step);
      const [intoX, intoWeight, intoBias] = [step.into(0), step.into(1), step.into(2)];
      const scaled = (i) => gradient[i] * (weight ? weight.data[factor(i)] : 1);
      for (let i = 0; i < normalised.length; i += 1) {
        if (intoWeight) intoWeight[factor(i)] += gradient[i] * normalised[i];
        if (intoBias) intoBias[factor(i)] += gradient[i];
      }
      for (let s = 0; intoX && s < spreads.length; s += 1) {
        const start = s * length;
        let sum = 0;
        let product = 0;
        for (let i = start; i < start + length; i += 1) {
          sum += scaled(i) / length;
          product += (scaled(i) * normalised[i]) / length;
        }
        for (let i = start; i < start + length; i += 1) {
          intoX[i] += (scaled(i) - sum - normalised[i] * product) / spreads[s];
        }
      }
    },
  };
}

export const groupNorm = stretchNorm(
  ({ size, settings }) => size / settings.groups,
  ({ size, shape }) => (i) => Math.floor((i % size) / (size / shape[0])),
);

export const layerNorm = stretchNorm(
  ({ settings }) => settings.size,
  ({ settings }) => (i) => i % settings.size,
);
