/** What pointer and keyboard do on the network: hover, open, scroll, and walk from layer to layer. */

import { valueAt } from "../numbers.js";
import { classesShown, nodeOf, SOFTMAX } from "../state/softmax.js";
import { moveCursor, placeOf } from "./cursor.js";
import { activateHead } from "./heads.js";
import { sentence } from "./kinds.js";
import { hit } from "./layout.js";
import { mapsShown } from "./scene.js";
import { STRIP } from "./stuck.js";
import { showTip } from "./tip.js";
import { stepped } from "./zoom.js";

const EDGE = 12; // pixels left free beside an item that is scrolled to

export function listen(view) {
  const { scroller, tip, store, drawSoon } = view;
  scroller.addEventListener("pointermove", (event) => hover(view, event));
  scroller.addEventListener("pointerleave", () => {
    tip.hidden = true;
    store.set({ hover: null });
  });
  scroller.addEventListener("click", (event) => select(view, event));
  scroller.addEventListener("keydown", (event) => {
    if (!view.plan || event.altKey || event.ctrlKey || event.metaKey) return;
    if (walk(view, event.key) || activate(view, event.key) || zoomBy(view, event.key)) event.preventDefault();
  });
  scroller.addEventListener("wheel", (event) => event.ctrlKey && pinch(view, event), { passive: false });
  for (const kind of ["scroll", "focus", "blur"]) scroller.addEventListener(kind, drawSoon);
  for (const kind of ["wheel", "pointerdown", "keydown"]) {
    scroller.addEventListener(kind, () => (view.reveals = false), { passive: true });
  }
}

/** Larger, smaller or all in sight by a key; false for other keys. */
function zoomBy({ store, scale }, key) {
  const way = { "+": 1, "=": 1, "-": -1 }[key];
  if (way) store.set({ zoom: stepped(scale, way) });
  else if (key === "0") store.set({ zoom: "fit" });
  return Boolean(way) || key === "0";
}

/** Zooms by a wheel with Ctrl or two fingers on a pad, and leaves what is below the pointer in its place. */
function pinch(view, event) {
  event.preventDefault();
  const { store, scroller, scale } = view;
  const x = event.clientX - scroller.getBoundingClientRect().left;
  const share = (scroller.scrollLeft + x) / scroller.scrollWidth;
  store.set({ zoom: stepped(scale, -Math.sign(event.deltaY) / 2) });
  scroller.scrollLeft = share * scroller.scrollWidth - x;
}

/**
 * Scrolls sideways until an item is in sight, and up or down to one `cell` of it, if there is any: no further than it
 * must, from where it is or `from` another place.
 */
export function scrollTo({ scroller, scale }, { x, width }, cell = null, from = scroller.scrollTop) {
  scroller.scrollLeft = inSight(scroller.scrollLeft, scroller.clientWidth, x * scale, width * scale);
  if (!cell) return;
  const strip = Math.max(STRIP - EDGE, 0) + 4; // the names lie over the upper edge
  scroller.scrollTop = inSight(from, heightInSight(scroller), cell.y * scale - strip, cell.height * scale + strip);
}

/** Pixels of the network above the drawer, which on a large screen lies over its lower part. */
function heightInSight(scroller) {
  const drawer = document.querySelector("#drawer");
  if (drawer.hidden || getComputedStyle(drawer).position !== "absolute") return scroller.clientHeight;
  return Math.min(drawer.getBoundingClientRect().top - scroller.getBoundingClientRect().top, scroller.clientHeight);
}

/** Where to scroll from `start`, with a window of `room`, so that `length` pixels from `at` on are in it. */
function inSight(start, room, at, length) {
  const [first, last] = [at - EDGE, at + length + EDGE];
  if (first < start) return first;
  return last > start + room ? Math.min(last - room, first) : start;
}

/** The value below the pointer: {layer, map, y, x, value}, or null. */
function pointed({ store, plan, scale, scroller }, event) {
  if (!plan || event.target.closest(".heads button, .stuck button")) return null;
  const box = scroller.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left + scroller.scrollLeft, event.clientY - box.top + scroller.scrollTop];
  const found = hit(plan.items, x / scale, y / scale);
  if (found?.item.node.name === SOFTMAX) return probabilityAt(store.state, found.position);
  const { forward, gradients, direction } = store.state;
  const layer = found && (direction === "backward" ? gradients : forward)?.layers.get(found.item.node.name);
  if (!layer) return null;
  const { position } = found;
  if (layer.vector) return { layer: layer.name, map: position, y: 0, x: 0, value: valueAt(layer.maps[0], position) };
  const map = mapsShown(store, layer)[position];
  if (!map) return null;
  const [row, column] = [Math.floor(found.row * layer.height), Math.floor(found.column * layer.width)];
  return { layer: layer.name, map: map.map, y: row, x: column, value: valueAt(map, row * layer.width + column) };
}

function probabilityAt(state, position) {
  const map = classesShown(state)[position] ?? null;
  const found = state.forward?.probabilities.find(({ index }) => index === map);
  return found ? { layer: SOFTMAX, map, y: 0, x: 0, value: found.probability } : null;
}

const PLACE_KEYS = ["layer", "map", "y", "x", "row", "column"];
const samePlace = (a, b) => a === b || (a && b && PLACE_KEYS.every((key) => a[key] === b[key]));

function hover(view, event) {
  const { store, scroller, tip } = view;
  const place = pointed(view, event);
  const node = place && nodeOf(store.state.network, place.layer);
  // On the input the question is which units see the pixel.
  const next = node?.kind === "input" ? { row: place.y, column: place.x } : node?.name === SOFTMAX ? null : place;
  scroller.classList.toggle("pointing", Boolean(place));
  if (!samePlace(next, store.state.hover)) store.set({ hover: next });
  const box = tip.parentElement.getBoundingClientRect();
  showTip(tip, store.state, place, [event.clientX - box.left, event.clientY - box.top]);
}

function select(view, event) {
  const place = pointed(view, event);
  if (!place) return;
  const { layer, map, y, x } = place;
  view.cursor = { layer, map };
  const { network, selected } = view.store.state;
  if (layer === network.nodes[0].name) return;
  // A convolution's map opens into the maps that add up to it; the next click into it chooses a value.
  const node = nodeOf(network, layer);
  const opens = node.kind === "conv" && node.shape[1] > 1 && (selected?.layer !== layer || selected.map !== map);
  view.store.set({ selected: opens ? { layer, map } : { layer, map, y, x }, why: false });
}

/** Moves the cursor by an arrow key and says where it is; false for other keys. */
function walk(view, key) {
  const { store, plan, spoken } = view;
  const cursor = moveCursor(store, plan, view.cursor, key);
  if (!cursor) return false;
  view.cursor = cursor;
  const item = plan.byLayer.get(cursor.layer);
  const head = item.block ?? sentence(item.node, store.state.network);
  spoken.textContent = cursor.map === undefined ? head : placeOf(item.node, cursor, store.state);
  scrollTo(view, item);
  view.drawSoon();
  return true;
}

/** Opens what the cursor stands on by Enter or Space, or what its kind of layer does by "?"; false for other keys. */
function activate(view, key) {
  const { store, plan, cursor } = view;
  if (!cursor || !["Enter", " ", "?"].includes(key)) return false;
  const item = plan.byLayer.get(cursor.layer);
  if (key === "?") view.askAbout(item.node, view.scroller, item);
  else if (cursor.map === undefined) activateHead(store, item);
  else store.set({ selected: { ...cursor, ...(item.grid.vector && { y: 0, x: 0 }) }, why: false });
  return true;
}
