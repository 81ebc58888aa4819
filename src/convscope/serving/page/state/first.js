/** With which picture a network begins: one that is drawn, or the first of those to try. */

/** Whether the classes of a network are the ten digits. */
export const readsDigits = ({ class_names: names }) => names.join() === "0,1,2,3,4,5,6,7,8,9";

/** Whether somebody's drawing is what the network expects. */
export const readsDrawings = (network) => network.input_size[0] === 1 && readsDigits(network);

/** The source of the first example; null for an empty board, of a network that reads drawings or has no examples. */
export function firstExample(network, examples) {
  if (readsDrawings(network) || !examples.length) return null;
  return { kind: "example", id: examples[0].id };
}
