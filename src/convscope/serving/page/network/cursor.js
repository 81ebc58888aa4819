/** Moving through the network with the arrow keys, and saying where one is. */

import { t } from "../i18n.js";
import { mapsShown } from "./scene.js";

/** "conv1, map 3, row 12, column 7" with as much of it as `place` has. */
export function placeOf(node, { map, y, x }, state) {
  if (map === undefined) return node.name;
  const vector = node.shape.length < 3 || node.shape[1] * node.shape[2] === 1;
  if (vector) {
    const last = node.shape[0] === state.network.class_names.length && node.name === state.network.nodes.at(-1).name;
    return t(last ? "place.class" : "place.value", { layer: node.name, map, label: state.network.class_names[map] });
  }
  return t(y === undefined ? "place.map" : "place.pixel", { layer: node.name, map, y, x });
}

/** The place after a key: left and right by column, up and down by map; above the first map is the layer's head. */
export function moveCursor(store, plan, cursor, key) {
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], Home: [-Infinity, 0], End: [Infinity, 0] };
  if (!steps[key]) return null;
  const { items } = plan;
  if (!cursor || !plan.byLayer.has(cursor.layer)) return { layer: items[0].node.name };
  const item = plan.byLayer.get(cursor.layer);
  const layer = store.state.forward?.layers.get(item.node.name);
  const order = layer?.vector ? Array.from({ length: item.grid.count }, (_, i) => i)
    : layer ? mapsShown(store, layer).slice(0, item.grid.count).map(({ map }) => map) : [];
  const position = cursor.map === undefined ? -1 : order.indexOf(cursor.map);
  const [across, down] = steps[key];
  const { columns } = item.grid;
  if (down) {
    const next = position === -1 ? (down > 0 ? 0 : -1) : position + down * columns;
    if (next < 0) return down < 0 && position === -1 ? cursor : { layer: cursor.layer };
    return next < order.length ? { layer: cursor.layer, map: order[next] } : cursor;
  }
  const beside = position + across;
  if (Number.isFinite(across) && position >= 0 && Math.floor(beside / columns) === Math.floor(position / columns) && order[beside] !== undefined) {
    return { layer: cursor.layer, map: order[beside] };
  }
  const ordered = [...items].sort((a, b) => a.rank - b.rank || a.lane - b.lane);
  const index = Math.min(Math.max(ordered.indexOf(item) + across, 0), ordered.length - 1);
  return { layer: ordered[index].node.name };
}
