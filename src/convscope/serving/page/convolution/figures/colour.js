/** A colour picture through one kernel of depth 3: three channels, what each gives, and the map that they add up to. */

import { h } from "../../dom.js";
import { numberGrid } from "../../drawer/grid.js";
import { signed } from "../../drawer/sign.js";
import { ofLanguage, t } from "../../i18n.js";
import { strongest } from "../../numbers.js";
import * as api from "../../state/api.js";
import { windowAt } from "../compute.js";
import { choice, labelled } from "../fields.js";
import { colourImage, seenColours } from "../images.js";
import { mapView } from "../mapview.js";
import { addedUp, partsOf, workingAt } from "./channels.js";
import { Sliding, slidingButtons } from "./sliding.js";
import { inBrackets, plain, readNumbers, readWhole } from "./text.js";

const [KERNEL, DEPTH] = [3, 3];
const WINDOW = { kernel: KERNEL };
const SOURCES = ["photo", "yours", "upload"];
const [MAP, WHOLE] = [126, 208]; // pixels of a channel, and of the picture and the sum
const PACE = 60; // milliseconds between two places of the window
const STEPS = 160; // places at which it stops

const middle = (value) => [0, 0, 0, 0, value, 0, 0, 0, 0];
const SOBEL = [-1, 0, 1, -2, 0, 2, -1, 0, 1];
const EDGES = [-1, -1, -1, -1, 8, -1, -1, -1, -1];
const negative = (kernel) => kernel.map((value) => -value);
/** Kernels that show what three channels are good for. */
const PRESETS = {
  orange: [middle(1), middle(0), middle(-1)],
  gray: [middle(0.299), middle(0.587), middle(0.114)],
  edges: [EDGES, EDGES, EDGES],
  colourEdge: [SOBEL, middle(0), negative(SOBEL)],
  blur: [1, 1, 1].map(() => Array(9).fill(0.037)),
};

const INITIAL = { kind: "colour", source: "photo", kernels: PRESETS.orange, bias: 0, place: [20, 30] };

const nameOf = (kernels) => Object.keys(PRESETS).find((key) => PRESETS[key].flat().join() === kernels.flat().join());

const write = ({ source, kernels, bias, place }) =>
  [source, nameOf(kernels) ?? kernels.flat().join(), bias, place.join(".")];

function read([source, kernel, bias, place]) {
  const numbers = PRESETS[kernel]?.flat() ?? readNumbers(kernel, DEPTH * KERNEL ** 2);
  const added = readNumbers(bias, 1);
  const where = (place ?? "").split(".").map((text) => readWhole(text, 0, 999));
  if (!SOURCES.includes(source) || !numbers || !added || where.length !== 2 || where.includes(null)) return null;
  const kernels = [0, 1, 2].map((c) => numbers.slice(c * 9, c * 9 + 9));
  return { kind: "colour", source, kernels, bias: added[0], place: where };
}

/** The picture that was uploaded, for as long as the page is open. */
let uploaded = null;

function create({ settings, change, store }) {
  const view = { image: null, failure: null, settings, store, made: null };
  const set = (changes) => change({ ...settings(), ...changes });
  const select = (y, x) => view.image && set({ place: clamped(view.image, y, x) });
  const sliding = new Sliding({
    count: () => places(view).count, index: () => places(view).index, pace: () => PACE, onChange: () => figure.show(),
    go: (index) => select(...places(view).at(index)),
  });
  const stopAnd = (act) => (...words) => {
    sliding.stop();
    act(...words);
  };
  const taking = picture(view, stopAnd(set), stopAnd(select));
  const rows = Array.from({ length: DEPTH }, (_, c) => channelRow(view, c, stopAnd(set), stopAnd(select)));
  const sum = sumColumn(view, stopAnd(set), stopAnd(select));
  const buttons = slidingButtons(sliding);
  const failure = h("p", { class: "problem", role: "alert", hidden: true });
  const channels = h("div", { class: "colour-rows" }, rows.map((row) => row.element));
  const element = h("div", { class: "conv-figure" }, h("p", { class: "soft" }, t("figure.colour.about")),
    buttons.element, failure, h("div", { class: "colour-figure" }, taking.element, channels, sum.element));
  listenToDrops(element, (file) => taking.readFile(file));
  const figure = {
    element, stop: () => sliding.stop(),
    show() {
      buttons.show();
      taking.show();
      failure.hidden = !view.failure;
      failure.textContent = view.failure ?? "";
      channels.hidden = sum.element.hidden = !view.image; // without a picture they would be empty boxes
      if (!view.image) return;
      const shown = computed(view);
      rows.forEach((row) => row.show(shown));
      sum.show(shown, sliding.running);
    },
  };
  taking.onPicture = () => figure.show();
  return figure;
}

