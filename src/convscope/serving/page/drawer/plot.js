/** The curve of an activation function, with the value that went in and the one that came out. */

import { cssColour, css } from "../colour.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { short } from "../numbers.js";

const FUNCTIONS = {
  relu: (x) => Math.max(x, 0),
  relu6: (x) => Math.min(Math.max(x, 0), 6),
  leakyrelu: (x) => (x > 0 ? x : 0.01 * x),
  elu: (x) => (x > 0 ? x : Math.exp(x) - 1),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  scaledtanh: (x) => 1.7159 * Math.tanh((2 / 3) * x),
  silu: (x) => x / (1 + Math.exp(-x)),
  swish: (x) => x / (1 + Math.exp(-x)),
  gelu: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  hardswish: (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
  softplus: (x) => Math.log1p(Math.exp(x)),
};
const SIZE = 168;
const STEP = 1e-4; // between the two values of which a slope is taken

const functionOf = (type) => FUNCTIONS[type.toLowerCase().replace(/_/g, "")];

/** A figure with the point (x, y) on the curve; null for a function that the page does not know. */
export function plot(type, x, y) {
  const f = functionOf(type);
  return f ? figure(f, x, y, t("op.curve", { x: short(x), y: short(y) })) : null;
}

/** A figure of the function's slope, which is what the gradient is multiplied with on its way back; or null. */
export function slopePlot(type, x) {
  const f = functionOf(type);
  if (!f) return null;
  const slope = (at) => (f(at + STEP) - f(at - STEP)) / (2 * STEP);
  return figure(slope, x, slope(x), t("op.slope", { x: short(x), y: short(slope(x)) }));
}

function figure(f, x, y, words) {
  const reach = Math.max(Math.abs(x) * 1.3, 2.5);
  const canvas = h("canvas", { class: "plot", role: "img", "aria-label": words });
  canvas.width = canvas.height = SIZE * devicePixelRatio;
  const context = canvas.getContext("2d");
  context.scale(devicePixelRatio, devicePixelRatio);
  const highest = Math.max(f(reach), Math.abs(f(-reach)), 1) * 1.1;
  const at = (a, b) => [SIZE / 2 + (a / reach) * (SIZE / 2 - 4), SIZE / 2 - (b / highest) * (SIZE / 2 - 4)];
  const stroke = (colour, width, points, dashed) => {
    context.strokeStyle = css(cssColour(colour));
    context.lineWidth = width;
    context.setLineDash(dashed ? [3, 3] : []);
    context.beginPath();
    points.forEach((point, i) => context[i ? "lineTo" : "moveTo"](...point));
    context.stroke();
  };
  stroke("--line", 1, [at(-reach, 0), at(reach, 0)]);
  stroke("--line", 1, [at(0, -highest), at(0, highest)]);
  stroke("--accent", 2, Array.from({ length: 121 }, (_, i) => at((i / 60 - 1) * reach, f((i / 60 - 1) * reach))));
  stroke("--mark", 1, [at(x, 0), at(x, y), at(0, y)], true);
  context.fillStyle = css(cssColour("--mark"));
  context.beginPath();
  context.arc(...at(x, y), 4.5, 0, 7);
  context.fill();
  return h("figure", { class: "mapfigure" }, canvas, h("figcaption", {}, words));
}
