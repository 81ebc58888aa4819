/** The words of a layer's head, and how many pixels they need. */

import { t } from "../i18n.js";
import { short } from "../numbers.js";
import { lastStepNode, SOFTMAX } from "../state/softmax.js";
import { amount, ownName, shapeText, windowText } from "./kinds.js";
import { isVector } from "./layout.js";
import { plainName } from "./names.js";
import { patchesText } from "./tokens.js";

const [SIZE, LARGE] = [11, 13]; // pixels of the letters; on a large screen, which many look at from afar
const LEAST = 30; // pixels of a column
const MOST = 96; // longer words are cut
const APART = 2; // pixels beside a number, so that two do not touch
const MOST_LABELS = 20; // classes that are written beside their cells
const LONGEST_LABEL = 84; // pixels
const ELEMENTWISE = new Set(["activation", "norm", "dropout", "identity", "flatten", "input"]);

/** {title, lines, code}: the plain name, what there is to say about it, and the name in the code where it differs. */
export function headText({ node, block, members }, network) {
  if (block !== null) {
    return { title: ownName(block), code: "",
      lines: [t("network.block", { n: members.length }), t("network.open"), shapeText(node)] };
  }
  const title = plainName(node, network);
  const code = node.name === SOFTMAX ? "" : ownName(node.name);
  return { title, code: code.toLowerCase() === title.toLowerCase() ? "" : code, lines: linesOf(node) };
}

function linesOf(node) {
  const { shape, kind } = node;
  if (shape.length === 2) { // a table that is not shown as maps: cells for the first values alone
    return [windowText(node), shapeText(node), t("network.first", { n: shape[0] })].filter(Boolean);
  }
  if (isVector(shape)) return [windowText(node), String(shape[0])].filter(Boolean);
  const size = node.tokens ? patchesText(node) : shape.slice(1).join("×");
  return ELEMENTWISE.has(kind) ? [size] : [windowText(node), amount(node), size].filter(Boolean);
}

/** "±0.675", with fewer digits where `width` pixels are too few for that: no number is cut. */
export function scaleText(limit, width) {
  const texts = [short(limit), ...[2, 1].map((digits) => Number(limit.toPrecision(digits)))
    .map((value) => (value && (value < 0.001 || value >= 10000) ? value.toExponential() : String(value)))];
  const written = texts.map((text) => `±${text.replace("-", "−").replace("e+", "e")}`);
  return written.find((text) => widthOf(text) + 2 * APART <= width) ?? written.at(-1);
}

let pen = null; // {context, family}
const widths = new Map();

function widthOf(text, weight = 400) {
  const { fontFamily: family } = getComputedStyle(document.body);
  pen ??= { context: document.createElement("canvas").getContext("2d"), family };
  const size = matchMedia("(min-width: 1700px)").matches ? LARGE : SIZE; // as style.css has it
  const key = `${weight} ${size} ${text}`;
  if (!widths.has(key)) {
    pen.context.font = `${weight} ${size}px ${pen.family}`;
    widths.set(key, pen.context.measureText(text).width);
  }
  return widths.get(key);
}

/** Whether the values of a layer are those of the classes, whose names then stand beside them. */
function isOfClasses(node, network) {
  const count = network.class_names.length;
  return isVector(node.shape) && node.shape[0] === count && count <= MOST_LABELS
    && (node.name === SOFTMAX || network.nodes.slice(-2).includes(node));
}

/**
 * Pixels that words need: `least(item)` those of its head and labels, and of "+48 more" where not all maps are shown,
 * `counts(node)` of them; `labels(node)` those of the labels.
 */
export function textWidths(network, counts) {
  const labels = (node) => (isOfClasses(node, network) || node === lastStepNode(network)
    ? Math.min(Math.max(...network.class_names.map((label) => widthOf(label))), LONGEST_LABEL) : 0);
  const least = (item) => {
    const { title, lines } = headText(item, network);
    const hidden = item.node.shape[0] - counts(item.node);
    const more = hidden > 0 && !isVector(item.node.shape) ? [t("network.more", { n: hidden })] : [];
    const words = Math.max(widthOf(title, 600), ...[...lines, ...more].map((line) => widthOf(line))) + 4;
    const beside = item.block === null ? labels(item.node) : 0;
    return Math.max(LEAST, Math.min(words, MOST), beside ? beside + 24 : 0);
  };
  return { least, labels };
}
