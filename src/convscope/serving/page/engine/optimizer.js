/** Optimizers, as PyTorch computes them. `update(tensors, gradients)` changes the tensors in place. */

class Sgd {
  constructor({ learningRate, momentum = 0, weightDecay = 0 }) {
    Object.assign(this, { learningRate, momentum, weightDecay, velocities: [] });
  }

  update(tensors, gradients) {
    tensors.forEach(({ data }, t) => {
      const gradient = gradients[t];
      if (!gradient) return;
      const velocity = (this.velocities[t] ??= new Float32Array(data.length));
      for (let i = 0; i < data.length; i += 1) {
        velocity[i] = this.momentum * velocity[i] + gradient[i] + this.weightDecay * data[i];
        data[i] -= this.learningRate * velocity[i];
      }
    });
  }
}

/** Kingma and Ba, Adam: A Method for Stochastic Optimization, ICLR 2015. */
class Adam {
  constructor({ learningRate, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0 }) {
    Object.assign(this, { learningRate, betas, eps, weightDecay, steps: 0, moments: [] });
  }

  update(tensors, gradients) {
    this.steps += 1;
    const [first, second] = this.betas;
    const rate = this.learningRate / (1 - first ** this.steps);
    const correction = Math.sqrt(1 - second ** this.steps);
    tensors.forEach(({ data }, t) => {
      if (!gradients[t]) return;
      const { mean, square } = (this.moments[t] ??= {
        mean: new Float32Array(data.length), square: new Float32Array(data.length),
      });
      for (let i = 0; i < data.length; i += 1) {
        const gradient = gradients[t][i] + this.weightDecay * data[i];
        mean[i] += (1 - first) * (gradient - mean[i]);
        square[i] += (1 - second) * (gradient * gradient - square[i]);
        data[i] -= (rate * mean[i]) / (Math.sqrt(square[i]) / correction + this.eps);
      }
    });
  }
}

const KINDS = { sgd: Sgd, adam: Adam };

/** An optimizer by its `kind`, "sgd" or "adam", with its settings. */
export function createOptimizer({ kind, ...settings }) {
  if (!(kind in KINDS)) throw new Error(`unknown optimizer '${kind}': choose ${Object.keys(KINDS).join(" or ")}`);
  return new KINDS[kind](settings);
}
