/**
 * What a link says, to and from location.hash. A link is absolute: whatever it leaves out has its default, so that it
 * shows the same view wherever it is opened, in the language in which it was made. The colours are the reader's own.
 *
 * The parts that need no network (`view`) can be shown at once; those that do (`wish`) are checked against the network
 * before they become state, see arrival.js.
 */

import { readFigure, writeFigure } from "../convolution/figures/figures.js";
import { readPlayground, writePlayground } from "../convolution/link.js";
import { packNumbers, packStrokes, unpackNumbers, unpackOldStrokes, unpackStrokes } from "./pack.js";
import { INITIAL, newestEpoch } from "./store.js";

const VERSION = 1;
const SIGN = "~"; // between the parts of one place
const TABS = ["network", "convolution", "training", "lesson"];
const VIEW = ["tab", "three", "step", "scale", "zoom", "beside", "direction", "magnified", "why", "whyChoice",
  "playground", "figure", "predict"];
const WISH = ["source", "selected", "whatif", "label", "epoch", "open", "shown"];
const IGNORED_BY_LINKS = new Set(["v"]);
/** Keys of the store that a link carries. */
export const LINKED = ["classifier", "language", ...VIEW, ...WISH];

/** A layer and numbers as one text; a sign of its own in the layer's name does not end the name. */
function joined(layer, ...numbers) {
  const name = layer.replaceAll("%", "%25").replaceAll(SIGN, "%7E");
  return [name, ...numbers.filter((part) => part !== undefined && part !== null)].join(SIGN);
}

const named = (text) => text.replaceAll("%7E", SIGN).replaceAll("%25", "%");

/** The pairs of each part of the link, with a value of null, undefined or "" where there is nothing to say. */
const WRITERS = [
  () => [["v", VERSION]],
  ({ classifier }) => [["model", classifier]],
  ({ tab }) => [["tab", tab]],
  ({ source }) => SOURCES[source?.kind]?.(source) ?? [],
  ({ selected }) => (selected ? [["at", joined(selected.layer, selected.map, selected.y, selected.x)],
    ["term", selected.term]] : []),
  ({ whatif }) => whatIfPairs(whatif),
  ({ direction, label, magnified }) => [["direction", direction === "backward" ? direction : null], ["truth", label],
    ["magnified", magnified && direction === "backward" ? 1 : null]],
  ({ why, whyChoice }) => whyPairs(why, whyChoice),
  ({ epoch, snapshots }) => [["epoch", epoch === newestEpoch(snapshots) ? null : epoch]],
  ({ open, network }) => openPairs(open, network),
  ({ shown }) => Object.entries(shown).map(([layer, count]) => ["maps", joined(layer, count)]),
  ({ three }) => [["3d", three ? 1 : null]],
  ({ tab, step }) => [["step", tab === "lesson" ? step + 1 : null]],
  ({ scale }) => [["scale", scale === INITIAL.scale ? null : scale]],
  ({ beside }) => [["with", beside]],
  ({ predict }) => [["predict", predict === "asking" ? 1 : null]], // or the link would give the answer away
  ({ zoom }) => [["zoom", typeof zoom === "number" ? zoom.toFixed(2) : zoom]],
  ({ playground, figure, tab }) => (tab === "convolution" ? playgroundPairs(playground, figure) : []),
  ({ language }) => [["lang", language]],
];

/** Where there are blocks but none is open, that is said: otherwise some would open by themselves. */
function openPairs(open, network) {
  if (open && !open.size && network?.groups.length) return [["open", SIGN]];
  return [...(open ?? [])].map((block) => ["open", block]);
}

function playgroundPairs(playground, figure) {
  if (figure) return [["figure", writeFigure(figure)]];
  return playground ? writePlayground(playground) : [];
}

const SOURCES = {
  example: ({ id }) => [["example", id]],
  drawing: ({ strokes, ink }) => [["draw", packStrokes(strokes)], ["ink", ink === "ink" ? 1 : null]],
  file: ({ name }) => [["upload", name || "?"]], // the picture itself cannot travel
};

