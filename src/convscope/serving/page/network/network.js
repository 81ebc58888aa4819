/** The network as columns of feature maps: a canvas that shows the part in sight, and buttons of real text above it. */

import { rebuildScale } from "../colour.js";
import { fitCanvas, h, onceAFrame, stillness } from "../dom.js";
import { t } from "../i18n.js";
import { FLOW } from "../intro.js";
import { openAtFirst, openTo } from "./blocks.js";
import { listen, scrollTo } from "./events.js";
import { showHeads } from "./heads.js";
import { helpBox } from "./help.js";
import { cellOf } from "./layout.js";
import { minimap } from "./minimap.js";
import { paintNetwork } from "./paint.js";
import { mapsShown, sceneOf } from "./scene.js";
import { showNames } from "./stuck.js";
import { scaleHeads, zoomedPlan } from "./zoom.js";

const HELD = 0.62; // how far the data comes while the class has not said what it expects: not to the answer
const RUN_THROUGH = 550; // milliseconds in which the data runs through the network

export function mount(root, store) {
  const view = {
    store, ...elementsIn(root),
    plan: null, // the layout of the network
    scale: 1, // pixels of the page for one of the plan
    cursor: null, // where the keyboard is: {layer, map?}
    buttons: new Map(), // those above the canvas, kept between paintings (see heads.js)
    startedAt: 0, // when data last began to run through the network
    uncovered: "", // the choice that was last brought out from under the drawer
    shownSource: null, // the picture of the answer that is shown
    stale: true, // whether the minimap shows something else
    reveals: false, // whether the selection is kept in sight while the layout changes, until somebody scrolls
  };
  view.drawSoon = onceAFrame(() => draw(view));
  view.minimap = minimap(view);
  root.append(view.minimap.element);
  view.help = helpBox(root);
  view.askAbout = (node, button, item = null) => {
    const below = item ? view.heads.querySelector(`.head[data-layer=${JSON.stringify(node.name)}]`) ?? button : button;
    view.help.open(node, store.state.network, below, button);
  };
  listen(view);
  followStore(view);
  new ResizeObserver(() => updateLayout(view)).observe(view.scroller);
}

function elementsIn(root) {
  const canvas = h("canvas", { class: "network-canvas", "aria-hidden": "true" });
  const heads = h("div", { class: "heads" });
  const stuck = h("div", { class: "stuck", "aria-hidden": "true" });
  const world = h("div", { class: "world" }, stuck, canvas, heads);
  const scroller = h("div", { class: "scroller", tabindex: 0, role: "application" }, world);
  const tip = h("div", { class: "tip", hidden: true });
  const spoken = h("p", { class: "unseen", role: "status" });
  root.append(scroller, tip, spoken);
  return { canvas, heads, stuck, world, scroller, tip, spoken };
}

function updateLayout(view) {
  const { store, scroller, world } = view;
  if (!store.state.network) {
    view.plan = null;
    view.heads.replaceChildren();
    return;
  }
  const room = { width: scroller.clientWidth, height: scroller.clientHeight };
  const { plan, scale, overview } = zoomedPlan(store, room);
  Object.assign(view, { plan, scale });
  scroller.dataset.scale = String(scale);
  world.style.width = `${overview ? plan.width * scale : room.width}px`;
  world.style.height = `calc(${Math.max(plan.height * scale, room.height)}px + var(--below))`;
  scaleHeads(view.heads, scale);
  view.minimap.show(overview);
  view.stale = true;
  if (view.reveals) reveal(view, 0); // from the top: the heads stay in sight if they can
  view.drawSoon();
}

/** Scrolls until the selected map is in sight: its drawer, which opens later, takes room from the network. */
function reveal({ plan, scale, scroller, store }, from) {
  const { selected, forward } = store.state;
  const item = plan?.byLayer.get(selected?.layer);
  if (!item) return;
  const layer = forward?.layers.get(item.node.name);
  const isSelected = ({ map }) => map === selected.map;
  const at = layer && !layer.vector ? mapsShown(store, layer).findIndex(isSelected) : selected.map;
  scrollTo({ scroller, scale }, item, at >= 0 ? cellOf(item.grid, at) : null, from);
}

