/** The picture and the maps that are made of it, one card each, in one line. */

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { strongest } from "../numbers.js";
import { mapView } from "./mapview.js";
import { inputOf, selectedTaps, STAGES } from "./settings.js";

const [SMALLEST, LARGEST] = [168, 288]; // pixels of a map's longer side
const AROUND = 76; // pixels that a card and its arrow need beside the map
const MOST_PADDING = 30; // cells of padding that are drawn
const PHOTOS = ["cat", "upload"]; // pictures that are shown in gray

/** `show(playground)` follows its state. */
export function mapLine(playground) {
  const input = card({
    onSelect: (y, x) => playground.moveWindowTo(y, x),
    onArrow: (down, right) => playground.move("conv", down, right),
  });
  const outputs = STAGES.map((stage) => ({
    stage,
    arrow: h("span", { class: "arrow", "aria-hidden": "true" }, "→"),
    card: card({
      stage,
      onSelect: (y, x) => playground.select(stage, y, x),
      onArrow: (down, right) => playground.move(stage, down, right),
    }),
  }));
  const cards = outputs.flatMap((output) => [output.arrow, output.card.element]);
  const element = h("div", { class: "conv-line" }, input.element, cards);

  function show() {
    const { maps } = playground;
    const shown = STAGES.filter((stage) => maps[stage]);
    const size = mapSize(element.clientWidth || 320, 1 + shown.length);
    input.show(t("convolution.input"), inputDrawing(playground, size));
    for (const output of outputs) {
      const { stage } = output;
      output.arrow.hidden = output.card.element.hidden = !maps[stage];
      output.card.element.classList.toggle("front", stage === playground.settings.stage);
      if (maps[stage]) output.card.show(titleOf(stage, playground.settings), outputDrawing(playground, stage, size));
    }
  }
  return { element, show };
}

function card({ stage, ...events }) {
  const title = h("h3", {});
  const map = mapView(events);
  const show = (words, drawing) => {
    title.textContent = words;
    map.show(drawing);
  };
  return { element: h("div", { class: "conv-card", data: stage ? { stage } : {} }, title, map.element), show };
}

function titleOf(stage, { activation, pooling, flip }) {
  if (stage === "act") return t(`convolution.activation.${activation}`);
  if (stage === "pool") return t(`convolution.poolingDone.${pooling}`);
  return t(flip ? "convolution.flip.convolution" : "convolution.flip.correlation");
}

/** As large as lets `count` maps stand in one line of `room` pixels, if that is large enough to see something. */
const mapSize = (room, count) => Math.min(Math.max(Math.min(room / count - AROUND, LARGEST), SMALLEST), room - 40);

const sizeText = ({ height, width }) => `${height} × ${width}`;
const longest = ({ height, width }) => Math.max(height, width);

function inputDrawing({ settings, maps, map }, size) {
  const { image, stage, padding, source, border } = settings;
  return {
    image, size, limit: strongest(image.values), gray: PHOTOS.includes(source),
    pad: Math.min(Math.max(padding, 0), MOST_PADDING), border: maps.problem ? "zeros" : border,
    window: stage === "conv" && map ? selectedTaps(settings, maps) : null,
    label: t("convolution.inputLabel"), caption: sizeText(image),
  };
}

function outputDrawing({ settings, maps, index, sliding }, stage, size) {
  const map = maps[stage];
  const selected = stage === settings.stage;
  // The window of the next stage lies on the map that it takes its values from.
  const isInput = settings.stage !== "conv" && inputOf(settings, maps, settings.stage) === map;
  const taps = isInput ? selectedTaps(settings, maps) : null;
  return {
    image: map, pad: 0, limit: strongest(map.values), gray: settings.gray,
    size: size * Math.min(1, longest(map) / longest(settings.image) + 0.25),
    window: taps, chosen: isInput && settings.stage === "pool" && settings.pooling === "max" ? largestTap(taps) : null,
    selected: selected ? settings.place : null, until: selected && sliding ? index : undefined,
    label: t("convolution.outputLabel"), caption: sizeText(map),
  };
}

function largestTap(taps) {
  const { y, x } = taps.reduce((a, b) => (b.value > a.value ? b : a));
  return [y, x];
}