function whatIfPairs({ channels_off: off, kernels, occlude, pixels }) {
  return [
    ...Object.entries(off).map(([layer, maps]) => ["off", joined(layer, ...maps)]),
    ...kernels.map(({ layer, map, input, values }) =>
      ["kernel", joined(layer, map, input, values.length, packNumbers(values.flat()))]),
    ["pixels", pixels.map(({ row, column, values }) => [row, column, ...values].join(".")).join(SIGN)],
    ["cover", occlude.map(({ row, column, radius }) => [row, column, radius].join(".")).join(SIGN)],
  ];
}

function whyPairs(why, { method, layer, first, second, versus }) {
  if (!why) return [];
  return [["why", method ?? 1], ["heat", layer], ["for", first], ["beside", second], ["versus", versus ? 1 : null]];
}

/** The state as text for location.hash, without "#". */
export function toHash(state) {
  const pairs = WRITERS.flatMap((write) => write(state));
  return pairs.filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([key, value]) => `${key}=${encodeURIComponent(value).replaceAll("%2C", ",")}`).join("&");
}

/** Whether nothing of the view is missing from its link: an uploaded picture is. */
export const isWhole = ({ source, playground, figure, tab }) =>
  source?.kind !== "file" && !(tab === "convolution" && (figure ?? playground)?.source === "upload");

/**
 * What a location.hash says: {classifier?, language?, theme?, view, wish, problems}; null if it is no link of the page.
 * `problems` are [key, values] of sentences about what cannot be read.
 */
