/** Paints planes in space, farthest first, and finds the one below the pointer. */

import { scaleVersion, valuesPicture } from "../colour.js";
import { linkColour } from "../network/connections.js";
import { palette, pictureOf } from "../network/paint.js";
import { valueAt } from "../numbers.js";
import { cellMiddle } from "./arrange.js";
import { paintLabels } from "./labels.js";

const FADED = 0.18; // opacity of what is not lit
const ARC = 0.9; // how high above the layers a connection that skips some runs

/**
 * Paints `space`: {items, scene (see sceneOf), eye (a camera), network, width, height, hovered}. Returns the planes as
 * painted: {layer, map, picture, known (the layer's answer), item, vector, first, lit, depth, middle, matrix}, nearest
 * last.
 */
export function paint(context, space) {
  const { items, scene, eye, width, height } = space;
  const colours = palette();
  context.globalAlpha = 1;
  context.fillStyle = colours.paper;
  context.fillRect(0, 0, width, height);
  paintAxis(context, items, eye, colours);
  const planes = items.flatMap((item) => planesOf(item, scene, eye)).sort((a, b) => b.depth - a.depth);
  for (const plane of planes) plane.lit = isLit(plane, scene.lit);
  // What is lit comes last, so that nothing faded hides it.
  for (const lit of [false, true]) {
    for (const plane of planes.filter((one) => one.lit === lit)) paintPlane(context, plane, space, colours);
  }
  paintLinks(context, planes, scene, colours);
  paintLabels(context, space, colours);
  return planes;
}

function isLit({ vector, layer, map }, lit) {
  if (!lit) return true;
  return vector ? lit.has(layer) : Boolean(lit.get(layer)?.has(map));
}

/** The line along which data flows, with connections that skip layers as arcs above. */
function paintAxis(context, items, eye, colours) {
  context.strokeStyle = colours.line;
  context.lineWidth = 1.5;
  context.beginPath();
  for (const target of items) {
    for (const source of target.inputs) {
      const [from, to] = [source, target].map(({ y, z }) => eye.project([0, y, z]));
      context.moveTo(from.x, from.y);
      if (target.rank - source.rank === 1) context.lineTo(to.x, to.y);
      else {
        const passed = items.filter(({ rank }) => rank >= source.rank && rank <= target.rank);
        const top = Math.min(...passed.map(({ y, tall }) => y - tall / 2)) - ARC;
        const [a, b] = [source, target].map(({ z }) => eye.project([0, top, z]));
        context.bezierCurveTo(a.x, a.y, b.x, b.y, to.x, to.y);
      }
    }
  }
  context.stroke();
}

/** The planes of a layer: one for each map, or one for a vector. */
function planesOf(item, scene, eye) {
  const known = scene.layers?.get(item.node.name);
  const common = { layer: item.node.name, item, known, vector: item.vector };
  if (item.vector) {
    return [{ ...common, ...placed(eye, [0, item.y, item.z], item.wide, item.tall), map: 0, first: true }];
  }
  const maps = known ? scene.maps(known).slice(0, item.count)
    : Array.from({ length: item.count }, (_, map) => ({ map }));
  return maps.map((picture, i) => ({
    ...common, ...placed(eye, cellMiddle(item, i), ...item.side), picture, map: picture.map, first: i === 0,
  }));
}

/** A plane's middle and its two sides, projected: a parallelogram, which is what a canvas can paint. */
function placed(eye, [x, y, z], wide, tall) {
  const middle = eye.project([x, y, z]);
  const ends = [[x - wide / 2, y, z], [x + wide / 2, y, z], [x, y - tall / 2, z], [x, y + tall / 2, z]];
  const [left, right, top, bottom] = ends.map(eye.project);
  const across = [right.x - left.x, right.y - left.y];
  const down = [bottom.x - top.x, bottom.y - top.y];
  const corner = [middle.x - (across[0] + down[0]) / 2, middle.y - (across[1] + down[1]) / 2];
  return { depth: middle.depth, middle: [middle.x, middle.y], matrix: [...across, ...down, ...corner] };
}

