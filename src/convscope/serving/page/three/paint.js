/** Paints planes in space, farthest first, and finds the one below the pointer. */

import { css, cssColour, valuesPicture, colourOf, scaleVersion } from "../colour.js";
import { ownName, shapeText } from "../network/kinds.js";
import { valueAt } from "../numbers.js";
import { palette, pictureOf } from "../network/paint.js";
import { cellMiddle } from "./arrange.js";

const FADED = 0.18;

/** Returns the planes that were painted: {layer, map, matrix, ...}, nearest last. */
export function paint(context, { items, scene, eye, width, height, ratio, hovered }) {
  const colours = palette();
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.globalAlpha = 1;
  context.fillStyle = colours.paper;
  context.fillRect(0, 0, width, height);
  axis(context, items, eye, colours);
  const planes = items.flatMap((item) => planesOf(item, scene, eye)).sort((a, b) => b.depth - a.depth);
  // What is lit comes last, so that nothing faded hides it.
  for (const plane of planes) plane.lit = !scene.lit || Boolean(plane.vector ? scene.lit.has(plane.layer) : scene.lit.get(plane.layer)?.has(plane.map));
  for (const plane of [...planes.filter(({ lit }) => !lit), ...planes.filter(({ lit }) => lit)]) paintPlane(context, plane, { scene, ratio, colours, hovered });
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  links(context, planes, scene, colours);
  names(context, items, eye, colours, scene, width);
  return planes;
}

/** A plane is its middle and the two half sides, projected: a parallelogram, which is what a canvas can paint. */
function place(eye, [x, y, z], wide, tall) {
  const middle = eye.project([x, y, z]);
  const [left, right, top, bottom] = [[x - wide / 2, y, z], [x + wide / 2, y, z], [x, y - tall / 2, z], [x, y + tall / 2, z]].map(eye.project);
  const across = [right.x - left.x, right.y - left.y];
  const down = [bottom.x - top.x, bottom.y - top.y];
  return { depth: middle.depth, middle: [middle.x, middle.y],
    matrix: [...across, ...down, middle.x - (across[0] + down[0]) / 2, middle.y - (across[1] + down[1]) / 2] };
}

function planesOf(item, scene, eye) {
  const { node } = item;
  const layer = scene.layers?.get(node.name);
  const [wide, tall] = item.side;
  if (item.vector) {
    const where = place(eye, [0, item.y, item.z], item.wide, item.tall);
    return [{ ...where, layer: node.name, item, known: layer, vector: true, first: true, map: 0 }];
  }
  const maps = layer ? scene.maps(layer).slice(0, item.count) : Array.from({ length: item.count }, (_, map) => ({ map }));
  return maps.map((map, i) => ({ ...place(eye, cellMiddle(item, i), wide, tall), layer: node.name, item, known: layer, picture: map, map: map.map, first: i === 0 }));
}

function paintPlane(context, plane, { scene, ratio, colours, hovered }) {
  const { matrix: [a, b, c, d, e, f], known, item } = plane;
  context.setTransform(ratio * a, ratio * b, ratio * c, ratio * d, ratio * e, ratio * f);
  context.globalAlpha = plane.lit ? 1 : FADED;
  if (known) {
    const image = plane.vector ? vectorPicture(known, item, scene) : pictureOf(known, plane.picture, scene.limit(known, plane.picture));
    context.imageSmoothingEnabled = false;
    context.drawImage(image, 0, 0, 1, 1);
  } else {
    context.fillStyle = colours.paper;
    context.fillRect(0, 0, 1, 1);
  }
  context.beginPath();
  context.rect(0, 0, 1, 1);
  context.setTransform(ratio, 0, 0, ratio, 0, 0); // lines keep their width
  const own = (place) => place && place.layer === plane.layer && (plane.vector || place.map === plane.map);
  const marked = own(hovered) || (own(scene.selected) && scene.selected.map !== undefined);
  context.strokeStyle = marked ? colours.mark : colours.line;
  context.lineWidth = marked ? 2.5 : 1;
  context.stroke();
  context.globalAlpha = 1;
}

const vectors = new WeakMap();

/** All values of a vector as one picture; cells beyond the last are the paper's colour. */
function vectorPicture(layer, { columns, rows, count }, scene) {
  const limit = scene.limit(layer, layer.maps[0]);
  const key = `${limit} ${scaleVersion()}`;
  const known = vectors.get(layer);
  if (known?.key === key) return known.picture;
  const values = Array.from({ length: rows * columns }, (_, i) => (i < count ? valueAt(layer.maps[0], i) : 0));
  const picture = valuesPicture(values, rows, columns, limit);
  vectors.set(layer, { key, picture });
  return picture;
}

