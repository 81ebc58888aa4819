/** What pointer, wheel and keyboard do in space: turn, zoom, shift, point at planes, open them, walk through layers. */

import { sentence } from "../network/kinds.js";
import { showTip } from "../network/tip.js";
import { planeAt } from "./paint.js";

const TURNS = { ArrowLeft: [-0.12, 0], ArrowRight: [0.12, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] };
const ZOOMS = { "+": 1.15, "=": 1.15, "-": 1 / 1.15 };
const WALKS = { n: 1, p: -1 };
const CLICK = 4; // pixels that a pointer may move between press and release of a click
const TURN = [0.008, 0.006]; // radians for a pixel: across, down

export function listen(view) {
  const { canvas, buttons, eye, drawSoon } = view;
  listenToPointers(view);
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(view, Math.exp(-event.deltaY * 0.0012));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !press(view, event.key)) return;
    event.preventDefault();
    drawSoon();
  });
  buttons.closer.addEventListener("click", () => zoom(view, 1.25));
  buttons.farther.addEventListener("click", () => zoom(view, 0.8));
  buttons.home.addEventListener("click", () => {
    eye.reset();
    drawSoon();
  });
}

function zoom({ eye, drawSoon }, factor) {
  eye.zoom(factor);
  drawSoon();
}

/** Pointers that are down are kept by id: one turns or shifts, two pinch. */
function listenToPointers(view) {
  const { canvas } = view;
  const down = new Map();
  let dragged = false;
  const placeOf = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, placeOf(event));
    dragged = false;
  });
  canvas.addEventListener("pointermove", (event) => {
    const [before, now] = [down.get(event.pointerId), placeOf(event)];
    if (!before) {
      pointAt(view, now);
      return;
    }
    if (!dragged && Math.hypot(now[0] - before[0], now[1] - before[1]) < CLICK) return;
    dragged = true;
    pointAt(view, null);
    const other = down.size === 2 ? [...down].find(([id]) => id !== event.pointerId)[1] : null;
    drag(view, before, now, other, event);
    down.set(event.pointerId, now);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => {
      down.delete(event.pointerId);
      if (end === "pointerup" && !dragged) select(view, planeAt(view.planes, ...placeOf(event)));
    });
  }
  canvas.addEventListener("pointerleave", () => down.size || pointAt(view, null));
}

/** Moves the camera with a pointer; `other` is where a second pointer lies. */
function drag({ eye, drawSoon }, before, now, other, { shiftKey, buttons }) {
  const [across, down] = [now[0] - before[0], now[1] - before[1]];
  if (other) {
    const apart = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]) || 1;
    eye.zoom(apart(now) / apart(before));
    eye.shift(across / 2, down / 2);
  } else if (shiftKey || buttons === 4 || buttons === 2) eye.shift(across, down);
  else eye.turn(across * TURN[0], down * TURN[1]);
  drawSoon();
}

/** What a key does; false for keys that do nothing here. */
function press(view, key) {
  const { eye, hovered } = view;
  if (TURNS[key]) eye.turn(...TURNS[key]);
  else if (ZOOMS[key]) eye.zoom(ZOOMS[key]);
  else if (key === "0" || key === "Home") eye.reset();
  else if (WALKS[key]) walk(view, WALKS[key]);
  else if (key === "Enter" && hovered) select(view, hovered);
  else return false;
  return true;
}

/** From layer to layer without a pointer: as if one pointed at the first map of each. */
function walk(view, step) {
  const { items, planes, spoken, hovered } = view;
  const now = items.findIndex(({ node }) => node.name === hovered?.layer);
  const item = items[Math.min(Math.max(now + step, 0), items.length - 1)];
  if (!item) return;
  view.hovered = planes.find(({ layer, first }) => layer === item.node.name && first) ?? null;
  spoken.textContent = item.block ?? sentence(item.node, view.store.state.network);
}

/** Lights the plane at a place [x, y] of the canvas and shows its value; nothing for null. */
export function pointAt(view, place) {
  const { canvas, tip, store, planes, hovered } = view;
  const found = place && planeAt(planes, ...place);
  canvas.classList.toggle("pointing", Boolean(found));
  showTip(tip, store.state, found, place);
  if (found?.layer === hovered?.layer && found?.map === hovered?.map) return;
  view.hovered = found;
  view.drawSoon();
}

/** Opens the drawer for a plane's value; closes it for null. The input has no calculation to open. */
function select({ store }, plane) {
  if (!plane) store.set({ selected: null });
  else if (plane.layer !== store.state.network.nodes[0].name) {
    const { layer, map, y = 0, x = 0 } = plane;
    store.set({ selected: { layer, map, y, x }, why: false });
  }
}
