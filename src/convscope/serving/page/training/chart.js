/** How curves over the epochs are drawn, as SVG: grid, axes with words, the curves, and a mark at one epoch. */

import { t } from "../i18n.js";

const HEIGHT = 224;
const EDGE = { left: 72, right: 84, top: 16, bottom: 44 };
const LINE_HEIGHT = 15; // pixels between the names of two curves that end side by side
const MOST_DOTS = 40; // points of a curve that are marked one by one
const NARROW = 400; // pixels below which there are fewer ticks

/**
 * `lines`: [{className, name, points: [[epoch, value]]}], none without points; `last`: the epoch at the right edge;
 * `epoch`: the one with the mark, or null; `percent`: values are shares; `axis`: words of the vertical axis.
 */
export function chart({ lines, last, epoch, percent, width, axis, label }) {
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value));
  const steps = percent ? shareTicks(values) : ticks(0, Math.max(...values, 0.1));
  const scale = scaleOf(width, last, steps);
  const parts = [...grid(scale, steps, percent), ...epochAxis(scale), ...axisWords(scale, axis)];
  if (epoch !== null) parts.push(mark(scale, epoch));
  const shifts = nameShifts(lines.map(({ points }) => scale.y(points.at(-1)[1])));
  lines.forEach((line, i) => parts.push(...curve(scale, line, epoch, shifts[i])));
  return svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label }, ...parts);
}

/** The epoch (with a fraction) at x pixels of a chart. */
export const epochAt = (x, width, last) => ((x - EDGE.left) / (width - EDGE.left - EDGE.right)) * last;

/** About `count` round numbers, from `least` or a little less to at least `most`. */
function ticks(least, most, count = 5) {
  const rough = (most - least || 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough * 0.999);
  const first = Math.floor(least / step + 1e-9) * step;
  const steps = Math.ceil((most - first) / step - 1e-9);
  return Array.from({ length: steps + 1 }, (_, i) => Number((first + i * step).toPrecision(12)));
}

/** Up to 100 %, from the ten per cent below the smallest value. */
const shareTicks = (values) => ticks(Math.floor(Math.min(0.9, ...values) * 10) / 10, 1);

/** Where an epoch and a value lie, in pixels. */
function scaleOf(width, last, steps) {
  const [bottom, top] = [steps[0], steps.at(-1)];
  return {
    width, last, bottom, top,
    x: (epoch) => EDGE.left + (epoch / last) * (width - EDGE.left - EDGE.right),
    y: (value) => HEIGHT - EDGE.bottom - ((value - bottom) / (top - bottom)) * (HEIGHT - EDGE.top - EDGE.bottom),
  };
}

function grid({ x, y, last }, steps, percent) {
  const text = (value) => (percent ? `${Math.round(value * 100)} %` : String(value));
  return steps.flatMap((step) => [
    svg("line", { class: "grid", x1: x(0), x2: x(last), y1: y(step), y2: y(step) }),
    svg("text", { class: "tick", x: EDGE.left - 8, y: y(step) + 4, "text-anchor": "end" }, text(step)),
  ]);
}

function epochAxis({ x, width, last }) {
  const whole = ticks(0, last, width < NARROW ? 4 : 8).filter((epoch) => Number.isInteger(epoch) && epoch <= last);
  const y = HEIGHT - EDGE.bottom + 18;
  return whole.map((epoch) => svg("text", { class: "tick", x: x(epoch), y, "text-anchor": "middle" }, String(epoch)));
}

function axisWords({ x, y, last, bottom, top }, axis) {
  const turned = `translate(14 ${y((bottom + top) / 2)}) rotate(-90)`;
  return [
    svg("text", { class: "axis", x: x(last / 2), y: HEIGHT - 6, "text-anchor": "middle" }, t("training.epoch")),
    svg("text", { class: "axis", transform: turned, "text-anchor": "middle" }, axis),
  ];
}

const mark = ({ x }, epoch) =>
  svg("line", { class: "here", x1: x(epoch), x2: x(epoch), y1: EDGE.top, y2: HEIGHT - EDGE.bottom });

/** How far the names at the ends of two curves move apart, so that they do not lie on each other. */
function nameShifts(ends) {
  if (ends.length < 2 || Math.abs(ends[0] - ends[1]) >= LINE_HEIGHT) return [0, 0];
  return ends[0] <= ends[1] ? [-8, 8] : [8, -8];
}

function curve({ x, y }, { className, name, points }, epoch, shift) {
  const path = points.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  const dots = points.length < MOST_DOTS ? points : points.slice(-1);
  const [lastEpoch, lastValue] = points.at(-1);
  return [
    svg("polyline", { class: `curve ${className}`, points: path }),
    ...dots.map(([at, value]) =>
      svg("circle", { class: `dot ${className}`, cx: x(at), cy: y(value), r: at === epoch ? 5 : 2.5 })),
    svg("text", { class: `end ${className}`, x: x(lastEpoch) + 10, y: y(lastValue) + 4 + shift }, name),
  ];
}

function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}
