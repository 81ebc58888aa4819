/**
 * The network in space: layers stand one behind the other along an axis, their maps are planes. It is painted on a 2D
 * canvas with a projection of its own, so it needs no WebGL and runs wherever the page does.
 */

import { rebuildScale } from "../colour.js";
import { fitCanvas, h, icon, onceAFrame, setLabel, stillness } from "../dom.js";
import { t } from "../i18n.js";
import { inputsOf, outputsOf } from "../network/feeds.js";
import { sceneOf } from "../network/scene.js";
import { arrange } from "./arrange.js";
import { camera } from "./camera.js";
import { listen, pointAt } from "./events.js";
import { blockInputs } from "./lines.js";
import { paint } from "./paint.js";

const ENTRANCE = 900; // milliseconds in which it turns into place

export function mount(root, store) {
  const view = {
    root, store, ...elementsIn(root), eye: camera(),
    items: [], // layers and closed blocks in space
    planes: [], // as painted last, nearest last
    hovered: null, // the plane below the pointer, or that the keyboard is at
  };
  view.drawSoon = onceAFrame(() => draw(view));
  listen(view);
  followStore(view);
  new ResizeObserver(() => build(view)).observe(root);
  showTexts(view);
  build(view);
  const show = () => {
    view.eye.enter();
    build(view);
  };
  return { show, hide: () => pointAt(view, null) };
}

function elementsIn(root) {
  const canvas = h("canvas", { class: "three-canvas", tabindex: 0, role: "application" });
  const tip = h("div", { class: "tip", hidden: true });
  const spoken = h("p", { class: "unseen", role: "status" });
  const help = h("p", { class: "three-help soft" });
  const tool = (sign) => h("button", { class: "tool" }, sign);
  const buttons = { closer: tool("+"), farther: tool("−"), home: tool(icon("reset")) };
  root.append(canvas, tip, spoken, help, h("div", { class: "three-tools" }, Object.values(buttons)));
  return { canvas, tip, spoken, help, buttons };
}

function showTexts({ canvas, help, buttons, drawSoon }) {
  canvas.setAttribute("aria-label", t("three.label"));
  help.textContent = t("three.help");
  for (const [key, button] of Object.entries(buttons)) setLabel(button, t(`three.${key}`));
  drawSoon();
}

function build(view) {
  const { root, store, eye } = view;
  view.items = store.state.network ? arrange(store) : [];
  eye.fit(view.items, { width: root.clientWidth, height: root.clientHeight });
  view.drawSoon();
}

function draw(view) {
  const { root, store, canvas, items, eye, hovered } = view;
  const [width, height] = [root.clientWidth, root.clientHeight];
  if (!width || !height || root.hidden || !store.state.network) return;
  const context = fitCanvas(canvas, width, height);
  const still = eye.settle(stillness() ? 0 : ENTRANCE);
  const scene = sceneOf(store, null);
  const { network } = store.state;
  const lit = { ...scene, ...highlight(view, scene) };
  view.planes = paint(context, { items, network, scene: lit, eye, width, height, hovered });
  if (!still) view.drawSoon();
}

/** {links, lit}: those of what is hovered, else those of the selection. */
function highlight({ store, items, planes, hovered }, scene) {
  if (!hovered) return { links: scene.links ?? [], lit: scene.lit };
  const block = items.find((item) => item.block !== null && item.node.name === hovered.layer);
  const { network } = store.state;
  const links = block ? blockInputs(block, planes, hovered)
    : [...inputsOf(network, hovered), ...outputsOf(network, hovered)];
  const lit = new Map([[hovered.layer, new Set([hovered.map])]]);
  for (const { layer, map } of links.flatMap(({ from, to }) => [from, to])) {
    lit.set(layer, (lit.get(layer) ?? new Set()).add(map));
  }
  return { links, lit };
}

function followStore(view) {
  const { store, drawSoon } = view;
  store.on(["network", "open", "shown"], () => build(view));
  const picture = ["forward", "gradients", "direction", "magnified", "scale", "selected", "arithmetic", "kernels",
    "loaded"];
  store.on(picture, () => {
    view.hovered = null;
    drawSoon();
  });
  store.on(["theme"], () => {
    rebuildScale();
    drawSoon();
  });
  store.on(["language"], () => showTexts(view));
}
