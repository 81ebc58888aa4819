/** What the network receives after preprocessing, small: with the receptive field of what is hovered, and backwards. */

import { cssColour, css, seenPicture } from "../colour.js";
import { h, onceAFrame, pointIn } from "../dom.js";
import { t } from "../i18n.js";

const SIZE = 104; // pixels of the picture while it is out of sight

export function mount(root, store) {
  const canvas = h("canvas", { class: "seen-picture", role: "img" });
  const caption = h("p", { class: "caption" });
  root.append(canvas, caption);
  const view = { root, store, canvas, caption, picture: null }; // picture: {of, canvas}, made once for each answer
  canvas.addEventListener("pointermove", (event) => hover(view, event));
  canvas.addEventListener("pointerdown", (event) => hover(view, event));
  canvas.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch") store.set({ hover: null }); // a finger leaves whenever it is lifted
  });
  const showSoon = onceAFrame(() => show(view));
  store.on(["forward", "status", "field", "hover", "network", "language", "theme"], showSoon);
  new ResizeObserver(showSoon).observe(canvas);
  show(view);
}

function hover({ store, canvas }, event) {
  const { forward, network } = store.state;
  if (!forward) return;
  const [, height, width] = network.input_size;
  const [x, y] = pointIn(canvas, event);
  const side = Math.max(height, width);
  const [row, column] = [Math.floor(y * side), Math.floor(x * side)];
  if (row >= 0 && column >= 0 && row < height && column < width) store.set({ hover: { row, column } });
}

function show(view) {
  const { root, store, canvas, caption } = view;
  root.hidden = !store.state.network;
  canvas.classList.toggle("stale", store.state.status === "failed");
  if (root.hidden) return;
  paint(view);
  canvas.setAttribute("aria-label", t("seen.title"));
  caption.replaceChildren(...captionOf(store.state));
}

const hoveredPixel = ({ hover }) => (hover && !hover.layer ? hover : null);

function captionOf(state) {
  const { forward, field, network: { input_size: [channels, height, width] } } = state;
  const pixel = hoveredPixel(state);
  const size = t(channels === 1 ? "seen.gray" : "seen.colour", { height, width });
  const lines = [h("strong", {}, t("seen.title")), h("span", {}, size)];
  if (!forward) return [...lines, h("span", { class: "soft" }, t("seen.empty"))];
  if (pixel) return [...lines, h("span", {}, t("seen.place", pixel))];
  if (!field) return [...lines, h("span", { class: "soft" }, t("seen.hint"))];
  const [top, left, bottom, right] = field;
  return [...lines, h("span", {}, t("seen.field", { height: bottom - top, width: right - left }))];
}

function paint(view) {
  const { canvas, store: { state } } = view;
  const { forward, field, network: { input_size: [, height, width] } } = state;
  const size = Math.round(canvas.clientWidth * devicePixelRatio) || SIZE;
  if (canvas.width !== size) canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, size, size);
  if (!forward) return;
  if (view.picture?.of !== forward.seen) view.picture = { of: forward.seen, canvas: seenPicture(forward.seen) };
  const scale = size / Math.max(height, width);
  context.imageSmoothingEnabled = scale < 1;
  context.drawImage(view.picture.canvas, 0, 0, width * scale, height * scale);
  if (field) paintBox(context, field, scale);
  const pixel = hoveredPixel(state);
  if (pixel) paintBox(context, [pixel.row, pixel.column, pixel.row + 1, pixel.column + 1], scale);
}

function paintBox(context, box, scale) {
  const [top, left, bottom, right] = box.map((value) => value * scale);
  for (const [colour, thick] of [["--paper", 4], ["--mark", 2]]) {
    context.lineWidth = thick;
    context.strokeStyle = css(cssColour(colour));
    context.strokeRect(left, top, right - left, bottom - top);
  }
}
