/**
 * Answers the page's questions about one picture in one network: what `convscope serve` answers over HTTP, in the form
 * in which `state/api.js` hands it on.
 */

import { arithmeticOf } from "./arithmetic/arithmetic.js";
import { attribute } from "./attribution.js";
import { fieldOf, unitsThatSee } from "./fields.js";
import { healthOf } from "./health.js";
import { kernelsOf } from "./kernels.js";
import { layerOf } from "./layers.js";
import { lossOf, probabilitiesOf, sigmoid } from "./loss.js";
import { Network } from "./network.js";
import { normalise } from "./training.js";
import { changedNetwork, covered, replaced } from "./what_if.js";

const MOST_SESSIONS = 24;

function checkRange(name, number, count) {
  if (!(number >= 0 && number < count)) throw new RangeError(`${name} ${number} is not within 0 to ${count - 1}`);
}

/** The arithmetic of a map that is switched off, in the same form as any other. */
function switchedOff({ name, kind, type }, place) {
  return {
    layer: name, kind, type, index: [...place, null, null].slice(0, 3), operation: "copy", terms: [], grid: null,
    bias: null, parameters: {}, formula: "0", partial_sums: [], value: 0, network_value: 0, off: true,
  };
}

/** Asked about a picture that is no longer kept. */
class Expired extends RangeError {
  constructor() {
    super("this session has expired: give the image again");
    this.status = 404;
    this.words = { zh: "会话已过期，请重新提交图像" };
  }
}

export class Inspector {
  /**
   * `classifier` is { id, class_names, mean, std }, the last two with a number per channel, and with several labels
   * per image `thresholds`. `epochs` holds the weights of saved epochs by number, each a block like `weights`.
   */
  constructor(graph, weights, classifier, { epochs = new Map(), ...options } = {}) {
    Object.assign(this, { graph, classifier, epochs, options });
    this.networks = new Map([[null, new Network(graph, weights, options)]]);
    this.sessions = new Map();
    this.made = 0;
  }

  /** The network as trained (epoch null), or as it was after an epoch. */
  networkOf(epoch) {
    if (!this.networks.has(epoch)) {
      if (!this.epochs.has(epoch)) throw new RangeError(`there is no saved epoch ${epoch}`);
      this.networks.set(epoch, new Network(this.graph, this.epochs.get(epoch), this.options));
    }
    return this.networks.get(epoch);
  }

  /** Keep the weights of an epoch, a block like those of the network; they replace older ones of its number. */
  addEpoch(epoch, weights) {
    this.epochs.set(epoch, weights);
    this.networks.delete(epoch);
  }

  /** Keep the weights of an epoch as arrays of the tensors; null leaves a tensor as it is in the network. */
  addEpochTensors(epoch, arrays) {
    this.epochs.set(epoch, null);
    this.networks.set(epoch, this.networkOf(null).withTensors(arrays));
  }

  removeEpoch(epoch) {
    this.epochs.delete(epoch);
    this.networks.delete(epoch);
  }

  nodeOf(name) {
    const node = this.networkOf(null).nodes.get(name);
    if (!node) throw new RangeError(`no layer is called '${name}'`);
    return node;
  }

  session(id) {
    const session = this.sessions.get(id);
    if (!session) throw new Expired();
    return session;
  }

  /** For each layer {layer, channels, dead, not_finite, saturated}, as the service has it. */
  health(session) {
    const { pass } = this.session(session);
    const ofNode = (node) => ({ layer: node.name, ...healthOf(node, pass.values[node.value]) });
    return { layers: this.graph.nodes.map(ofNode) };
  }

  network() {
    const { nodes, edges, groups, input } = this.graph;
    const { id, class_names } = this.classifier;
    return { nodes, edges, groups, classifier: id, input_size: input, class_names };
  }

  /** `pixels` are those of one image as the network sees it: uint8, channels x height x width. */
  forward(pixels, { maps = 16, epoch = null, changes = {}, base = this.networkOf(epoch) } = {}) {
    const started = performance.now();
    const network = changedNetwork(base, changes);
    const seen = replaced(covered(pixels, this.graph.input, changes.occlude), this.graph.input, changes.pixels);
    const input = normalise(seen, this.graph.input, this.classifier);
    const pass = network.forward(input);
    this.made += 1;
    const session = `session ${this.made}`;
    this.sessions.set(session, { pixels, epoch, base, network, input, pass });
    if (this.sessions.size > MOST_SESSIONS) this.sessions.delete(this.sessions.keys().next().value);
    const [channels, height, width] = this.graph.input;
    const layers = this.graph.nodes.map(({ name, shape, value }) =>
      [name, layerOf(name, shape, pass.values[value], { from: 0, to: maps })]);
    const logits = network.logits(pass);
    return {
      session, classifier: this.classifier.id, epoch, probabilities: this.ranking(logits), logits: Array.from(logits),
      seen: { channels, height, width, data: seen }, layers: new Map(layers), layer_ms: pass.milliseconds,
      time_ms: performance.now() - started,
    };
  }

