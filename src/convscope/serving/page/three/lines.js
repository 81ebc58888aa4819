/** Which maps a map was made of, when nobody has asked the server for weights: what the kind of layer tells. */

const MOST = 64;
const MIXES = new Set(["conv", "linear", "softmax", "other"]);

/** Links [{from: {layer, map}, to, weight}] from the inputs of {layer, map} to it; weight is 0 where it is unknown. */
export function inputsOf(store, { layer, map }) {
  const { network } = store.state;
  const node = network.byName.get(layer);
  const to = { layer, map };
  const links = [];
  let before = 0; // maps of the inputs that came first in a concatenation
  for (const input of node.inputs) {
    const source = network.byName.get(input);
    const count = source.shape[0];
    for (const from of mapsThatFeed(node, source, map, before, count)) links.push({ from: { layer: input, map: from }, to, weight: 0 });
    before += count;
  }
  return links.slice(0, MOST);
}

/** Links to a map of a closed block: whatever happens inside, it sees all that goes in. `planes` as they were painted. */
export function blockInputs(item, planes, { layer, map }) {
  const sources = planes.filter((plane) => item.inputs.some(({ node }) => node.name === plane.layer));
  return sources.slice(0, MOST).map((plane) => ({ from: { layer: plane.layer, map: plane.map }, to: { layer, map }, weight: 0 }));
}

function mapsThatFeed(node, source, map, before, count) {
  if (node.kind === "concat") return map >= before && map < before + count ? [map - before] : [];
  if (node.kind === "flatten") return [Math.floor(map / (node.shape[0] / count))];
  if (!MIXES.has(node.kind)) return map < count ? [map] : [];
  const groups = node.attributes?.groups ?? 1;
  const own = count / groups;
  const first = Math.floor(map / (node.shape[0] / groups)) * own;
  return Array.from({ length: own }, (_, i) => first + i);
}
