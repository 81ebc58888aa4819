/** The names of the layers in space, below them, as many as there is room for. */

import { css, cssColour } from "../colour.js";
import { ownName, shapeText } from "../network/kinds.js";

const LINE = 14; // pixels from line to line
const HALO = 4;
const BELOW = 0.12; // units of space below a layer

/** Paints the label of the selected layer first, then all that overlap no other one. */
export function paintLabels(context, { items, eye, scene, width }, colours) {
  const family = getComputedStyle(document.body).fontFamily;
  const fonts = [`600 11px ${family}`, `11px ${family}`];
  const selected = scene.selected?.layer;
  const selectedFirst = [...items].sort((a, b) => (b.node.name === selected) - (a.node.name === selected));
  const taken = [];
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const item of selectedFirst) {
    const { node, block } = item;
    const lines = [ownName(block ?? node.name), shapeText(node.shape)];
    const foot = eye.project([0, item.y + item.tall / 2 + BELOW, item.z]);
    context.font = fonts[0];
    const box = boxOf(context, lines, foot);
    if (box.left < 0 || box.right > width || taken.some((other) => overlap(box, other))) continue;
    taken.push(box);
    const inks = [node.name === selected ? colours.mark : css(cssColour("--ink")), colours.soft];
    lines.forEach((line, i) => paintLine(context, line, foot.x, foot.y + i * LINE, [fonts[i], inks[i], colours.paper]));
  }
}

function boxOf(context, lines, { x, y }) {
  const half = Math.max(...lines.map((line) => context.measureText(line).width)) / 2 + HALO;
  return { left: x - half, top: y, right: x + half, bottom: y + lines.length * LINE };
}

const overlap = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/** With a halo in the colour of the paper, for where a name lies on a plane. */
function paintLine(context, text, x, y, [font, ink, paper]) {
  context.font = font;
  context.strokeStyle = paper;
  context.lineWidth = HALO;
  context.lineJoin = "round";
  context.strokeText(text, x, y);
  context.fillStyle = ink;
  context.fillText(text, x, y);
}
