/** Links to a map of a closed block: whatever happens inside, all that goes in may reach it. */

const MOST = 64;

/** Links [{from: {layer, map}, to: {layer, map}, weight: 0}]; `planes` as painted. */
export function blockInputs(item, planes, { layer, map }) {
  const sources = planes.filter((plane) => item.inputs.some(({ node }) => node.name === plane.layer));
  return sources.slice(0, MOST)
    .map((plane) => ({ from: { layer: plane.layer, map: plane.map }, to: { layer, map }, weight: 0 }));
}
