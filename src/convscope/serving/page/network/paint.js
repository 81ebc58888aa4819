/** Paints a network on a canvas: maps, vectors, connections and marks. It knows neither pointer nor server. */

import { colourOf, css, cssColour, mapPicture, scaleVersion } from "../colour.js";
import { valueAt } from "../numbers.js";
import { SOFTMAX } from "../state/softmax.js";
import { paintConnections, paintLinks } from "./connections.js";
import { paintWays } from "./inner.js";
import { cellOf, LABEL_GAP } from "./layout.js";

const FADED = 0.16; // opacity of what does not belong to the selection
const ITEM_MARGIN = 24; // pixels that an item's frame may reach beyond it

/** Colours of the theme in use, read once for each painting. */
export function palette() {
  const named = (name) => css(cssColour(name));
  return {
    paper: named("--paper"), line: named("--line"), soft: named("--faint"), mark: named("--mark"),
    accent: named("--accent"), ink: named("--ink"),
  };
}

/**
 * A function (layer, map) -> the number that the strongest colour stands for. `layers` of an answer, by name; with a
 * `share` below 1 not even the largest value gets the strongest colour.
 */
export function limits(layers, scale, share = 1) {
  const strongest = ({ low, high }) => Math.max(Math.abs(low), Math.abs(high)) / share;
  const most = scale === "network" ? Math.max(...[...layers.values()].map(strongest)) : 0;
  return (layer, map) => (scale === "map" ? strongest(map) : scale === "layer" ? strongest(layer) : most);
}

const LEAST_ERROR = 1e-6;

/**
 * How wrong the answer is, 0 to 1: the largest gradient at the classes' values, which softmax keeps below 1. Gradients
 * are painted by it, so that those of an answer that is right stay pale, however they are distributed; but not where
 * the reader wants them `magnified`.
 */
export function errorShare(network, layers, magnified = false) {
  const last = layers.get(network.nodes.at(-1).name);
  if (!last || magnified || network.task === "multi-label") return 1;
  return Math.min(Math.max(Math.abs(last.low), Math.abs(last.high), LEAST_ERROR), 1);
}

const pictures = new WeakMap();

/** A map as a small canvas, made once for each limit and theme. */
export function pictureOf(layer, map, limit) {
  const key = `${limit} ${scaleVersion()}`;
  const known = pictures.get(map);
  if (known?.key === key) return known.canvas;
  const canvas = mapPicture(map, layer.height, layer.width, limit);
  pictures.set(map, { key, canvas });
  return canvas;
}

/**
 * `scene` (made by sceneOf): {plan, layers, limit(layer, map), maps(layer) -> maps in the order shown, probabilities,
 * classes: those in the last column, ways(block): its inner paths (see inner.js), names of all classes, off:
 * switched-off maps by layer, lit: Map from a layer to the Set of its lit maps or null, selected, cursor, field,
 * seenBy, windows: Map from a layer to a box, links: [{from: {layer, map}, to: {layer, map}, weight -1..1}], backward,
 * reveal 0..1}.
 * `view`: {left, top, width, height} of the part to paint, in the plan's coordinates.
 */
export function paintNetwork(context, scene, view, colours = palette()) {
  context.fillStyle = colours.paper;
  context.fillRect(view.left, view.top, view.width, view.height);
  paintConnections(context, scene, colours, view);
  const inSight = ({ x, width }) => x + width + ITEM_MARGIN >= view.left && x - ITEM_MARGIN <= view.left + view.width;
  for (const item of scene.plan.items.filter(inSight)) paintItem(context, scene, item, colours);
  paintLinks(context, scene, colours);
}

function paintItem(context, scene, item, colours) {
  const layer = scene.layers?.get(item.node.name);
  if (item.block !== null) {
    paintWays(context, scene.ways(item.block), item.grid.ways, colours, familyOf());
    paintStack(context, item, colours);
  }
  if (item.node.name === SOFTMAX) paintProbabilities(context, scene, item, colours);
  else if (!layer) paintEmpty(context, item, colours);
  else if (item.grid.vector) paintVector(context, scene, item, layer, colours);
  else {
    paintMaps(context, scene, item, layer, colours);
    paintHoveredUnits(context, scene, item, layer, colours);
  }
}

