/** The whole network in small below a part of it; a frame around what is in sight, which can be dragged. */

import { fitCanvas, h } from "../dom.js";
import { paintNetwork } from "./paint.js";
import { sceneOf } from "./scene.js";

const HEIGHT = 40; // pixels
const HEAD = 100; // pixels of a layer's words, which nobody could read here
const LEAST = 12; // pixels of the frame

/** {element, show(overview), paint(), move()}: for a `view` of the network. The keyboard scrolls the network itself. */
export function minimap(view) {
  const canvas = h("canvas", {});
  const frame = h("div", { class: "minimap-frame" });
  const element = h("div", { class: "minimap", hidden: true, "aria-hidden": "true" }, canvas, frame);
  const go = (event) => {
    const { left, width } = element.getBoundingClientRect();
    const { scroller } = view;
    scroller.scrollLeft = ((event.clientX - left) / width) * scroller.scrollWidth - scroller.clientWidth / 2;
  };
  element.addEventListener("pointerdown", (event) => {
    element.setPointerCapture(event.pointerId);
    view.reveals = false;
    go(event);
  });
  element.addEventListener("pointermove", (event) => element.hasPointerCapture(event.pointerId) && go(event));
  return {
    element,
    show: (overview) => (element.hidden = !overview),
    paint: () => element.hidden || paint(view, canvas, element.clientWidth),
    move: () => element.hidden || move(view.scroller, frame, element.clientWidth),
  };
}

/** All columns in the width of the minimap, each as high as its maps. */
function paint({ store, plan }, canvas, width) {
  if (!width || !plan) return;
  const context = fitCanvas(canvas, width, HEIGHT);
  const top = Math.min(...plan.items.map(({ y }) => y)) + HEAD;
  const bottom = Math.max(...plan.items.map(({ grid }) => grid.bottom));
  context.clearRect(0, 0, width, HEIGHT);
  context.scale(width / plan.width, HEIGHT / (bottom - top));
  context.translate(0, -top);
  paintNetwork(context, { ...sceneOf(store, plan), near: [], links: [] },
    { left: 0, top, width: plan.width, height: bottom - top });
}

function move({ scrollLeft, scrollWidth, clientWidth }, frame, width) {
  const share = width / scrollWidth;
  const wide = Math.max(clientWidth * share, LEAST);
  frame.style.width = `${wide}px`;
  frame.style.left = `${Math.min(scrollLeft * share, width - wide)}px`;
}
