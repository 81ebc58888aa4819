/** The network as columns of feature maps: painted on one canvas, only what is in sight, with heads that are real text. */

import { h, name, onceAFrame, stillness } from "../dom.js";
import { openAtFirst, openTo } from "./blocks.js";
import { rebuildScale } from "../colour.js";
import { t } from "../i18n.js";
import { kindOf, ownName, sentence, shapeText, windowOrAmount } from "./kinds.js";
import { hit } from "./layout.js";
import { milliseconds, short, valueAt } from "../numbers.js";
import { paintNetwork } from "./paint.js";
import { mapsShown, planOf, sceneOf } from "./scene.js";
import { moveCursor, placeOf } from "./cursor.js";

const samePlace = (a, b) => a === b || (a && b && ["layer", "map", "y", "x", "row", "column"].every((key) => a[key] === b[key]));
const REVEAL = 550; // milliseconds for the data to run through

export function mount(root, store) {
  const canvas = h("canvas", { class: "network-canvas", "aria-hidden": "true" });
  const heads = h("div", { class: "heads" });
  const world = h("div", { class: "world" }, canvas, heads);
  const scroller = h("div", { class: "scroller", tabindex: 0, role: "application" }, world);
  const tip = h("div", { class: "tip", hidden: true });
  const said = h("p", { class: "unseen", role: "status" });
  root.append(scroller, tip, said);
  let plan = null;
  let cursor = null;
  const made = new Map();
  let began = 0; // when data started to run through

  function relayout() {
    if (!store.state.network) {
      plan = null;
      heads.replaceChildren();
      return;
    }
    const room = { width: scroller.clientWidth, height: scroller.clientHeight };
    plan = planOf(store, room);
    world.style.width = `${Math.max(plan.width, room.width)}px`;
    world.style.height = `${Math.max(plan.height, room.height)}px`;
    drawSoon();
  }

  function draw() {
    const [width, height] = [scroller.clientWidth, scroller.clientHeight];
    if (!width || !height) return;
    if (canvas.width !== Math.round(width * devicePixelRatio) || canvas.height !== Math.round(height * devicePixelRatio)) {
      canvas.width = Math.round(width * devicePixelRatio);
      canvas.height = Math.round(height * devicePixelRatio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    const context = canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!plan) return;
    const view = { left: scroller.scrollLeft, top: scroller.scrollTop, width, height };
    const reveal = stillness() ? 1 : Math.min((performance.now() - began) / REVEAL, 1);
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, -view.left * devicePixelRatio, -view.top * devicePixelRatio);
    paintNetwork(context, sceneOf(store, plan, { reveal, cursor: document.activeElement === scroller ? cursor : null }), view);
    drawHeads(view);
    if (reveal < 1) drawSoon();
  }
  const drawSoon = onceAFrame(draw);

  function drawHeads(view) {
    const inSight = ({ x, width }) => x + width >= view.left - 200 && x <= view.left + view.width + 200;
    const parts = plan.items.filter(inSight).flatMap((item) => [head(item), more(item)]);
    const brackets = plan.brackets.filter(inSight).map(bracket);
    const wanted = [...brackets, ...parts.filter(Boolean)];
    if (wanted.length !== heads.childElementCount || wanted.some((one, i) => heads.children[i] !== one)) heads.replaceChildren(...wanted);
  }
  /** The element made before, while it says the same: a button must not vanish between press and release. */
  function kept(key, says, make) {
    const before = made.get(key);
    if (before?.says === says) return before.element;
    const element = make();
    made.set(key, { says, element });
    return element;
  }
  function at(element, { x, y, width }) {
    element.style.left = `${x}px`;
    element.style.top = `${y}px`;
    element.style.width = `${width}px`;
    return element;
  }
  function head(item) {
    const { node, block } = item;
    const { forward, gradients, direction, selected } = store.state;
    const backward = direction === "backward";
    const norm = gradients?.norms[node.name];
    const ms = forward && item.members.reduce((sum, { name: member }) => sum + (forward.layer_ms[member] ?? 0), 0);
    const grey = backward ? (norm === undefined ? "" : `‖∂‖ ${short(norm)}`) : ms ? `${milliseconds(ms)} ms` : "";
    const label = block === null ? sentence(node) : t("network.blockLabel", { name: block, n: item.members.length });
    const lines = () => block === null
      ? [h("b", {}, name(ownName(node.name))), h("span", {}, kindOf(node)), h("span", {}, windowOrAmount(node))]
      : [h("b", {}, name(ownName(block))), h("span", {}, t("network.block", { n: item.members.length })), h("span", {}, t("network.open"))];
    const act = block === null ? () => store.set({ selected: { layer: node.name }, why: false }) : () => toggle(block);
    const mine = block === null && selected?.layer === node.name;
    const lit = !selected || mine || store.state.network.byName.get(selected.layer)?.inputs.includes(node.name);
    const classes = `head${block === null ? "" : " block"}${mine ? " chosen" : ""}${lit ? "" : " faded"}` +
      `${cursor?.layer === node.name && cursor.map === undefined ? " cursor" : ""}`;
    const make = () => h("button", { class: classes, tabindex: -1, title: label, "aria-label": label, onclick: act,
      data: { layer: node.name } }, ...lines(), h("span", {}, shapeText(node.shape)), h("small", {}, grey));
    const button = kept(`head ${item.id}`, [label, classes].join(), make);
    button.lastChild.textContent = grey;
    return at(button, { x: item.x - 7, y: item.y, width: item.width + 14 });
  }
  function more(item) {
    const { node, grid } = item;
    const left = node.shape[0] - grid.count;
    if (left <= 0 || grid.vector) return null;
    const next = grid.count < 64 ? 64 : node.shape[0];
    const show = () => store.set({ shown: { ...store.state.shown, [node.name]: Math.min(next, node.shape[0]) } });
    const label = t("network.moreLabel", { n: left, name: node.name });
    const button = kept(`more ${item.id}`, label, () => h("button", { class: "more", tabindex: -1, onclick: show, "aria-label": label }, t("network.more", { n: left })));
    return at(button, { x: item.x - 4, y: grid.bottom + 3, width: item.width + 8 });
  }
  function bracket({ name: block, x, y, width }) {
    const label = t("network.close", { name: block });
    const button = kept(`bracket ${block}`, label, () => h("button", { class: "bracket", tabindex: -1, onclick: () => toggle(block), "aria-expanded": "true",
      title: label, "aria-label": label }, h("span", {}, name(block))));
    return at(button, { x, y, width });
  }
  function toggle(block) {
    const open = new Set(store.state.open);
    if (open.has(block)) [...open].filter((other) => other === block || other.startsWith(`${block}.`)).forEach((other) => open.delete(other));
    else open.add(block);
    store.set({ open });
  }

  /** The map and pixel below a point of the window. */
  function pointed(event) {
    if (!plan) return null;
    const box = scroller.getBoundingClientRect();
    const found = hit(plan.items, event.clientX - box.left + scroller.scrollLeft, event.clientY - box.top + scroller.scrollTop);
    if (!found) return null;
    const { node } = found.item;
    const { forward, gradients, direction } = store.state;
    const layer = (direction === "backward" ? gradients : forward)?.layers.get(node.name);
    if (!layer) return null;
    if (layer.vector) return { layer: node.name, map: found.position, y: 0, x: 0, value: valueAt(layer.maps[0], found.position) };
    const map = mapsShown(store, layer)[found.position];
    if (!map) return null;
    const [y, x] = [Math.floor(found.row * layer.height), Math.floor(found.column * layer.width)];
    return { layer: node.name, map: map.map, y, x, value: valueAt(map, y * layer.width + x) };
  }

  scroller.addEventListener("pointermove", (event) => {
    const place = event.target.closest(".heads button") ? null : pointed(event);
    // On the input one asks the other way round: who sees this pixel?
    const input = place && store.state.network.byName.get(place.layer).kind === "input";
    const next = input ? { row: place.y, column: place.x } : place;
    scroller.classList.toggle("pointing", Boolean(place));
    if (!samePlace(next, store.state.hover)) store.set({ hover: next });
    tip.hidden = !place;
    if (!place) return;
    const node = store.state.network.byName.get(place.layer);
    tip.replaceChildren(h("b", {}, placeOf(node, place, store.state)), h("span", {}, t("network.about", { value: short(place.value) })));
    const box = root.getBoundingClientRect();
    const left = Math.min(event.clientX - box.left + 14, box.width - tip.offsetWidth - 8);
    tip.style.transform = `translate(${Math.max(left, 4)}px, ${Math.max(event.clientY - box.top - tip.offsetHeight - 10, 4)}px)`;
  });
  scroller.addEventListener("pointerleave", () => {
    tip.hidden = true;
    store.set({ hover: null });
  });
  scroller.addEventListener("click", (event) => {
    if (event.target.closest(".heads button")) return;
    const place = pointed(event);
    if (!place) return;
    const { layer, map, y, x } = place;
    cursor = { layer, map };
    if (layer !== store.state.network.nodes[0].name) store.set({ selected: { layer, map, y, x }, why: false });
  });
  scroller.addEventListener("scroll", drawSoon);
  scroller.addEventListener("focus", drawSoon);
  scroller.addEventListener("blur", drawSoon);
  scroller.addEventListener("keydown", (event) => {
    if (!plan || event.altKey || event.ctrlKey || event.metaKey) return;
    const moved = moveCursor(store, plan, cursor, event.key);
    if (moved) {
      event.preventDefault();
      cursor = moved;
      const item = plan.byLayer.get(cursor.layer);
      said.textContent = cursor.map === undefined ? (item.block ?? sentence(item.node)) : placeOf(item.node, cursor, store.state);
      reveal(item);
      drawSoon();
    } else if (cursor && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      const item = plan.byLayer.get(cursor.layer);
      if (cursor.map === undefined && item.block !== null) toggle(item.block);
      else store.set({ selected: { ...cursor, ...(item.grid.vector && cursor.map !== undefined && { y: 0, x: 0 }) }, why: false });
    }
  });
  function reveal({ x, width }) {
    const [left, right] = [x - 24, x + width + 24];
    if (left < scroller.scrollLeft) scroller.scrollLeft = left;
    if (right > scroller.scrollLeft + scroller.clientWidth) scroller.scrollLeft = right - scroller.clientWidth;
  }

  let shownSource = null;
  store.on(["forward", "gradients"], ({ forward, source, gradients, direction }) => {
    // Strokes of one drawing follow each other too quickly to run through.
    const fresh = forward && (source?.kind !== shownSource?.kind || (source?.kind !== "drawing" && source !== shownSource));
    if (fresh || (direction === "backward" && gradients)) began = performance.now();
    shownSource = forward ? source : null;
    drawSoon();
  });
  store.on(["network"], ({ network, selected }) => {
    cursor = null;
    made.clear();
    scroller.scrollLeft = scroller.scrollTop = 0;
    if (network) store.set({ open: openTo(network, openAtFirst(network), selected?.layer) });
    relayout();
  });
  store.on(["selected"], ({ network, open, selected }) => {
    if (network && selected) store.set({ open: openTo(network, open, selected.layer) });
    if (selected && plan?.byLayer.has(selected.layer)) reveal(plan.byLayer.get(selected.layer));
    drawSoon();
  });
  store.on(["open", "shown", "language"], relayout);
  store.on(["arithmetic", "kernels", "field", "seenBy", "scale", "direction", "loaded"], drawSoon);
  store.on(["theme"], () => {
    rebuildScale();
    drawSoon();
  });
  store.on(["language"], () => scroller.setAttribute("aria-label", t("network.label")));
  scroller.setAttribute("aria-label", t("network.label"));
  new ResizeObserver(relayout).observe(scroller);
}
