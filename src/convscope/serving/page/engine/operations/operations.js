/**
 * All operations by name. `forward(step)` returns the output, one image after the other; `backward(step)` adds the
 * gradients by the inputs to the arrays that `step.into(i)` gives.
 */

import { activations } from "./activation.js";
import { convolution } from "./convolution.js";
import { arithmetic } from "./arithmetic.js";
import { dropout, identity } from "./dropout.js";
import { linear, matmul } from "./linear.js";
import { localResponseNorm } from "./local_response_norm.js";
import { batchNorm, groupNorm, layerNorm } from "./normalisation.js";
import { adaptiveAveragePool, adaptiveMaxPool, averagePool, maxPool } from "./pooling.js";
import { concatenate, gather, pad, reshape, strided } from "./rearrangement.js";
import { reductions } from "./reduction.js";
import { logSoftmax, softmax } from "./softmax.js";
import { transposedConvolution } from "./transposed_convolution.js";

export const OPERATIONS = {
  ...activations,
  ...arithmetic,
  ...reductions,
  adaptive_average_pool: adaptiveAveragePool,
  adaptive_max_pool: adaptiveMaxPool,
  average_pool: averagePool,
  batch_norm: batchNorm,
  concatenate,
  convolution,
  dropout,
  gather,
  group_norm: groupNorm,
  identity,
  layer_norm: layerNorm,
  linear,
  local_response_norm: localResponseNorm,
  log_softmax: logSoftmax,
  matmul,
  max_pool: maxPool,
  pad,
  reshape,
  softmax,
  strided,
  transposed_convolution: transposedConvolution,
};
