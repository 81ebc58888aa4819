/** Why pixels are scaled: one unit sees a pixel from 0 to 255 and from 0 to 1; what comes out, and what gradient. */

import { css, cssColour } from "../../colour.js";
import { fitCanvas, h } from "../../dom.js";
import { plot, slopePlot } from "../../drawer/plot.js";
import { t } from "../../i18n.js";
import { choice } from "../fields.js";
import { plain, readNumbers, readWhole } from "./text.js";

const WHITE = 255;
const RATE = 0.5; // of the gradient descent that is shown
const ENOUGH = 0.01; // of the largest slope: less counts as none
const [WIDTH, HEIGHT] = [320, 88];

const sigmoid = (z) => 1 / (1 + Math.exp(-z));
/** Each with its slope; `curve` is what the plots call it. */
const FUNCTIONS = {
  sigmoid: { f: sigmoid, slope: (z) => sigmoid(z) * sigmoid(-z), steepest: 0.25 },
  tanh: { f: Math.tanh, slope: (z) => 1 / Math.cosh(z) ** 2, steepest: 1 },
};

const INITIAL = { kind: "saturation", activation: "sigmoid", pixel: 200, weight: 0.1 };

const write = ({ activation, pixel, weight }) => [activation, pixel, weight];

function read([activation, pixel, weight]) {
  const [at, number] = [readWhole(pixel, 0, WHITE), readNumbers(weight, 1)];
  if (!FUNCTIONS[activation] || at === null || !number) return null;
  return { kind: "saturation", activation, pixel: at, weight: number[0] };
}

/** What one unit makes of an input: {z, y, slope, gradient of the loss for the weight, weight and y after a step}. */
function unitOf({ activation, weight }, x) {
  const { f, slope } = FUNCTIONS[activation];
  const z = weight * x;
  const gradient = f(z) * slope(z) * x; // of (y - 0)² / 2
  const next = weight - RATE * gradient;
  return { z, y: f(z), slope: slope(z), gradient, next, nextY: f(next * x) };
}

/** How many of the 256 gray values leave the function a slope worth the name. */
function learningGrays({ activation, weight }, divisor) {
  const { slope, steepest } = FUNCTIONS[activation];
  const grays = Array.from({ length: WHITE + 1 }, (_, pixel) => slope((weight * pixel) / divisor));
  return grays.filter((one) => one >= ENOUGH * steepest).length;
}

function create({ settings, change }) {
  const set = (changes) => change({ ...settings(), ...changes });
  const activations = choice((activation) => set({ activation }));
  const pixel = slider("pixel", { min: 0, max: WHITE, step: 1 }, (value) => set({ pixel: value }));
  const weight = slider("weight", { min: -1, max: 1, step: 0.01 }, (value) => set({ weight: value }));
  const columns = [column(WHITE, 1), column(1, WHITE)];
  const element = h("div", { class: "conv-figure" }, h("p", { class: "soft" }, t("figure.saturation.about")),
    h("div", { class: "row saturation-set" }, activations.element, pixel.element, weight.element),
    h("div", { class: "saturation" }, columns.map((one) => one.element)));
  return {
    element, stop() {},
    show() {
      const now = settings();
      activations.show({
        label: t("convolution.activation"), chosen: now.activation,
        options: Object.keys(FUNCTIONS).map((key) => [key, t(`convolution.activation.${key}`)]),
      });
      pixel.show(now.pixel);
      weight.show(now.weight);
      columns.forEach((one) => one.show(now));
    },
  };
}

/** A number with a slider; `onChange(number)`. */
function slider(key, limits, onChange) {
  const attributes = Object.fromEntries(Object.entries(limits).map(([name, value]) => [name, String(value)]));
  const oninput = () => onChange(input.valueAsNumber);
  const input = h("input", { type: "range", ...attributes, data: { key }, oninput });
  const value = h("output", {});
  const element = h("label", { class: "field" }, t(`figure.saturation.${key}`), input, value);
  const show = (now) => {
    input.value = String(now);
    value.textContent = plain(now);
  };
  return { element, show };
}

/** The unit for a pixel divided by `divisor`, so that white is `white`. */
function column(white, divisor) {
  const words = h("div", { class: "saturation-words" });
  const curves = h("div", { class: "slopes" });
  const canvas = h("canvas", { class: "plot-wide", role: "img" });
  const count = h("p", {});
  const legend = h("figcaption", {}, t("figure.saturation.grays"), " ",
    h("b", { class: "of-output" }, t("figure.saturation.output")), " · ",
    h("b", { class: "of-slope" }, t("figure.saturation.slope")));
  const element = h("section", { class: "conv-card" }, h("h3", {}, t("figure.saturation.white", { white })),
    words, curves, h("figure", { class: "mapfigure" }, canvas, legend), count);

  function show(now) {
    const x = now.pixel / divisor;
    const unit = unitOf(now, x);
    const line = (left, ...right) => h("p", {}, h("span", {}, `${left} =\u00a0`), ...right);
    const result = (value) => h("output", {}, plain(value));
    words.replaceChildren(
      line("z = w · x", `${plain(now.weight)} · ${plain(x)} =\u00a0`, result(unit.z)),
      line(`y = ${now.activation === "tanh" ? "tanh" : "σ"}(z)`, result(unit.y)),
      line("dy/dz", result(unit.slope)),
      line("dE/dw", `y · dy/dz · x =\u00a0`, result(unit.gradient)),
      h("p", { class: "soft small" }, t("figure.saturation.step", {
        rate: RATE, before: plain(now.weight, 6), after: plain(unit.next, 6), y: plain(unit.y), next: plain(unit.nextY),
      })),
    );
    curves.replaceChildren(plot(now.activation, unit.z, unit.y), slopePlot(now.activation, unit.z));
    paint(canvas, now, divisor);
    canvas.setAttribute("aria-label", t("figure.saturation.grays"));
    count.textContent = t("figure.saturation.count", { n: learningGrays(now, divisor) });
  }
  return { element, show };
}

/** The output for all gray values from black to white, and the slope there in another colour. */
function paint(canvas, { activation, weight, pixel }, divisor) {
  const { f, slope, steepest } = FUNCTIONS[activation];
  const context = fitCanvas(canvas, WIDTH, HEIGHT);
  const across = (gray) => (gray / WHITE) * (WIDTH - 8) + 4;
  const least = activation === "tanh" && weight < 0 ? -1 : 0;
  const up = (value) => HEIGHT - 6 - ((value - least) / (1 - least)) * (HEIGHT - 12);
  const stroke = (colour, width, points) => {
    context.strokeStyle = css(cssColour(colour));
    context.lineWidth = width;
    context.beginPath();
    points.forEach((point, i) => context[i ? "lineTo" : "moveTo"](...point));
    context.stroke();
  };
  const over = (make) => Array.from({ length: WHITE + 1 }, (_, gray) =>
    [across(gray), up(make((weight * gray) / divisor))]);
  context.clearRect(0, 0, WIDTH, HEIGHT);
  stroke("--line", 1, [[across(0), up(0)], [across(WHITE), up(0)]]);
  stroke("--line", 1, [[across(pixel), 0], [across(pixel), HEIGHT]]);
  stroke("--mark", 2, over((z) => slope(z) / steepest));
  stroke("--accent", 2, over(f));
}

export const SATURATION = { INITIAL, write, read, create };