/** The places at which the sliding window stops. */
function places({ image, settings }) {
  if (!image) return { count: 1, index: 0, at: () => [0, 0] };
  const [height, width] = [image.height - KERNEL + 1, image.width - KERNEL + 1];
  const step = Math.max(1, Math.ceil((height * width) / STEPS));
  const count = Math.ceil((height * width) / step);
  const [y, x] = settings().place;
  const at = (index) => [Math.floor((index * step) / width), (index * step) % width];
  return { count, index: Math.min(Math.floor((y * width + x) / step), count - 1), at };
}

const clamped = ({ height, width }, y, x) =>
  [[y, height], [x, width]].map(([at, size]) => Math.min(Math.max(at, 0), size - KERNEL));

/** All maps, kept until picture, kernels or bias change. */
function computed(view) {
  const { image, settings } = view;
  const { kernels, bias, place } = settings();
  const { made } = view;
  if (!made || made.image !== image || made.kernels !== kernels || made.bias !== bias) {
    const parts = partsOf(image.channels, kernels, WINDOW);
    const sum = addedUp(parts, bias);
    const limit = strongest([...parts, sum].map(({ values }) => strongest(values)));
    view.made = { image, kernels, bias, parts, sum, limit };
  }
  const [y, x] = clamped(image, ...place);
  return { ...view.made, place: [y, x], working: workingAt(image.channels, kernels, [y, x], WINDOW) };
}

/** The picture in colour, and where it comes from. */
function picture(view, set, select) {
  const { settings, store } = view;
  const file = h("input", {
    type: "file", accept: "image/*", class: "hidden-input", "aria-hidden": "true", tabindex: -1,
    onchange: () => file.files[0] && part.readFile(file.files[0]),
  });
  const sources = choice((source) => (source === "upload" ? file.click() : set({ source })));
  const onArrow = (down, right) => move(view, select, down, right);
  const map = mapView({ onSelect: (y, x) => select(y - 1, x - 1), onArrow });
  const element = h("section", { class: "colour-picture" }, h("h3", {}, t("convolution.picture")),
    sources.element, file, map.element, h("p", { class: "soft small" }, t("figure.colour.drop")));
  let key = null; // of the picture that was asked for last

  async function take(source, asked) {
    key = asked;
    const made = await imageOf(source, store).then((image) => ({ image, failure: null }), (problem) =>
      ({ failure: problem.key ? t(problem.key) : ofLanguage(problem.words) || String(problem) }));
    if (key !== asked) return; // another one was chosen meanwhile
    Object.assign(view, made);
    if (made.failure && source === "upload") set({ source: "photo" });
    else part.onPicture();
  }
  const part = {
    element, onPicture() {},
    async readFile(blob) {
      try {
        uploaded = await colourImage(blob);
        set({ source: "upload" });
      } catch {
        view.failure = t("pictures.noImage");
        part.onPicture();
      }
    },
    show() {
      const { forward } = store.state;
      const { source } = settings();
      const possible = ["photo", ...(forward ? ["yours"] : []), "upload"];
      const options = possible.map((one) => [one, t(`convolution.source.${one === "photo" ? "cat" : one}`)]);
      sources.show({ label: t("convolution.picture"), options, chosen: source });
      const asked = { photo: "photo", yours: forward?.seen, upload: uploaded ?? "upload" }[source];
      if (asked && asked !== key) take(source, asked);
      if (!view.image) return;
      const { image } = view;
      const [y, x] = clamped(image, ...settings().place);
      map.show({
        image: image.channels[0], colours: image.colours, size: WHOLE, pad: 0, limit: 1,
        window: windowAt(image.channels[0], y, x, WINDOW),
        label: t("convolution.inputLabel"), caption: `${image.height} × ${image.width} × ${DEPTH}`,
      });
    },
  };
  return part;
}

async function imageOf(source, { state }) {
  if (source === "yours") return seenColours(state.forward.seen);
  if (source === "photo") return colourImage(await api.ownFile("convolution/astronaut.png"));
  if (!uploaded) throw Object.assign(new Error("the picture is gone"), { key: "convolution.lost" });
  return uploaded;
}

const move = ({ settings }, select, down, right) => select(settings().place[0] + down, settings().place[1] + right);