function draw(view) {
  const { store, canvas, scroller, plan, scale } = view;
  const { scrollLeft: left, scrollTop: top, clientWidth: width, clientHeight: height } = scroller;
  if (!width || !height) return;
  const context = fitCanvas(canvas, width, height);
  context.clearRect(0, 0, width, height);
  if (!plan) return;
  const sight = { left: left / scale, top: top / scale, width: width / scale, height: height / scale };
  const reveal = revealed(view);
  const cursor = document.activeElement === scroller ? view.cursor : null;
  context.translate(-left, -top);
  context.scale(scale, scale);
  paintNetwork(context, sceneOf(store, plan, { reveal, cursor }), sight);
  showHeads(view, sight);
  showNames(view, sight);
  showOverview(view);
  if (reveal < 1 && store.state.intro !== "drawing" && store.state.predict !== "asking") view.drawSoon();
}

/**
 * The small picture is painted when the network has changed, after the frame in which the answer appears; its own frame
 * moves with every scrolling.
 */
function showOverview(view) {
  if (view.stale) setTimeout(() => view.minimap.paint());
  view.stale = false;
  view.minimap.move();
}

/** Once for each choice, when there is an answer and the drawer is open. */
function uncoverOnce(view) {
  const { forward, selected } = view.store.state;
  const key = selected ? `${selected.layer} ${selected.map}` : "";
  if (key === view.uncovered || (selected && !forward)) return;
  view.uncovered = key;
  if (selected) requestAnimationFrame(() => reveal(view));
}

/** How far the data has come, 0 to 1. */
function revealed({ store, startedAt }) {
  const { intro } = store.state;
  if (intro === "drawing") return 0;
  const most = store.state.predict === "asking" ? HELD : 1;
  return stillness() ? most : Math.min((performance.now() - startedAt) / (intro ? FLOW : RUN_THROUGH), most);
}

function followStore(view) {
  const { store, scroller, drawSoon } = view;
  store.on(["forward", "gradients"], (state) => {
    view.stale = true;
    uncoverOnce(view);
    if (!state.intro && runsThrough(view, state)) view.startedAt = performance.now();
    view.shownSource = state.forward ? state.source : null;
    drawSoon();
  });
  store.on(["status"], ({ status }) => scroller.classList.toggle("stale", status === "failed"));
  store.on(["intro"], ({ intro }) => {
    view.startedAt = intro === "flowing" ? performance.now() : 0;
    drawSoon();
  });
  store.on(["predict"], ({ predict }) => {
    if (predict === "told") view.startedAt = performance.now();
    drawSoon();
  });
  store.on(["network"], ({ network, selected }) => {
    view.cursor = null;
    view.help.close();
    view.buttons.clear();
    scroller.scrollLeft = scroller.scrollTop = 0;
    if (network) store.set({ open: openTo(network, openAtFirst(network), selected?.layer) });
    updateLayout(view);
  });
  store.on(["selected"], ({ network, open, selected }) => {
    if (network && selected) store.set({ open: openTo(network, open, selected.layer) });
    view.reveals = Boolean(selected);
    if (selected) reveal(view);
    if (selected && view.plan?.byLayer.has(selected.layer)) uncoverOnce(view);
    drawSoon();
  });
  store.on(["open", "shown", "language", "zoom"], () => {
    view.help.close();
    updateLayout(view);
  });
  store.on(["scale", "direction", "loaded", "theme", "magnified"], () => (view.stale = true));
  const painted = ["arithmetic", "kernels", "hover", "field", "seenBy", "scale", "direction", "loaded", "magnified"];
  store.on(painted, drawSoon);
  store.on(["theme"], () => {
    rebuildScale();
    drawSoon();
  });
  const showLabel = () => scroller.setAttribute("aria-label", t("network.label"));
  store.on(["language"], showLabel);
  showLabel();
}

/** Whether an answer is shown running through: gradients always, forward a new picture. */
function runsThrough({ shownSource }, { forward, source, gradients, direction }) {
  if (direction === "backward" && gradients) return true;
  if (!forward) return false;
  // Strokes of one drawing follow each other too quickly.
  return source?.kind !== shownSource?.kind || (source?.kind !== "drawing" && source !== shownSource);
}