function paintPlane(context, plane, { scene, hovered }, colours) {
  context.globalAlpha = plane.lit ? 1 : FADED;
  context.save();
  context.transform(...plane.matrix);
  if (plane.known) {
    context.imageSmoothingEnabled = false;
    context.drawImage(planePicture(plane, scene), 0, 0, 1, 1);
  } else {
    context.fillStyle = colours.paper;
    context.fillRect(0, 0, 1, 1);
  }
  context.beginPath();
  context.rect(0, 0, 1, 1);
  context.restore(); // before the outline, so that lines keep their width
  const isHere = (place) => place?.layer === plane.layer && (plane.vector || place.map === plane.map);
  const marked = isHere(hovered) || (isHere(scene.selected) && scene.selected.map !== undefined);
  context.strokeStyle = marked ? colours.mark : colours.line;
  context.lineWidth = marked ? 2.5 : 1;
  context.stroke();
  context.globalAlpha = 1;
}

const vectorPictures = new WeakMap();

function planePicture({ known, vector, picture, item }, scene) {
  if (!vector) return pictureOf(known, picture, scene.limit(known, picture));
  const [map] = known.maps;
  const limit = scene.limit(known, map);
  const key = `${limit} ${scaleVersion()}`;
  const before = vectorPictures.get(known);
  if (before?.key === key) return before.canvas;
  const { columns, rows, count } = item;
  // Cells beyond the last value are 0, the colour of the paper.
  const values = Array.from({ length: rows * columns }, (_, i) => (i < count ? valueAt(map, i) : 0));
  const canvas = valuesPicture(values, rows, columns, limit);
  vectorPictures.set(known, { key, canvas });
  return canvas;
}

function paintLinks(context, planes, scene, colours) {
  const byMap = new Map(planes.map((plane) => [plane.vector ? plane.layer : `${plane.layer} ${plane.map}`, plane]));
  const pointOf = ({ layer, map }) => {
    const plane = byMap.get(layer) ?? byMap.get(`${layer} ${map}`);
    return plane && (plane.vector ? cellPoint(plane, map) : plane.middle);
  };
  context.globalAlpha = 0.75;
  for (const { from, to, weight } of scene.links) {
    const [start, end] = [pointOf(from), pointOf(to)];
    if (!start || !end) continue;
    context.strokeStyle = linkColour(weight, colours.mark);
    context.lineWidth = 1 + 2 * Math.abs(weight);
    context.beginPath();
    context.moveTo(...start);
    context.lineTo(...end);
    context.stroke();
  }
  context.globalAlpha = 1;
}

/** The middle of a vector's cell on the canvas. */
function cellPoint({ matrix: [a, b, c, d, e, f], item: { columns, rows } }, i) {
  const [u, v] = [((i % columns) + 0.5) / columns, (Math.floor(i / columns) + 0.5) / rows];
  return [a * u + c * v + e, b * u + d * v + f];
}

/** The nearest plane at a point of the canvas: {layer, map, y, x, value}; or null. The value is null where unknown. */
export function planeAt(planes, px, py) {
  for (const plane of [...planes].reverse()) {
    const place = placeOn(plane, px, py);
    const found = place && valueOn(plane, ...place);
    if (found) return found;
  }
  return null;
}

/** A point of the canvas as [u, v] from 0 to 1 on a plane; null beside it. */
function placeOn({ matrix: [a, b, c, d, e, f] }, px, py) {
  const area = a * d - b * c;
  if (Math.abs(area) < 1) return null; // seen from the side
  const [dx, dy] = [px - e, py - f];
  const [u, v] = [(dx * d - dy * c) / area, (dy * a - dx * b) / area];
  return u < 0 || v < 0 || u >= 1 || v >= 1 ? null : [u, v];
}

function valueOn({ item, known, layer, map, picture, vector }, u, v) {
  if (vector) {
    const i = Math.floor(v * item.rows) * item.columns + Math.floor(u * item.columns);
    if (i >= item.count) return null; // beyond the last value
    return { layer, map: i, y: 0, x: 0, value: known ? valueAt(known.maps[0], i) : null };
  }
  if (!known) return { layer, map, value: null };
  const [y, x] = [Math.floor(v * known.height), Math.floor(u * known.width)];
  return { layer, map, y, x, value: valueAt(picture, y * known.width + x) };
}
