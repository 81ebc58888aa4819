/** The playground in a link: its settings, kernel and numbers. Photos are fetched again; uploads cannot travel. */

import { BORDER_MODES } from "./compute.js";
import { KERNELS, nameOf } from "./kernels.js";
import { INITIAL } from "./settings.js";

const NUMBERS = ["stride", "padding", "dilation", "poolSize", "poolStride"];
const WORDS = {
  source: ["numbers", "cat", "digit", "yours", "upload"],
  activation: ["none", "relu", "leaky", "sigmoid", "tanh"],
  pooling: ["none", "max", "average", "sum"],
  stage: ["conv", "act", "pool"],
};
const FLAGS = ["flip", "gray"];
const KEYS = [...Object.keys(WORDS), ...NUMBERS, ...FLAGS];
const LARGEST = 1e6; // of a number that is set by hand
const SIDES = { kernel: 7, numbers: 10 }; // rows at most

/** Pairs of key and value. */
export function writePlayground(settings) {
  const { kernel, image, source, place, border } = settings;
  return [
    ["window", KEYS.map((key) => (FLAGS.includes(key) ? Number(settings[key]) : settings[key])).join("~")],
    ["place", place.join("~")],
    ["border", border === INITIAL.border ? null : border],
    ["weights", KERNELS[nameOf(kernel)] ? nameOf(kernel) : kernel.join(",")],
    ["numbers", source === "numbers" ? image.values.join(",") : null],
  ];
}

/** The settings of a link; null if it has none, undefined if they cannot be read. */
export function readPlayground(link) {
  if (!link.get("window")) return null;
  const parts = link.get("window").split("~");
  const settings = Object.fromEntries(KEYS.map((key, i) => [key, readSetting(key, parts[i])]));
  const kernel = KERNELS[link.get("weights")] ?? readSquare(link.get("weights"), SIDES.kernel);
  const values = settings.source === "numbers" ? readSquare(link.get("numbers"), SIDES.numbers) : INITIAL.image.values;
  const place = (link.get("place") ?? "0~0").split("~").map(Number);
  const border = link.get("border") ?? INITIAL.border;
  const fine = parts.length === KEYS.length && BORDER_MODES.includes(border) &&
    KEYS.every((key) => settings[key] !== null) && kernel && values &&
    place.length === 2 && place.every((one) => Number.isInteger(one) && one >= 0);
  if (!fine) return undefined;
  const side = Math.sqrt(values.length);
  return { ...INITIAL, ...settings, border, kernel, place, image: { height: side, width: side, values } };
}

function readSetting(key, text = "") {
  if (WORDS[key]) return WORDS[key].includes(text) ? text : null;
  if (FLAGS.includes(key)) return text === "1";
  return /^-?\d{1,4}$/.test(text) ? Number(text) : null;
}

/** The numbers of a square, null if they are none. */
function readSquare(text, most) {
  const values = (text ?? "").split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
  const side = Math.sqrt(values.length);
  const fine = Number.isInteger(side) && side <= most && values.every((value) => Math.abs(value) <= LARGEST);
  return fine ? values : null;
}
