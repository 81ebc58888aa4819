/** The network in space: layers stand one behind the other along an axis, their maps are planes. Painted on a 2D canvas
 * with a projection of our own, so it needs no WebGL and runs wherever the page does. */

import { rebuildScale } from "../colour.js";
import { h, icon, name, onceAFrame, stillness } from "../dom.js";
import { t } from "../i18n.js";
import { sentence } from "../network/kinds.js";
import { short } from "../numbers.js";
import { placeOf } from "../network/cursor.js";
import { sceneOf } from "../network/scene.js";
import { arrange } from "./arrange.js";
import { camera } from "./camera.js";
import { blockInputs, inputsOf } from "./lines.js";
import { paint, planeAt } from "./paint.js";

const KEYS = { ArrowLeft: [-0.12, 0], ArrowRight: [0.12, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] };
const ENTRANCE = 900; // milliseconds in which it turns into place

export function mount(root, store) {
  const canvas = h("canvas", { class: "three-canvas", tabindex: 0, role: "application" });
  const tip = h("div", { class: "tip", hidden: true });
  const said = h("p", { class: "unseen", role: "status" });
  const help = h("p", { class: "three-help soft" });
  const button = (act, content) => h("button", { class: "tool", onclick: act }, content);
  const [closer, farther, home] = [button(() => zoom(1.25), "+"), button(() => zoom(0.8), "−"), button(() => { eye.reset(); drawSoon(); }, icon("reset"))];
  root.append(canvas, tip, said, help, h("div", { class: "three-tools" }, closer, farther, home));
  const eye = camera();
  const pointers = new Map(); // those that are down, by id
  let items = [];
  let planes = []; // as painted last, nearest last
  let hovered = null; // the plane below the pointer
  let moved = false; // whether the pointer that is down was dragged

  function build() {
    items = store.state.network ? arrange(store) : [];
    eye.fit(items, { width: root.clientWidth, height: root.clientHeight });
    drawSoon();
  }
  function draw() {
    const [width, height] = [root.clientWidth, root.clientHeight];
    if (!width || !height || root.hidden || !store.state.network) return;
    const ratio = devicePixelRatio;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext("2d");
    const still = eye.settle(stillness() ? Infinity : ENTRANCE);
    const scene = sceneOf(store, null);
    const block = hovered && items.find(({ node, block: closed }) => closed !== null && node.name === hovered.layer);
    const links = block ? blockInputs(block, planes, hovered) : hovered ? inputsOf(store, hovered) : scene.links ?? [];
    const lit = hovered ? litBy(hovered, links) : scene.lit;
    planes = paint(context, { items, scene: { ...scene, lit, links }, eye, width, height, ratio, hovered });
    if (!still) drawSoon();
  }
  const drawSoon = onceAFrame(draw);

  function litBy(plane, links) {
    const lit = new Map([[plane.layer, new Set([plane.map])]]);
    for (const { from: { layer, map } } of links) lit.set(layer, (lit.get(layer) ?? new Set()).add(map));
    return lit;
  }
  function zoom(by) {
    eye.zoom(by);
    drawSoon();
  }

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, at(event));
    moved = false;
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    const now = at(event);
    if (!before) return point(now);
    const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
    if (!moved && Math.hypot(dx, dy) < 4) return undefined;
    moved = true;
    point(null);
    if (pointers.size === 2) {
      const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
      const apart = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]) || 1;
      eye.zoom(apart(now) / apart(before));
      eye.shift(dx / 2, dy / 2);
    } else if (event.shiftKey || event.buttons === 4 || event.buttons === 2) eye.shift(dx, dy);
    else eye.turn(dx * 0.008, dy * 0.006);
    pointers.set(event.pointerId, now);
    drawSoon();
    return undefined;
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => {
      pointers.delete(event.pointerId);
      if (end === "pointerup" && !moved) choose(planeAt(planes, ...at(event)));
    });
  }
  canvas.addEventListener("pointerleave", () => pointers.size || point(null));
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * 0.0012));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const turn = KEYS[event.key];
    if (turn) eye.turn(...turn);
    else if (event.key === "+" || event.key === "=") eye.zoom(1.15);
    else if (event.key === "-") eye.zoom(1 / 1.15);
    else if (event.key === "0" || event.key === "Home") eye.reset();
    else if (event.key === "n" || event.key === "p") walk(event.key === "n" ? 1 : -1);
    else if (event.key === "Enter" && hovered) choose(hovered);
    else return;
    event.preventDefault();
    drawSoon();
  });

  /** From layer to layer without a pointer: the first map of each is hovered. */
  function walk(by) {
    const now = items.findIndex(({ node }) => node.name === hovered?.layer);
    const item = items[Math.min(Math.max(now + by, 0), items.length - 1)];
    hovered = planes.find(({ layer, first }) => layer === item.node.name && first) ?? null;
    said.textContent = item.block ?? sentence(item.node);
  }
  function point(place) {
    const found = place && planeAt(planes, ...place);
    canvas.classList.toggle("pointing", Boolean(found));
    tip.hidden = !found;
    if (found) {
      const node = store.state.network.byName.get(found.layer);
      tip.replaceChildren(h("b", {}, name(placeOf(node, found, store.state))), h("span", {}, found.value === null ? sentence(node) : t("network.about", { value: short(found.value) })));
      const left = Math.min(place[0] + 14, root.clientWidth - tip.offsetWidth - 8);
      tip.style.transform = `translate(${Math.max(left, 4)}px, ${Math.max(place[1] - tip.offsetHeight - 10, 4)}px)`;
    }
    if (found?.layer !== hovered?.layer || found?.map !== hovered?.map) {
      hovered = found;
      drawSoon();
    }
  }
  function choose(plane) {
    if (!plane) return store.set({ selected: null });
    const { layer, map, y, x } = plane;
    if (layer === store.state.network.nodes[0].name) return undefined;
    return store.set({ selected: { layer, map, y: y ?? 0, x: x ?? 0 }, why: false });
  }

  function words() {
    canvas.setAttribute("aria-label", t("three.label"));
    help.textContent = t("three.help");
    for (const [element, key] of [[closer, "closer"], [farther, "farther"], [home, "home"]]) {
      element.setAttribute("aria-label", t(`three.${key}`));
      element.title = t(`three.${key}`);
    }
    drawSoon();
  }
  store.on(["network", "open", "shown"], build);
  store.on(["forward", "gradients", "direction", "scale", "selected", "arithmetic", "kernels", "loaded"], () => {
    hovered = null;
    drawSoon();
  });
  store.on(["theme"], () => {
    rebuildScale();
    drawSoon();
  });
  store.on(["language"], words);
  new ResizeObserver(build).observe(root);
  words();
  build();
  return { show: () => { eye.enter(); build(); }, hide: () => point(null) };
}