/** One channel: its map, the window with its real pixel values times the kernel, and the map that comes of it. */
function channelRow(view, c, set, select) {
  const arrow = (down, right) => move(view, select, down, right);
  const channel = mapView({ onSelect: (y, x) => select(y - 1, x - 1), onArrow: arrow });
  const made = mapView({ onSelect: select, onArrow: arrow });
  const patch = numberGrid({ caption: t("figure.colour.pixels") });
  const kernel = numberGrid({ caption: t("sum.kernel"), onEdit: (values) => {
    const { kernels } = view.settings();
    set({ kernels: kernels.map((one, i) => (i === c ? values : one)) });
  } });
  const products = numberGrid({ caption: t("sum.products") });
  const total = h("p", { class: "channel-sum" });
  const words = t(`figure.colour.channel.${c}`);
  let [hues, shown] = [[], null]; // the channel's pixels in its own colour, and the image that they are of
  const element = h("section", { class: "colour-row" }, channel.element, h("div", {}, h("div", { class: "grids" },
    patch.element, signed("×", kernel.element), signed("=", products.element)), total), made.element);

  function show({ image, kernels, parts, limit, place: [y, x], working }) {
    const { taps, products: terms, sum } = working[c];
    const hue = (value) => [0, 1, 2].map((one) => (one === c ? value : 0));
    if (shown !== image) hues = image.channels[c].values.map(hue);
    shown = image;
    channel.show({
      image: image.channels[c], colours: hues, size: MAP, pad: 0, limit: 1, window: taps,
      label: t("convolution.inputLabel"), caption: words,
    });
    made.show({
      image: parts[c], size: MAP, pad: 0, limit, selected: [y, x], label: t("convolution.outputLabel"),
      caption: t("figure.colour.part", { channel: words }),
    });
    patch.show(taps, KERNEL, KERNEL, { limit: 255 });
    const entries = kernels[c].map((value) => ({ value }));
    kernel.show(entries, KERNEL, KERNEL, { limit: strongest(kernels.map(strongest)), editing: true });
    const most = strongest(working.flatMap((one) => one.products));
    products.show(terms.map((value) => ({ value })), KERNEL, KERNEL, { limit: most });
    total.replaceChildren(`${words}${t("answer.colon")}`, h("b", {}, plain(sum)));
  }
  return { element, show };
}

/** The map that the three add up to, its kernel's name and bias, and the sum of one value. */
function sumColumn(view, set, select) {
  const map = mapView({ onSelect: select, onArrow: (down, right) => move(view, select, down, right) });
  const presets = h("select", { onchange: () => PRESETS[presets.value] && set({ kernels: PRESETS[presets.value] }) });
  const bias = h("input", { type: "number", step: "any", oninput: () =>
    Number.isFinite(bias.valueAsNumber) && set({ bias: bias.valueAsNumber }) });
  const [preset, added] = [labelled(presets), labelled(bias)];
  const sum = h("p", { class: "conv-sum", "aria-live": "polite" });
  const about = h("p", { class: "soft small" });
  const element = h("section", { class: "colour-sum" }, h("h3", {}, t("figure.colour.sum")), map.element, sum,
    preset.element, added.element, about);

  function show({ sum: total, limit, place: [y, x], working, bias: value, kernels }, running) {
    const index = y * total.width + x;
    map.show({
      image: total, size: WHOLE, pad: 0, limit, selected: [y, x], until: running ? index : undefined,
      label: t("convolution.outputLabel"), caption: `${total.height} × ${total.width}`,
    });
    const terms = [...working.map((one) => one.sum), ...(value ? [value] : [])];
    sum.replaceChildren(`${terms.map(inBrackets).join(" + ")} =\u00a0`, h("output", {}, plain(total.values[index])));
    const name = nameOf(kernels) ?? "own";
    preset.show(t("convolution.preset"));
    presets.replaceChildren(...[...Object.keys(PRESETS), "own"].map((key) =>
      h("option", { value: key, disabled: key === "own", selected: key === name }, t(`figure.colour.kernel.${key}`))));
    about.textContent = t(`figure.colour.kernel.${name}.about`);
    added.show(t("sum.bias"));
    if (document.activeElement !== bias) bias.value = String(value);
  }
  return { element, show };
}

/** A picture that is dropped here stays here; elsewhere the page gives it to the network. */
function listenToDrops(element, onFile) {
  for (const kind of ["dragover", "drop"]) {
    element.addEventListener(kind, (event) => {
      const file = event.dataTransfer?.files?.[0];
      event.preventDefault();
      event.stopPropagation();
      if (kind === "drop" && file) onFile(file);
    });
  }
}

export const COLOUR = { INITIAL, write, read, create };
