/**
 * A network that runs in the page: forward with the output of every operation, and backward from any of them.
 *
 * Values are numbered: 0 is the input, n + 1 the result of operation n. An activation holds one image after the other.
 */

import { createMultiplier } from "./multiply.js";
import { OPERATIONS } from "./operations/operations.js";
import { readTensors, sizeOf } from "./weights.js";

/** One operation while it runs: what it takes, what it gave, and where gradients are added. */
class Step {
  constructor(pass, operation, number) {
    this.pass = pass;
    this.settings = operation;
    this.multiplier = pass.network.multiplier;
    this.training = pass.training;
    this.number = number;
    this.shape = operation.shape;
    this.size = sizeOf(operation.shape); // of one image
    this.images = operation.batched === false ? 1 : pass.images;
    this.inputs = operation.inputs.map((operand) => (operand === null ? null : pass.read(operand)));
    this.saved = null; // what the backward pass needs to know of the forward pass
  }

  get output() {
    return this.pass.values[this.number];
  }

  get gradient() {
    return this.pass.gradients[this.number];
  }

  create() {
    return new Float32Array(this.images * this.size);
  }

  /** The array to which the gradient by input `i` is added; null if nobody asked for it. */
  into(i) {
    const operand = this.settings.inputs[i];
    return operand === null ? null : this.pass.gradientOf(operand);
  }
}

/** One run of a network on a batch of images. */
class Pass {
  constructor(network, images, training) {
    this.network = network;
    this.images = images;
    this.training = training;
    this.values = [];
    this.gradients = [];
    this.tensorGradients = [];
    this.steps = [];
    this.milliseconds = {};
  }

  /** An operand as { data, shape, batched }. */
  read(operand) {
    if (typeof operand === "number") {
      const { shape, batched } = this.network.valueInfo(operand);
      return { data: this.values[operand], shape, batched };
    }
    if (operand.number !== undefined) return { data: [operand.number], shape: [], batched: false };
    const tensor = this.network.tensors[operand.tensor];
    return { data: tensor.data, shape: operand.shape ?? tensor.shape, batched: false };
  }

  gradientOf(operand) {
    if (typeof operand === "number") {
      if (operand === 0 && !this.wantsInput) return null;
      return (this.gradients[operand] ??= new Float32Array(this.values[operand].length));
    }
    if (operand.number !== undefined || !this.wantsTensors) return null;
    const { data } = this.network.tensors[operand.tensor];
    if (!(data instanceof Float32Array)) return null;
    return (this.tensorGradients[operand.tensor] ??= new Float32Array(data.length));
  }

  /**
   * Go back from the gradients that are given: a Map from the number of a value to an array. Afterwards `gradients` has
   * those of all values that they depend on, `tensorGradients` those of the tensors. `rule` is another rule for ReLU:
   * "guided" or "deconvnet". `tensors` false leaves the tensors out, `input` false the image.
   */
  backward(seeds, { rule = null, tensors = true, input = true } = {}) {
    this.wantsTensors = tensors;
    this.wantsInput = input;
    this.rule = rule;
    this.gradients = [];
    this.tensorGradients = [];
    for (const [value, gradient] of seeds) this.gradients[value] = Float32Array.from(gradient);
    for (let i = this.steps.length - 1; i >= 0; i -= 1) {
      const step = this.steps[i];
      if (!this.gradients[step.number]) continue;
      const off = this.network.channelsOff.get(step.number);
      if (off) clear(this.gradients[step.number], step, off);
      OPERATIONS[step.settings.op].backward(step);
    }
  }
}

/** Set maps (or, of a vector, single values) of every image to 0. */
function clear(data, { shape, images, size }, maps) {
  const plane = sizeOf(shape.slice(1));
  for (let n = 0; n < images; n += 1) {
    for (const map of maps) data.fill(0, n * size + map * plane, n * size + (map + 1) * plane);
  }
}

export class Network {
  /** `graph` as `convscope.export.engine` writes it and the block of its weights (an ArrayBuffer). */
  constructor(graph, weights, { simd = true } = {}) {
    this.graph = graph;
    this.tensors = readTensors(graph, weights);
    this.multiplier = createMultiplier(simd);
    this.nodes = new Map(graph.nodes.map((node) => [node.name, node]));
    this.channelsOff = new Map(); // number of a value -> maps that are set to 0
    const unknown = new Set(graph.operations.map(({ op }) => op).filter((op) => !(op in OPERATIONS)));
    if (unknown.size) throw new Error(`the engine has no operation ${[...unknown].join(", ")}`);
  }

  /** A network of the same weights (those in `own` are copied), so that changes leave this one as it is. */
  copy(own = new Set()) {
    const copied = Object.assign(Object.create(Network.prototype), this);
    copied.tensors = this.tensors.map((tensor, i) => (own.has(i) ? { ...tensor, data: tensor.data.slice() } : tensor));
    copied.channelsOff = new Map(this.channelsOff);
    return copied;
  }

  /** The same network with other numbers in its tensors, where `arrays` has some. */
  withTensors(arrays) {
    const other = this.copy();
    other.tensors = this.tensors.map((tensor, t) => (arrays[t] ? { ...tensor, data: arrays[t] } : tensor));
    return other;
  }

  valueInfo(number) {
    if (number === 0) return { shape: this.graph.input, batched: true };
    const { shape, batched = true } = this.graph.operations[number - 1];
    return { shape, batched };
  }

  /** Run `images` images, one after the other in `input`; returns the pass with the values of all operations. */
  forward(input, { images = 1, training = false } = {}) {
    const pass = new Pass(this, images, training);
    pass.values.push(this.channelsOff.has(0) ? input.slice() : input);
    if (this.channelsOff.has(0)) {
      const { input: shape } = this.graph;
      clear(pass.values[0], { shape, images, size: sizeOf(shape) }, this.channelsOff.get(0));
    }
    this.graph.operations.forEach((operation, i) => {
      const started = performance.now();
      const step = new Step(pass, operation, i + 1);
      let output = OPERATIONS[operation.op].forward(step);
      const off = this.channelsOff.get(i + 1);
      if (off) {
        output = output.slice(); // what only passes a value on shares its array
        clear(output, step, off);
      }
      pass.values.push(output);
      pass.steps.push(step);
      const elapsed = performance.now() - started;
      pass.milliseconds[operation.node] = (pass.milliseconds[operation.node] ?? 0) + elapsed;
    });
    return pass;
  }

  /** The logits of a pass, image after image. */
  logits(pass) {
    return pass.values[this.graph.answer];
  }
}
