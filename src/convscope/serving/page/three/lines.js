/** Links from the inputs of a map to it, as far as the kind of layer tells; the server is not asked for weights. */

const MOST = 64;
const MIXING = new Set(["conv", "linear", "softmax", "other"]); // kinds that make a map of all inputs (of its group)

/** Links [{from: {layer, map}, to: {layer, map}, weight: 0}], 0 for unknown, from the inputs of {layer, map} to it. */
export function inputsOf(store, { layer, map }) {
  const { network } = store.state;
  const node = network.byName.get(layer);
  const to = { layer, map };
  const links = [];
  let before = 0; // maps of the inputs that come first in a concatenation
  for (const input of node.inputs) {
    const count = network.byName.get(input).shape[0];
    links.push(...mapsThatFeed(node, map, before, count).map((from) => link({ layer: input, map: from }, to)));
    before += count;
  }
  return links.slice(0, MOST);
}

/** Links to a map of a closed block: whatever happens inside, all that goes in may reach it. `planes` as painted. */
export function blockInputs(item, planes, { layer, map }) {
  const sources = planes.filter((plane) => item.inputs.some(({ node }) => node.name === plane.layer));
  return sources.slice(0, MOST).map((plane) => link({ layer: plane.layer, map: plane.map }, { layer, map }));
}

const link = (from, to) => ({ from, to, weight: 0 });

/** Which of the `count` maps of one input a map is made of. */
function mapsThatFeed(node, map, before, count) {
  if (node.kind === "concat") return map >= before && map < before + count ? [map - before] : [];
  if (node.kind === "flatten") return [Math.floor(map / (node.shape[0] / count))];
  if (!MIXING.has(node.kind)) return map < count ? [map] : [];
  const groups = node.attributes?.groups ?? 1;
  const inGroup = count / groups;
  const first = Math.floor(map / (node.shape[0] / groups)) * inGroup;
  return Array.from({ length: inGroup }, (_, i) => first + i);
}
