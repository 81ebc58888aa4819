/** One value of one node: where the numbers that made it are looked up, and the form of what is said about it. */

import { sizeOf } from "../weights.js";

/** A place of one image as [channel, row, column], null where it has fewer axes. */
export const shownPlace = (place) => [...place, null, null, null].slice(0, 3);

export function flatPlace(place, shape) {
  return place.reduce((at, i, axis) => at * shape[axis] + i, 0);
}

export function placeOf(flat, shape) {
  const place = [];
  let rest = flat;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    place.unshift(rest % shape[axis]);
    rest = Math.floor(rest / shape[axis]);
  }
  return place;
}

export function termOf(input, place, value, weight = null, more = {}) {
  const product = weight === null ? null : value * weight;
  return { input, index: shownPlace(place), value, weight, product, padded: false, chosen: false, ...more };
}

const total = (values) => values.reduce((sum, value) => sum + (value ?? 0), 0);

export class Unit {
  /** The value of `node` at `place` (as many numbers as the node has axes) in a pass of one image. */
  constructor(network, pass, node, place) {
    Object.assign(this, { network, pass, node, place });
    this.operations = network.graph.operations
      .map((operation, i) => ({ ...operation, output: i + 1 }))
      .filter((operation) => operation.node === node.name && operation.batched !== false);
    this.names = new Map(network.graph.nodes.map(({ name, value }) => [value, name]));
  }

  /** The name of the node (or parameter) that an operand of an operation comes from. */
  nameOf(operand) {
    if (typeof operand === "number") return this.names.get(operand) ?? "constant";
    return (operand.tensor !== undefined && this.network.tensors[operand.tensor].name) || "constant";
  }

  read(operand) {
    return this.pass.read(operand);
  }

  /** One number of a tensor of parameters, null if the operation has none. */
  parameter(operand, at) {
    return operand === null ? null : this.read(operand).data[at];
  }

  get networkValue() {
    return this.pass.values[this.node.value][flatPlace(this.place, this.node.shape)];
  }

  /**
   * What is said about the value; without `value` it is the sum of the products and the bias. With `channels`, terms
   * come in the order channel, row, column of a window, and partial sums are those of the channels.
   */
  result(operation, terms, formula, { value, bias = null, channels = null, window = [1, 1], ...parameters } = {}) {
    const size = sizeOf(window);
    const withSums = channels && terms.length && terms[0].product !== null;
    const partial = !withSums ? [] : channels.map((_, i) =>
      total(terms.slice(i * size, (i + 1) * size).map(({ product }) => product)));
    const { name, kind, type } = this.node;
    return {
      layer: name, kind, type, index: shownPlace(this.place), operation, terms, formula,
      value: value ?? total([...terms.map(({ product }) => product), bias]), network_value: this.networkValue,
      grid: channels ? { channels, height: window[0], width: window[1] } : null, bias, parameters,
      partial_sums: partial, off: false,
    };
  }
}