  ranking(logits) {
    const { class_names: classes, thresholds } = this.classifier;
    const probabilities = thresholds ? Array.from(logits, sigmoid) : probabilitiesOf(logits);
    const ofLabel = (probability, threshold) => ({ threshold, selected: probability >= threshold });
    return probabilities
      .map((probability, index) => ({
        label: classes[index], probability, index, ...(thresholds && ofLabel(probability, thresholds[index])),
      }))
      .sort((a, b) => b.probability - a.probability);
  }

  whatIf(id, changes) {
    const { pixels, epoch, base } = this.session(id); // the weights of the epoch may have been forgotten meanwhile
    return this.forward(pixels, { epoch, changes, base });
  }

  /** Maps of one layer: { from, to } in the order of strength, or a list of their numbers. */
  activations(id, layer, wanted) {
    const { shape, value } = this.nodeOf(layer);
    return layerOf(layer, shape, this.session(id).pass.values[value], wanted);
  }

  /** How one value came about: { map, y, x }; a vector's values are numbered by `map`. */
  arithmetic(id, layer, { map, y = null, x = null }) {
    const node = this.nodeOf(layer);
    const { network, pass } = this.session(id);
    const isMap = node.shape.length === 3;
    const place = isMap ? [map, y ?? 0, x ?? 0] : [map];
    place.forEach((at, axis) => checkRange(["map", "y", "x"][axis], at, node.shape[axis]));
    if (network.channelsOff.get(node.value)?.includes(map)) return switchedOff(node, place);
    return arithmeticOf(network, pass, node, place);
  }

  kernels(id, layer, map) {
    this.nodeOf(layer);
    const network = id === null ? this.networkOf(null) : this.session(id).network;
    const kernels = kernelsOf(network, layer, map);
    if (!kernels) throw new RangeError(`${layer} has no kernels to map ${map}`);
    return { layer, map, ...kernels };
  }

  field(layer, y, x) {
    const node = this.nodeOf(layer);
    const [height, width] = node.shape.length === 3 ? node.shape.slice(1) : [1, 1];
    checkRange("row", y, height);
    checkRange("column", x, width);
    return { field: fieldOf(this.graph, node, y, x), input_size: this.graph.input };
  }

  seen(row, column) {
    checkRange("row", row, this.graph.input[1]);
    checkRange("column", column, this.graph.input[2]);
    return { layers: unitsThatSee(this.graph, row, column) };
  }

  /** The gradient of the loss at every layer, with `label` as the true class. */
  gradients(id, label, maps = 16) {
    checkRange("label", label, this.classifier.class_names.length);
    const { network, pass } = this.session(id);
    const kind = this.classifier.thresholds ? { kind: "label" } : this.graph.loss;
    const { loss, gradient } = lossOf(kind, network.logits(pass), [label]);
    pass.backward(new Map([[this.graph.answer, gradient]]), { tensors: false });
    const layers = new Map();
    const norms = {};
    for (const { name, shape, value } of this.graph.nodes) {
      const found = pass.gradients[value] ?? new Float32Array(pass.values[value].length);
      layers.set(name, layerOf(name, shape, found, { from: 0, to: maps }));
      norms[name] = Math.sqrt(found.reduce((sum, one) => sum + one * one, 0));
    }
    return { label, loss, layers, norms, session: id };
  }

  attribution(id, { method, layer = null, label = null, versus = null }) {
    const { network, input, pass } = this.session(id);
    if (layer !== null) this.nodeOf(layer);
    const logits = network.logits(pass);
    const explained = label ?? logits.indexOf(Math.max(...logits));
    for (const index of [explained, versus ?? 0]) checkRange("label", index, this.classifier.class_names.length);
    const values = attribute(method, { network, input, label: explained, versus, layer });
    const [, height, width] = this.graph.input;
    const [low, high] = [Math.min, Math.max].map((choose) => values.reduce((a, b) => choose(a, b)));
    return { method, layer, label: explained, versus, height, width, low, high, values };
  }
}
