/** The network as columns of feature maps: a canvas that shows the part in sight, and buttons of real text above it. */

import { rebuildScale } from "../colour.js";
import { fitCanvas, h, onceAFrame, stillness } from "../dom.js";
import { t } from "../i18n.js";
import { openAtFirst, openTo } from "./blocks.js";
import { listen, scrollTo } from "./events.js";
import { showHeads } from "./heads.js";
import { helpBox } from "./help.js";
import { paintNetwork } from "./paint.js";
import { planOf, sceneOf } from "./scene.js";

const RUN_THROUGH = 550; // milliseconds in which the data runs through the network

export function mount(root, store) {
  const view = {
    store, ...elementsIn(root),
    plan: null, // the layout of the network
    cursor: null, // where the keyboard is: {layer, map?}
    buttons: new Map(), // those above the canvas, kept between paintings (see heads.js)
    startedAt: 0, // when data last began to run through the network
    shownSource: null, // the picture of the answer that is shown
  };
  view.drawSoon = onceAFrame(() => draw(view));
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
  const world = h("div", { class: "world" }, canvas, heads);
  const scroller = h("div", { class: "scroller", tabindex: 0, role: "application" }, world);
  const tip = h("div", { class: "tip", hidden: true });
  const spoken = h("p", { class: "unseen", role: "status" });
  root.append(scroller, tip, spoken);
  return { canvas, heads, world, scroller, tip, spoken };
}

function updateLayout(view) {
  const { store, scroller, world } = view;
  if (!store.state.network) {
    view.plan = null;
    view.heads.replaceChildren();
    return;
  }
  const room = { width: scroller.clientWidth, height: scroller.clientHeight };
  view.plan = planOf(store, room);
  world.style.width = `${Math.max(view.plan.width, room.width)}px`;
  world.style.height = `${Math.max(view.plan.height, room.height)}px`;
  view.drawSoon();
}

function draw(view) {
  const { store, canvas, scroller, plan } = view;
  const { scrollLeft: left, scrollTop: top, clientWidth: width, clientHeight: height } = scroller;
  if (!width || !height) return;
  const context = fitCanvas(canvas, width, height);
  context.clearRect(0, 0, width, height);
  if (!plan) return;
  const sight = { left, top, width, height };
  const reveal = stillness() ? 1 : Math.min((performance.now() - view.startedAt) / RUN_THROUGH, 1);
  const cursor = document.activeElement === scroller ? view.cursor : null;
  context.translate(-left, -top);
  paintNetwork(context, sceneOf(store, plan, { reveal, cursor }), sight);
  showHeads(view, sight);
  if (reveal < 1) view.drawSoon();
}

function followStore(view) {
  const { store, scroller, drawSoon } = view;
  store.on(["forward", "gradients"], (state) => {
    if (runsThrough(view, state)) view.startedAt = performance.now();
    view.shownSource = state.forward ? state.source : null;
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
    const item = selected && view.plan?.byLayer.get(selected.layer);
    if (item) scrollTo(scroller, item);
    drawSoon();
  });
  store.on(["open", "shown", "language"], () => {
    view.help.close();
    updateLayout(view);
  });
  store.on(["arithmetic", "kernels", "field", "seenBy", "scale", "direction", "loaded"], drawSoon);
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