/** Three sheets of paper: a closed block. */
function paintStack(context, { grid }, colours) {
  context.strokeStyle = colours.line;
  context.fillStyle = colours.paper;
  context.lineWidth = 1;
  const [width, height] = [grid.columns * (grid.width + grid.gap) - grid.gap, grid.bottom - grid.y];
  for (const shift of [8, 4, 0]) {
    context.beginPath();
    context.roundRect(grid.x - 4 + shift, grid.y - 4 - shift, width + 8, height + 8, 4);
    context.fill();
    context.stroke();
  }
}

/** Outlines where nothing is known yet. */
function paintEmpty(context, { grid }, colours) {
  context.strokeStyle = colours.line;
  context.lineWidth = 1;
  if (grid.vector && grid.width < 3) {
    context.strokeRect(grid.x, grid.y, grid.columns * grid.width, grid.rows * grid.height);
    return;
  }
  context.beginPath();
  for (let i = 0; i < grid.count; i += 1) {
    const { x, y, width, height } = cellOf(grid, i);
    context.rect(x + 0.5, y + 0.5, width - 1, height - 1);
  }
  context.stroke();
}

const isLit = ({ lit }, layer, map) => !lit || Boolean(lit.get(layer)?.has(map));

/** How far an item is revealed, 0 to 1: data comes in from the left, gradients from the right. */
function revealed({ reveal, backward, plan }, item) {
  if (item.rank === 0 && !backward) return 1; // the picture itself
  const place = backward ? 1 - item.x / plan.width : item.x / plan.width;
  return Math.min(Math.max((reveal * 1.25 - place) / 0.25, 0), 1);
}

function paintMaps(context, scene, item, layer, colours) {
  const { grid, node } = item;
  const alpha = revealed(scene, item);
  scene.maps(layer).slice(0, grid.count).forEach((map, i) => {
    const cell = cellOf(grid, i);
    // What the data has not reached yet is not even made, so that the answer is on screen sooner.
    if (alpha > 0) paintMap(context, scene, layer, map, cell, alpha, colours);
    if (scene.off[node.name]?.includes(map.map)) paintOff(context, cell, colours);
    paintMarks(context, scene, item, layer, map, cell, colours);
  });
}

function paintMap(context, scene, layer, map, cell, alpha, colours) {
  context.globalAlpha = alpha * (isLit(scene, layer.name, map.map) ? 1 : FADED);
  context.imageSmoothingEnabled = cell.width < layer.width;
  context.drawImage(pictureOf(layer, map, scene.limit(layer, map)), cell.x, cell.y, cell.width, cell.height);
  context.lineWidth = 1;
  context.strokeStyle = colours.line;
  context.strokeRect(cell.x - 0.5, cell.y - 0.5, cell.width + 1, cell.height + 1);
  context.globalAlpha = 1;
}

/** A cross through what was switched off. */
function paintOff(context, { x, y, width, height }, colours) {
  context.strokeStyle = colours.mark;
  context.lineWidth = 2;
  context.strokeRect(x, y, width, height);
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + width, y + height);
  context.moveTo(x + width, y);
  context.lineTo(x, y + height);
  context.stroke();
}

function paintVector(context, scene, item, layer, colours) {
  const { grid } = item;
  const [map] = layer.maps;
  const limit = scene.limit(layer, map);
  const alpha = revealed(scene, item);
  for (let i = 0; i < grid.count; i += 1) {
    const { x, y, width, height } = cellOf(grid, i);
    if (alpha > 0) {
      context.globalAlpha = alpha * (isLit(scene, layer.name, i) ? 1 : FADED);
      context.fillStyle = css(colourOf(limit ? valueAt(map, i) / limit : 0));
      context.fillRect(x, y, width, height);
    }
    if (scene.off[layer.name]?.includes(i)) paintOff(context, { x, y, width, height }, colours);
  }
  context.globalAlpha = scene.lit && !scene.lit.has(layer.name) ? FADED * 2 : 1;
  context.lineWidth = 1;
  context.strokeStyle = colours.line;
  const [wide, tall] = [grid.columns * (grid.width + grid.gap) - grid.gap, grid.bottom - grid.y];
  context.strokeRect(grid.x - 1.5, grid.y - 1.5, wide + 3, tall + 3);
  context.globalAlpha = 1;
  const labelled = (i) => alpha * (isLit(scene, layer.name, i) ? 1 : FADED * 2);
  if (grid.labels) paintLabels(context, item, (i) => scene.names[i], labelled, colours);
}

