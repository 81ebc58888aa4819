/** The names of the layers in space, below them, as many as there is room for, and of the classes at the answer. */

import { css, cssColour } from "../colour.js";
import { ownName, shapeText } from "../network/kinds.js";
import { plainName } from "../network/names.js";
import { cellMiddle } from "./arrange.js";

const LINE = 14; // pixels from line to line
const HALO = 4;
const ROWS = [0, 32, 64]; // pixels below a layer at which its name may stand
const FREE = 30; // pixels at the bottom for the words about the keys
const LONGEST = 12; // characters of a class
const BELOW = 0.12; // units of space below a layer

/** The label of the selected layer comes first, then all that overlap no other one: where it is tight, a row lower. */
export function paintLabels(context, { items, eye, scene, width, height, network }, colours) {
  const family = getComputedStyle(document.body).fontFamily;
  const fonts = [`600 11px ${family}`, `11px ${family}`];
  const selected = scene.selected?.layer;
  const selectedFirst = [...items].sort((a, b) => (b.node.name === selected) - (a.node.name === selected));
  const taken = [];
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const item of selectedFirst) {
    const { node, block } = item;
    const lines = [block === null ? plainName(node, network) : ownName(block), shapeText(node)];
    const foot = eye.project([0, item.y + item.tall / 2 + BELOW, item.z]);
    context.font = fonts[0];
    const free = ROWS.map((row) => boxOf(context, lines, { x: foot.x, y: foot.y + row }))
      .find((box) => box.left >= 0 && box.right <= width && box.bottom <= height - FREE
        && !taken.some((other) => overlap(box, other)));
    if (!free) continue;
    taken.push(free);
    const inks = [node.name === selected ? colours.mark : css(cssColour("--ink")), colours.soft];
    paintLeader(context, foot, free, colours);
    lines.forEach((line, i) =>
      paintLine(context, line, foot.x, free.top + i * LINE, [fonts[i], inks[i], colours.paper]));
  }
  paintClasses(context, items.at(-1), { eye, network, scene }, [fonts, colours]);
}

/** From a layer to a name that stands lower. */
function paintLeader(context, foot, { top }, colours) {
  if (top - foot.y < LINE) return;
  context.strokeStyle = colours.line;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(foot.x, foot.y);
  context.lineTo(foot.x, top);
  context.stroke();
}

/** The names of few classes beside the cells of the answer, the most probable one in bold. */
function paintClasses(context, item, { eye, network, scene }, [fonts, colours]) {
  if (!item?.vector || item.columns > 1 || item.count !== network.class_names.length) return;
  context.textAlign = "left";
  context.textBaseline = "middle";
  const best = scene.probabilities?.[0].index;
  network.class_names.forEach((label, i) => {
    const [, y, z] = cellMiddle(item, i);
    const place = eye.project([item.wide / 2, y, z]);
    const isBest = i === best;
    const text = [...label].length > LONGEST ? `${[...label].slice(0, LONGEST).join("")}…` : label;
    paintLine(context, text, place.x + HALO, place.y,
      [fonts[isBest ? 0 : 1], isBest ? colours.accent : colours.soft, colours.paper]);
  });
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
