/** Moving through the network with the arrow keys, and the words for a place. */

import { t } from "../i18n.js";
import { classesShown, SOFTMAX } from "../state/softmax.js";
import { isVector } from "./layout.js";
import { plainName } from "./names.js";
import { mapsShown } from "./scene.js";
import { positionText } from "./tokens.js";

const STEPS = { // [columns, rows]
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
  Home: [-Infinity, 0], End: [Infinity, 0],
};

/** "conv1, map 3, row 12, column 7" with as much of it as `place` has. */
export function placeOf(node, { map, y, x }, { network }) {
  const layer = plainName(node, network);
  if (map === undefined) return layer;
  if (node.tokens && y !== undefined) return t("place.token", { layer, map, place: positionText(node, { y, x }) });
  if (!isVector(node.shape)) return t(y === undefined ? "place.map" : "place.pixel", { layer, map, y, x });
  const label = network.class_names[map];
  const isOutput = node.name === SOFTMAX
    || (node.shape[0] === network.class_names.length && node.name === network.nodes.at(-1).name);
  return t(isOutput ? "place.class" : "place.value", { layer, map, label });
}

/**
 * The cursor {layer, map?} after a key, or null for a key that does not move it: left and right by column, up and down
 * by map. Above the first map is the layer's head, which has no `map`.
 */
export function moveCursor(store, plan, cursor, key) {
  if (!STEPS[key]) return null;
  const [across, down] = STEPS[key];
  const item = plan.byLayer.get(cursor?.layer);
  if (!item) return { layer: plan.items[0].node.name };
  const maps = mapNumbers(store, item);
  const position = cursor.map === undefined ? -1 : maps.indexOf(cursor.map);
  const { columns } = item.grid;
  const to = down ? positionBelow(position, down, columns) : positionBeside(position, across, columns);
  if (maps[to] !== undefined) return { layer: cursor.layer, map: maps[to] };
  if (!down) return { layer: itemBeside(plan.items, item, across).node.name };
  return to < 0 && position >= 0 ? { layer: cursor.layer } : cursor;
}

/** The numbers of the maps (or values of a vector) that an item shows, in the order in which they stand. */
function mapNumbers(store, { node, grid }) {
  if (node.name === SOFTMAX) return classesShown(store.state).filter((index) => index !== null);
  const layer = store.state.forward?.layers.get(node.name);
  if (!layer) return [];
  if (layer.vector) return Array.from({ length: grid.count }, (_, i) => i);
  return mapsShown(store, layer).slice(0, grid.count).map(({ map }) => map);
}

function positionBelow(position, down, columns) {
  if (position === -1) return down > 0 ? 0 : -1;
  return position + down * columns;
}

/** The neighbour in the same row of maps, or -1 where there is none. */
function positionBeside(position, across, columns) {
  if (position < 0 || !Number.isFinite(across)) return -1;
  const beside = position + across;
  return Math.floor(beside / columns) === Math.floor(position / columns) ? beside : -1;
}

function itemBeside(items, item, across) {
  const ordered = [...items].sort((a, b) => a.rank - b.rank || a.lane - b.lane);
  const index = Math.min(Math.max(ordered.indexOf(item) + across, 0), ordered.length - 1);
  return ordered[index];
}