/** The names of classes beside the cells of a vector; `name(i)` and `alpha(i)` of each. */
function paintLabels(context, { grid }, name, alpha, colours) {
  context.font = `11px ${familyOf()}`;
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (let i = 0; i < grid.count; i += 1) {
    const { x, y, width, height } = cellOf(grid, i);
    context.globalAlpha = alpha(i);
    context.fillStyle = colours.ink;
    context.fillText(shortened(context, name(i) ?? "", grid.labels), x + width + LABEL_GAP, y + height / 2);
  }
  context.globalAlpha = 1;
}

let family = "";
const familyOf = () => (family ||= getComputedStyle(document.body).fontFamily);

function shortened(context, text, width) {
  if (context.measureText(text).width <= width + 1) return text;
  const letters = [...text];
  while (letters.length && context.measureText(`${letters.join("")}…`).width > width) letters.pop();
  return `${letters.join("")}…`;
}

/** The last column: each class's probability in one hue, with a line that leads on to the bars of the answer. */
function paintProbabilities(context, scene, item, colours) {
  const { probabilities, classes, plan, lit } = scene;
  const { grid } = item;
  const alpha = revealed(scene, item);
  const faint = lit && !lit.has(SOFTMAX) ? FADED * 2 : 1;
  const byClass = new Map((probabilities ?? []).map(({ index, probability }) => [index, probability]));
  const share = (i) => (byClass.get(classes[i]) ?? 0) * (alpha === 1 || alpha > 0.5 ? 1 : 0);
  for (let i = 0; i < grid.count; i += 1) {
    const { x, y, width, height } = cellOf(grid, i);
    context.globalAlpha = faint * share(i);
    context.fillStyle = colours.accent;
    context.fillRect(x, y, width, height);
    const end = x + width + LABEL_GAP + grid.labels + 4;
    if (share(i) > 0.01 && end < plan.width) {
      context.fillRect(end, y + height / 2 - 0.5 - share(i), plan.width + 400 - end, 1 + 2 * share(i));
    }
    context.globalAlpha = faint;
    context.lineWidth = 1;
    context.strokeStyle = isChosen(scene, classes[i]) ? colours.mark : colours.line;
    context.strokeRect(x - 0.5, y - 0.5, width + 1, height + 1);
  }
  const strength = (i) => faint * (probabilities ? 0.6 + 0.4 * share(i) : 0.5);
  if (grid.labels) paintLabels(context, item, (i) => scene.names[classes[i]], strength, colours);
  context.globalAlpha = 1;
}

const isChosen = ({ selected }, index) => selected?.layer === SOFTMAX && selected.map === index;

/** The frame and pixel of the selected map, the window on its inputs, and the keyboard's cursor. */
function paintMarks(context, scene, { node }, layer, map, cell, colours) {
  const { selected, cursor, windows } = scene;
  const scale = cell.width / layer.width;
  const isHere = (place) => place?.layer === node.name && place.map === map.map;
  if (isHere(selected)) {
    paintFrame(context, cell, colours.mark, 2);
    const { y, x } = selected;
    if (y !== undefined) paintBox(context, cell, scale, [y, x, y + 1, x + 1], colours);
  }
  if (isHere(cursor)) paintFrame(context, cell, colours.accent, 3);
  const window = windows?.get(node.name);
  if (window && isLit(scene, node.name, map.map)) paintBox(context, cell, scale, window, colours);
}

function paintFrame(context, cell, colour, outside) {
  context.lineWidth = 2;
  context.strokeStyle = colour;
  context.strokeRect(cell.x - outside, cell.y - outside, cell.width + 2 * outside, cell.height + 2 * outside);
}

/** A box around values of a map, never smaller than can be seen. */
function paintBox(context, cell, scale, [top, left, bottom, right], colours) {
  const [x, y] = [cell.x + left * scale, cell.y + top * scale];
  const [width, height] = [Math.max((right - left) * scale, 3), Math.max((bottom - top) * scale, 3)];
  for (const [colour, thick] of [[colours.paper, 3], [colours.mark, 1.5]]) {
    context.lineWidth = thick;
    context.strokeStyle = colour;
    context.strokeRect(x, y, width, height);
  }
}

/** The boxes of what is hovered: its receptive field on the input, or all units that see an input pixel. */
function paintHoveredUnits(context, scene, { grid, node }, layer, colours) {
  const units = node.kind === "input" ? scene.field : scene.seenBy?.[node.name];
  if (!units) return;
  for (let i = 0; i < grid.count; i += 1) {
    const cell = cellOf(grid, i);
    paintBox(context, cell, cell.width / layer.width, units, colours);
  }
}