/** The line along which data flows, with connections that skip layers as arcs above. */
function axis(context, items, eye, colours) {
  context.strokeStyle = colours.line;
  context.lineWidth = 1.5;
  context.beginPath();
  for (const target of items) {
    for (const source of target.inputs) {
      const [from, to] = [[0, source.y, source.z], [0, target.y, target.z]];
      const a = eye.project(from);
      const b = eye.project(to);
      context.moveTo(a.x, a.y);
      if (target.rank - source.rank === 1) context.lineTo(b.x, b.y);
      else {
        const high = Math.min(...items.filter(({ rank }) => rank >= source.rank && rank <= target.rank).map(({ y, tall }) => y - tall / 2)) - 0.9;
        const [c, d] = [[0, high, source.z], [0, high, target.z]].map(eye.project);
        context.bezierCurveTo(c.x, c.y, d.x, d.y, b.x, b.y);
      }
    }
  }
  context.stroke();
}

function links(context, planes, scene, colours) {
  const middles = new Map();
  for (const { vector, layer, map, middle } of planes) middles.set(vector ? layer : `${layer} ${map}`, middle);
  const values = new Map(planes.filter(({ vector }) => vector).map((plane) => [plane.layer, plane]));
  const find = ({ layer, map }) => {
    const plane = values.get(layer);
    if (!plane) return middles.get(`${layer} ${map}`);
    const { columns, rows } = plane.item;
    return through(plane.matrix, ((map % columns) + 0.5) / columns, (Math.floor(map / columns) + 0.5) / rows);
  };
  for (const { from, to, weight } of scene.links) {
    const [a, b] = [find(from), find(to)];
    if (!a || !b) continue;
    context.strokeStyle = Math.abs(weight) < 0.02 ? colours.mark : css(colourOf(Math.sign(weight) * (0.45 + 0.55 * Math.abs(weight))));
    context.globalAlpha = 0.75;
    context.lineWidth = 1 + 2 * Math.abs(weight);
    context.beginPath();
    context.moveTo(...a);
    context.lineTo(...b);
    context.stroke();
  }
  context.globalAlpha = 1;
}

/** Names below the layers, as many as there is room for. */
function names(context, items, eye, colours, scene, width) {
  const family = getComputedStyle(document.body).fontFamily;
  context.textAlign = "center";
  context.textBaseline = "top";
  const taken = [];
  const chosenFirst = [...items].sort((a, b) => (b.node.name === scene.selected?.layer) - (a.node.name === scene.selected?.layer));
  for (const item of chosenFirst) {
    const foot = eye.project([0, item.y + item.tall / 2 + 0.12, item.z]);
    const lines = [ownName(item.block ?? item.node.name), shapeText(item.node.shape)];
    context.font = `600 11px ${family}`;
    const half = Math.max(...lines.map((line) => context.measureText(line).width)) / 2 + 4;
    const box = [foot.x - half, foot.y, foot.x + half, foot.y + 28];
    const mine = scene.selected?.layer === item.node.name;
    if (box[0] < 0 || box[2] > width) continue;
    if (taken.some((other) => other[0] < box[2] && box[0] < other[2] && other[1] < box[3] && box[1] < other[3])) continue;
    taken.push(box);
    lines.forEach((line, i) => {
      context.font = `${i ? "" : "600 "}11px ${family}`;
      context.strokeStyle = colours.paper; // a halo, for where a name lies on a plane
      context.lineWidth = 4;
      context.lineJoin = "round";
      context.strokeText(line, foot.x, foot.y + i * 14);
      context.fillStyle = i ? colours.soft : mine ? colours.mark : css(cssColour("--ink"));
      context.fillText(line, foot.x, foot.y + i * 14);
    });
  }
}

const through = ([a, b, c, d, e, f], u, v) => [a * u + c * v + e, b * u + d * v + f];

/** The nearest plane at a point of the canvas: {layer, map, y, x, value}, or null. */
export function planeAt(planes, px, py) {
  for (let i = planes.length - 1; i >= 0; i -= 1) {
    const { matrix: [a, b, c, d, e, f], item, known, layer, map, picture, vector } = planes[i];
    const area = a * d - b * c;
    if (Math.abs(area) < 1) continue; // seen from the side
    const [dx, dy] = [px - e, py - f];
    const [u, v] = [(dx * d - dy * c) / area, (dy * a - dx * b) / area];
    if (u < 0 || v < 0 || u >= 1 || v >= 1) continue;
    if (vector) {
      const at = Math.floor(v * item.rows) * item.columns + Math.floor(u * item.columns);
      if (at >= item.count) continue;
      return { layer, map: at, y: 0, x: 0, value: known ? valueAt(known.maps[0], at) : null };
    }
    if (!known) return { layer, map, value: null };
    const [y, x] = [Math.floor(v * known.height), Math.floor(u * known.width)];
    return { layer, map, y, x, value: valueAt(picture, y * known.width + x) };
  }
  return null;
}
