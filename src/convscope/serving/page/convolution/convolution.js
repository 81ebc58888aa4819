/** The playground: a picture, a kernel and a window that slides, with every number in sight. Nothing of it asks the server. */

import * as api from "../state/api.js";
import { board } from "./board.js";
import { controls } from "./controls.js";
import { blobImage, CLASSIC, seenImage } from "./images.js";
import { KERNELS, nameOf } from "./kernels.js";
import { AT_FIRST, inputOf, results, tapsOf, windowOf } from "./settings.js";
import { plain, working } from "./working.js";
import { h, icon, stillness } from "../dom.js";
import { ofLanguage, t } from "../i18n.js";

const STAGES = ["conv", "act", "pool"];
const PACE = 420; // milliseconds between two places of the window
const STEPS = 150; // of one run over a large map
const [SMALL, LARGE] = [168, 288]; // pixels of a map's longer side
const AROUND = 76; // what a card and its arrow need beside the map

export function mount(root, store) {
  let settings = AT_FIRST;
  let made = results(settings);
  let running = 0; // the timer of the moving window
  let said = null; // {en, zh} of a picture that could not be read

  const set = controls({ change, take, upload });
  const input = board({ onPlace: onInput });
  const outputs = Object.fromEntries(STAGES.map((stage) => [stage, board({ onPlace: (y, x) => { stop(); change({ stage, place: [y, x] }); } })]));
  const cards = STAGES.map((stage) => [stage, h("div", { class: "conv-card", data: { stage } }, h("h3", {}), outputs[stage].element)]);
  const inputCard = h("div", { class: "conv-card" }, h("h3", {}), input.element);
  const line = h("div", { class: "conv-line" }, inputCard, cards.flatMap(([, card]) => [h("span", { class: "arrow", "aria-hidden": "true" }, "→"), card]));
  const play = h("button", { class: "primary", onclick: () => (running ? stop() : start()) });
  const step = h("button", { class: "quiet", onclick: () => { stop(); next(); } });
  const gray = h("input", { type: "checkbox", onchange: () => change({ gray: gray.checked }) });
  const grayLabel = h("label", { class: "check" }, gray, h("span", {}));
  const size = h("p", { class: "conv-formula" });
  const problem = h("p", { class: "problem conv-problem", role: "alert" });
  const calculation = working();
  root.append(h("div", { class: "conv" }, set.element, h("div", { class: "conv-stage" },
    h("div", { class: "row conv-actions" }, play, step, h("span", { class: "push" }), grayLabel), problem, line, size, calculation.element)));

  function change(changes) {
    settings = { ...settings, ...changes };
    made = results(settings);
    if (!made[settings.stage]) settings = { ...settings, stage: "conv" };
    const map = made[settings.stage];
    if (map) settings = { ...settings, place: [Math.min(settings.place[0], map.height - 1), Math.min(settings.place[1], map.width - 1)] };
    else stop();
    show();
  }

  /** The window goes where the pointer is: its middle on the place. */
  function onInput(y, x) {
    const map = made.conv;
    if (!map) return;
    stop();
    const { kernel, stride, padding, dilation } = windowOf(settings, "conv");
    const middle = Math.floor((dilation * (kernel - 1)) / 2);
    const place = (at, most) => Math.min(Math.max(Math.round((at + padding - middle) / stride), 0), most - 1);
    change({ stage: "conv", place: [place(y, map.height), place(x, map.width)] });
  }

  async function take(source) {
    said = null;
    const { forward, examples } = store.state;
    try {
      // What shows something of a picture, unless another kernel was chosen already.
      const kernel = nameOf(settings.kernel) === "cross" ? KERNELS.edges : settings.kernel;
      if (source === "numbers") change({ source, image: CLASSIC, gray: false });
      else if (source === "yours") change({ source, kernel, image: seenImage(forward.seen), gray: false });
      else {
        const url = source === "cat" ? new URL("cat.png", import.meta.url) : examples.find(({ kind }) => kind === "digit").url;
        const image = await blobImage(await api.picture(url));
        change({ source, kernel, image, gray: source === "cat" });
      }
    } catch (failure) {
      said = failure.words ?? { en: String(failure), zh: String(failure) };
      show();
    }
  }
  async function upload(file) {
    try {
      said = null;
      change({ source: "upload", image: await blobImage(file), gray: true });
    } catch {
      said = { en: t("pictures.noImage"), zh: t("pictures.noImage") };
      show();
    }
  }

  const number = () => settings.place[0] * made[settings.stage].width + settings.place[1];
  function go(to) {
    const map = made[settings.stage];
    const at = to % map.values.length;
    change({ place: [Math.floor(at / map.width), at % map.width] });
  }
  const next = () => made[settings.stage] && go(number() + 1);
  function start() {
    const map = made[settings.stage];
    if (!map) return;
    if (stillness()) return next();
    const by = Math.max(1, Math.round(map.values.length / STEPS));
    const pace = by > 1 ? 60 : PACE;
    running = setInterval(() => {
      const last = made[settings.stage].values.length - 1;
      if (number() >= last) stop();
      else go(Math.min(number() + by, last));
    }, pace);
    go(0);
  }
  function stop() {
    clearInterval(running);
    if (running) {
      running = 0;
      show();
    }
  }

  function show() {
    const { image, stage, place, padding } = settings;
    const { forward, examples } = store.state;
    set.show(settings, { yours: Boolean(forward), digit: examples.some(({ kind }) => kind === "digit") });
    play.replaceChildren(icon(running ? "pause" : "play"), t(running ? "unit.pause" : "unit.play"));
    step.replaceChildren(icon("step"), t("unit.step"));
    play.disabled = step.disabled = !made[stage];
    grayLabel.lastChild.textContent = t("convolution.gray");
    gray.checked = settings.gray;
    const words = made.problem && t(`convolution.why.${made.problem.reason}`, made.problem.values);
    problem.textContent = said ? ofLanguage(said) : words ? t(`convolution.impossible.${made.problem.stage}`, { reason: words }) : "";
    problem.hidden = !problem.textContent;
    const taps = made[stage] ? tapsOf(settings, made) : null;
    const room = roomFor(1 + STAGES.filter((key) => made[key]).length);
    const limit = (map) => map.values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    const sizes = (map) => `${map.height} × ${map.width}`;
    inputCard.firstChild.textContent = t("convolution.input");
    input.show({ image, size: room, pad: Math.min(Math.max(padding, 0), 30), limit: limit(image), gray: settings.source !== "numbers" && settings.source !== "digit" && settings.source !== "yours",
      window: stage === "conv" ? taps : null, label: t("convolution.inputLabel"), caption: sizes(image) });
    for (const [key, card] of cards) {
      const map = made[key];
      card.hidden = card.previousSibling.hidden = !map;
      if (!map) continue;
      card.classList.toggle("front", key === stage);
      card.firstChild.textContent = key === "act" ? t(`convolution.activation.${settings.activation}`) : key === "pool" ? t(`convolution.poolingDone.${settings.pooling}`)
        : t(settings.flip ? "convolution.flip.convolution" : "convolution.flip.correlation");
      const feeds = stage !== "conv" && inputOf(settings, made, stage) === map;
      const best = feeds && stage === "pool" && settings.pooling === "max" ? taps.reduce((a, b) => (b.value > a.value ? b : a)) : null;
      outputs[key].show({ image: map, size: room * Math.min(1, Math.max(map.height, map.width) / Math.max(image.height, image.width) + 0.25), limit: limit(map), gray: settings.gray,
        marked: key === stage ? place : null, window: feeds ? taps : null, chosen: best && [best.y, best.x], until: running && key === stage ? number() : undefined,
        label: t("convolution.outputLabel"), caption: sizes(map) });
    }
    formula();
    calculation.show(settings, made);
  }

  /** Maps as large as lets them all stand in one line, if that is large enough to see something. */
  function roomFor(count) {
    const wide = line.clientWidth || 320;
    return Math.min(Math.max(Math.min(wide / count - AROUND, LARGE), SMALL), wide - 40);
  }

  /** The output size with the numbers put in, for rows, and for columns where they differ. */
  function formula() {
    const which = settings.stage === "pool" || made.problem?.stage === "pool" ? "pool" : "conv";
    const { kernel, stride, padding = 0, dilation = 1 } = windowOf(settings, which);
    const from = inputOf(settings, made, which);
    const rows = [["height", "rows"], ...(from.height === from.width ? [] : [["width", "columns"]])];
    const inner = (n) => `⌊(${n} + 2·${padding} − ${dilation}·(${kernel} − 1) − 1) / ${stride}⌋ + 1`;
    const parts = rows.map(([key, word]) => h("span", {}, `${t(`convolution.${word === "rows" ? "outRows" : "outColumns"}`)} = ${inner(from[key])} = `,
      h("output", { data: { of: key } }, stride < 1 ? "–" : plain(Math.floor((from[key] + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1))));
    size.replaceChildren(h("span", { class: "soft" }, t("convolution.formula")), ...parts);
  }

  store.on(["language", "theme", "forward", "examples"], () => !root.hidden && show());
  new ResizeObserver(() => root.clientWidth && show()).observe(root);
  show();
  return { hide: stop, show };
}
