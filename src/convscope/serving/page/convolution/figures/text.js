/** How the figures write numbers and lists, on the page and in links. */

import { fixed } from "../../numbers.js";

/** Up to three decimals, without zeros at the end; what is smaller still, with a power of ten. */
export function plain(value, decimals = 3) {
  if (value && Math.abs(value) < 10 ** -decimals) return value.toExponential(1).replace(/-/g, "−");
  return fixed(value, decimals).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
}

export const inBrackets = (value) => (value < 0 ? `(${plain(value)})` : plain(value));

/** One number by itself, several in square brackets. */
export const listText = (values) =>
  (values.length === 1 ? plain(values[0]) : `[${Array.from(values, (value) => plain(value)).join(", ")}]`);

const LARGEST = 1e6; // of a number that is set by hand

/** `count` numbers of a link; null if they cannot be read. */
export function readNumbers(text, count) {
  const values = (text ?? "").split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
  return values.length === count && values.every((value) => Math.abs(value) <= LARGEST) ? values : null;
}

/** A whole number of a link from `least` to `most`; null if it is none. */
export function readWhole(text, least, most) {
  const value = /^-?\d{1,4}$/.test(text ?? "") ? Number(text) : NaN;
  return value >= least && value <= most ? value : null;
}
