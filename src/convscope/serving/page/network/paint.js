/** Paints a laid-out network on a canvas: maps, vectors, links, and what is lit. Knows neither mouse nor server. */

import { colourOf, css, cssColour, mapPicture, scaleVersion } from "../colour.js";
import { cellOf } from "./layout.js";

const FADED = 0.16;

/** Colours of the theme in use, read once a painting. */
export function palette() {
  const named = (name) => css(cssColour(name));
  return { paper: named("--paper"), line: named("--line"), soft: named("--faint"), mark: named("--mark"),
    accent: named("--accent"), ink: named("--ink") };
}

/** The number that the strongest colour stands for, for each layer; `of` is a forward or gradients answer. */
export function limits(layers, scale) {
  const strongest = ({ low, high }) => Math.max(Math.abs(low), Math.abs(high));
  const most = scale === "network" ? Math.max(...[...layers.values()].map(strongest)) : 0;
  return (layer, map) => (scale === "map" ? strongest(map) : scale === "layer" ? strongest(layer) : most);
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
 * `scene`: {plan (layout), layers, limit, maps(layer) -> maps in the order shown, lit: Map(layer -> Set(map)) or null,
 * selected, cursor, seenBy, links: [{from: {layer, map}, to: {layer, map}, weight -1..1}], reveal 0..1, seen: canvas}.
 * `view`: {left, top, width, height} of the part to paint, in the plan's coordinates.
 */
export function paintNetwork(context, scene, view, colours = palette()) {
  context.fillStyle = colours.paper;
  context.fillRect(view.left, view.top, view.width, view.height);
  const visible = ({ x, width }) => x + width + 24 >= view.left && x - 24 <= view.left + view.width;
  paintConnections(context, scene, colours, view);
  for (const item of scene.plan.items) {
    if (visible(item)) paintItem(context, scene, item, colours);
  }
  paintLinks(context, scene, colours);
}

function paintConnections(context, { plan, lit }, colours, view) {
  context.lineWidth = 1.5;
  context.strokeStyle = colours.line;
  context.globalAlpha = lit ? 0.5 : 1;
  const middle = ({ grid }) => (grid.y + grid.bottom) / 2;
  const within = (a, b) => b.x + b.width >= view.left && a.x <= view.left + view.width;
  context.beginPath();
  for (const target of plan.items) {
    for (const source of target.inputs) {
      if (target.rank - source.rank !== 1 || !within(source, target)) continue;
      const [x1, y1, x2, y2] = [source.x + source.width + 2, middle(source), target.x - 2, middle(target)];
      context.moveTo(x1, y1);
      context.bezierCurveTo(x1 + 9, y1, x2 - 9, y2, x2, y2);
    }
  }
  for (const { source, target, lane } of plan.arcs) {
    if (!within(source, target)) continue;
    const [x1, x2, y] = [source.x + source.width + 6, target.x - 8, plan.floor + 6 + lane * 12];
    context.moveTo(x1 - 4, middle(source));
    context.bezierCurveTo(x1 + 2, middle(source), x1, middle(source), x1, middle(source) + 8);
    context.lineTo(x1, y - 6);
    context.quadraticCurveTo(x1, y, x1 + 6, y);
    context.lineTo(x2 - 6, y);
    context.quadraticCurveTo(x2, y, x2, y - 6);
    context.lineTo(x2, middle(target) + 8);
    context.quadraticCurveTo(x2, middle(target), x2 + 6, middle(target));
  }
  context.stroke();
  context.globalAlpha = 1;
}

function paintItem(context, scene, item, colours) {
  const { grid, node } = item;
  const layer = scene.layers?.get(node.name);
  const alpha = revealed(scene, item);
  if (item.block !== null) paintStack(context, item, colours);
  if (!layer) return paintEmpty(context, item, colours);
  if (grid.vector) paintVector(context, scene, item, layer, alpha);
  else scene.maps(layer).slice(0, grid.count).forEach((map, i) => {
    const cell = cellOf(grid, i);
    const lit = isLit(scene, node.name, map.map);
    context.globalAlpha = alpha * (lit ? 1 : FADED);
    context.imageSmoothingEnabled = cell.width < layer.width;
    context.drawImage(pictureOf(layer, map, scene.limit(layer, map)), cell.x, cell.y, cell.width, cell.height);
    context.lineWidth = 1;
    context.strokeStyle = colours.line;
    context.strokeRect(cell.x - 0.5, cell.y - 0.5, cell.width + 1, cell.height + 1);
    context.globalAlpha = 1;
    paintMarks(context, scene, item, layer, map, cell, colours);
  });
  return paintUnits(context, scene, item, layer, colours);
}

const isLit = ({ lit }, layer, map) => !lit || Boolean(lit.get(layer)?.has(map));

/** Data moves in from the left, gradients from the right; 1 when nothing moves. */
function revealed({ reveal, backward, plan }, item) {
  const place = backward ? 1 - item.x / plan.width : item.x / plan.width;
  return Math.min(Math.max((reveal * 1.25 - place) / 0.25, 0), 1);
}

function paintStack(context, { grid }, colours) {
  context.strokeStyle = colours.line;
  context.lineWidth = 1;
  const [width, height] = [grid.columns * (grid.width + grid.gap) - grid.gap, grid.bottom - grid.y];
  for (const shift of [8, 4]) {
    context.fillStyle = colours.paper;
    context.beginPath();
    context.roundRect(grid.x - 4 + shift, grid.y - 4 - shift, width + 8, height + 8, 4);
    context.fill();
    context.stroke();
  }
  context.beginPath();
  context.roundRect(grid.x - 4, grid.y - 4, width + 8, height + 8, 4);
  context.fill();
  context.stroke();
}

function paintEmpty(context, { grid }, colours) {
  context.strokeStyle = colours.line;
  context.lineWidth = 1;
  if (grid.vector && grid.width < 3) return context.strokeRect(grid.x, grid.y,
    grid.columns * grid.width, grid.rows * grid.height);
  context.beginPath();
  for (let i = 0; i < grid.count; i += 1) {
    const { x, y, width, height } = cellOf(grid, i);
    context.rect(x + 0.5, y + 0.5, width - 1, height - 1);
  }
  return context.stroke();
}

function paintVector(context, scene, item, layer, alpha) {
  const { grid } = item;
  const [map] = layer.maps;
  const limit = scene.limit(layer, map);
  const lit = scene.lit?.get(layer.name);
  for (let i = 0; i < grid.count; i += 1) {
    const value = map.low + (map.data[i] / 255) * (map.high - map.low);
    context.globalAlpha = alpha * (!scene.lit || lit?.has(i) ? 1 : FADED);
    const { x, y, width, height } = cellOf(grid, i);
    context.fillStyle = css(colourOf(limit ? value / limit : 0));
    context.fillRect(x, y, width, height);
  }
  context.globalAlpha = scene.lit && !lit ? FADED * 2 : 1;
  context.lineWidth = 1;
  context.strokeStyle = css(cssColour("--line"));
  context.strokeRect(grid.x - 1.5, grid.y - 1.5, grid.columns * (grid.width + grid.gap) - grid.gap + 3,
    grid.bottom - grid.y + 3);
  context.globalAlpha = 1;
}

/** The chosen map's frame and pixel, the window on its inputs, and the keyboard's cursor. */
function paintMarks(context, scene, { node }, layer, map, cell, colours) {
  const { selected, cursor, windows } = scene;
  const scale = cell.width / layer.width;
  const frame = (colour, wide, out) => {
    context.lineWidth = wide;
    context.strokeStyle = colour;
    context.strokeRect(cell.x - out, cell.y - out, cell.width + 2 * out, cell.height + 2 * out);
  };
  if (selected?.layer === node.name && selected.map === map.map) {
    frame(colours.mark, 2, 2);
    if (selected.y !== undefined) box(context, cell, scale, [selected.y, selected.x, selected.y + 1, selected.x + 1], colours);
  }
  if (cursor?.layer === node.name && cursor.map === map.map) frame(colours.accent, 2, 3);
  const window = windows?.get(node.name);
  if (window && isLit(scene, node.name, map.map)) box(context, cell, scale, window, colours);
}

function box(context, cell, scale, [top, left, bottom, right], colours) {
  const [x, y] = [cell.x + left * scale, cell.y + top * scale];
  const [width, height] = [Math.max((right - left) * scale, 3), Math.max((bottom - top) * scale, 3)];
  context.lineWidth = 3;
  context.strokeStyle = colours.paper;
  context.strokeRect(x, y, width, height);
  context.lineWidth = 1.5;
  context.strokeStyle = colours.mark;
  context.strokeRect(x, y, width, height);
}

/** Boxes that hovering asks for: the receptive field on the input, or all units that see an input pixel. */
function paintUnits(context, scene, { grid, node }, layer, colours) {
  const units = node.kind === "input" ? scene.field : scene.seenBy?.[node.name];
  if (!units || grid.vector) return;
  for (let i = 0; i < grid.count; i += 1) {
    const cell = cellOf(grid, i);
    box(context, cell, cell.width / layer.width, units, colours);
  }
}

function paintLinks(context, scene, colours) {
  const positions = new Map();
  const find = ({ layer, map }) => {
    const item = scene.plan.byLayer.get(layer);
    if (!item || item.node.name !== layer) return null;
    if (item.grid.vector) return { item, cell: cellOf(item.grid, map) };
    if (!positions.has(layer)) {
      const known = scene.layers?.get(layer);
      positions.set(layer, new Map((known ? scene.maps(known) : []).slice(0, item.grid.count).map((m, i) => [m.map, i])));
    }
    const at = positions.get(layer).get(map);
    return at === undefined ? null : { item, cell: cellOf(item.grid, at) };
  };
  for (const { from, to, weight } of scene.links ?? []) {
    const [a, b] = [find(from), find(to)];
    if (!a || !b) continue;
    const [x1, y1] = [a.cell.x + a.cell.width + 1, a.cell.y + a.cell.height / 2];
    const [x2, y2] = [b.cell.x - 2, b.cell.y + b.cell.height / 2];
    const bend = Math.max((x2 - x1) * 0.45, 12);
    context.strokeStyle = Math.abs(weight) < 0.02 ? colours.soft : css(colourOf(Math.sign(weight) * (0.45 + 0.55 * Math.abs(weight))));
    context.lineWidth = 0.75 + 2.25 * Math.abs(weight);
    context.beginPath();
    context.moveTo(x1, y1);
    context.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
    context.stroke();
  }
}