export function fromHash(hash) {
  const link = new URLSearchParams(hash.replace(/^#/, ""));
  const keys = [...link.keys()].filter((key) => !IGNORED_BY_LINKS.has(key));
  if (!keys.some((key) => link.get(key) !== "")) return null;
  const read = { view: defaults(VIEW), wish: defaults(WISH), problems: [] };
  for (const part of READERS) {
    if (part(link, read) === false) read.problems = [["link.damaged", {}]];
  }
  if (Number(link.get("v") ?? VERSION) > VERSION) read.problems = [["link.newer", {}]];
  return read;
}

const defaults = (keys) => Object.fromEntries(keys.map((key) => [key, INITIAL[key]]));
const isWord = (value, words) => value === null || words.includes(value);
const isCount = (text) => /^\d{1,6}$/.test(text);
const countOf = (text) => (text !== null && isCount(text) ? Number(text) : null);

/** Each takes what it knows from the link; false if that cannot be read. */
const READERS = [
  (link, read) => {
    if (link.get("model")) read.classifier = link.get("model");
    if (["en", "zh"].includes(link.get("lang"))) read.language = link.get("lang");
    if (["light", "dark"].includes(link.get("theme"))) read.theme = link.get("theme"); // of the first links
  },
  (link, { view }) => {
    const words = [["tab", TABS], ["scale", ["map", "layer", "network"]], ["direction", ["backward"]]];
    for (const [key, values] of words) if (values.includes(link.get(key))) view[key] = link.get(key);
    view.three = Boolean(link.get("3d"));
    view.predict = link.get("predict") ? "asking" : null;
    view.magnified = Boolean(link.get("magnified"));
    view.step = Math.max((countOf(link.get("step")) ?? 1) - 1, 0);
    const beside = link.get("with") ?? "";
    if (/^(epoch~(end|\d{1,6})|(model|example)~.{1,300})$/.test(beside)) view.beside = beside;
    if (link.get("zoom") === "fit") view.zoom = "fit";
    else if (Number(link.get("zoom")) > 0) view.zoom = Math.min(Math.max(Number(link.get("zoom")), 0.1), 3);
    return words.every(([key, values]) => isWord(link.get(key), values));
  },
  readSource, readSelected, readOff, readKernels, readCovers, readPixels, readWhy,
  (link, { wish }) => {
    wish.label = countOf(link.get("truth"));
    wish.epoch = countOf(link.get("epoch"));
    wish.open = link.has("open") ? new Set(link.getAll("open")) : null;
    const shown = link.getAll("maps").map((text) => splitPlace(text));
    const counted = shown.filter(([layer, numbers]) => layer && numbers?.length);
    wish.shown = Object.fromEntries(counted.filter(([, [count]]) => count).map(([layer, [count]]) => [layer, count]));
    return counted.length === shown.length;
  },
  (link, { view }) => {
    const playground = readPlayground(link);
    if (playground) view.playground = playground;
    return playground !== undefined;
  },
  (link, { view }) => {
    if (!link.get("figure")) return true;
    view.figure = readFigure(link.get("figure"));
    return view.figure !== null;
  },
];

function readSource(link, { wish }) {
  if (link.get("example")) wish.source = { kind: "example", id: link.get("example") };
  if (link.get("upload")) wish.source = { kind: "file", name: link.get("upload") };
  const [text, old] = [link.get("draw"), link.get("strokes")];
  if (!text && !old) return true;
  const strokes = text ? unpackStrokes(text) : unpackOldStrokes(old);
  if (strokes) wish.source = { kind: "drawing", strokes, ink: link.get("ink") ? "ink" : "chalk" };
  return strokes !== null;
}

/** "layer~1~2" as ["layer", [1, 2]]; null where a part is no number. */
function splitPlace(text) {
  const [layer, ...parts] = text.split(SIGN);
  return [named(layer), parts.every(isCount) ? parts.map(Number) : null];
}

function readSelected(link, { wish }) {
  if (!link.get("at")) return true;
  const [layer, place] = splitPlace(link.get("at"));
  if (!layer || !place || place.length > 3) return false;
  const [map, y, x] = place;
  const term = countOf(link.get("term"));
  wish.selected = {
    layer, ...(place.length > 0 && { map }), ...(place.length > 2 && { y, x, ...(term !== null && { term }) }),
  };
  return true;
}

function readOff(link, { wish }) {
  const places = link.getAll("off").map(splitPlace);
  const fine = places.filter(([layer, maps]) => layer && maps?.length);
  if (fine.length) wish.whatif = { ...wish.whatif, channels_off: Object.fromEntries(fine) };
  return fine.length === places.length;
}

function readKernels(link, { wish }) {
  const read = link.getAll("kernel").map(readKernel);
  if (read.length) wish.whatif = { ...wish.whatif, kernels: read.filter(Boolean) };
  return !read.includes(null);
}

function readKernel(text) {
  const parts = text.split(SIGN);
  const [map, input, rows] = parts.slice(1, 4).map(Number);
  const values = unpackNumbers(parts[4] ?? "");
  const columns = values && values.length / rows;
  if (!parts.slice(1, 4).every(isCount) || !Number.isInteger(columns) || columns < 1) return null;
  const row = (i) => values.slice(i * columns, (i + 1) * columns);
  return { layer: named(parts[0]), map, input, values: Array.from({ length: rows }, (_, i) => row(i)) };
}

function readCovers(link, { wish }) {
  if (!link.get("cover")) return true;
  const circles = link.get("cover").split(SIGN).map((text) => text.split(".").map(Number));
  if (!circles.every((one) => one.length === 3 && one.every(Number.isInteger) && one[2] > 0)) return false;
  const occlude = circles.map(([row, column, radius]) => ({ row, column, radius }));
  wish.whatif = { ...wish.whatif, occlude };
  return true;
}

function readPixels(link, { wish }) {
  if (!link.get("pixels")) return true;
  const read = link.get("pixels").split(SIGN).map((text) => text.split(".").map(Number));
  if (!read.every((one) => one.length > 2 && one.every(Number.isInteger))) return false;
  wish.whatif = { ...wish.whatif, pixels: read.map(([row, column, ...values]) => ({ row, column, values })) };
  return true;
}

function readWhy(link, { view }) {
  if (!link.get("why")) return;
  view.why = true;
  view.whyChoice = {
    ...INITIAL.whyChoice,
    ...(link.get("why") !== "1" && { method: link.get("why") }),
    layer: link.get("heat") ?? "", first: countOf(link.get("for")), second: countOf(link.get("beside")),
    versus: Boolean(link.get("versus")),
  };
}

/** Whether two of what links carry are the same, written down. */
export const isSame = (a, b) => JSON.stringify(a) === JSON.stringify(b);
