/** What the network receives after preprocessing, small; with the receptive field of what is hovered, and backwards. */

import { cssColour, css, seenPicture } from "../colour.js";
import { h, onceAFrame } from "../dom.js";
import { t } from "../i18n.js";

export function mount(root, store) {
  const canvas = h("canvas", { class: "seen-picture", role: "img" });
  const caption = h("p", { class: "caption" });
  root.append(canvas, caption);
  let picture = null;

  function show() {
    const { forward, field, hover, network } = store.state;
    root.hidden = !network;
    if (!network) return;
    const [channels, height, width] = network.input_size;
    const size = Math.round(canvas.clientWidth * devicePixelRatio) || 104;
    if (canvas.width !== size) canvas.width = canvas.height = size;
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, size, size);
    const scale = size / Math.max(height, width);
    if (forward) {
      if (picture?.of !== forward.seen) picture = { of: forward.seen, canvas: seenPicture(forward.seen) };
      context.imageSmoothingEnabled = scale < 1;
      context.drawImage(picture.canvas, 0, 0, width * scale, height * scale);
      drawBox(context, field, scale);
      if (hover && !hover.layer) drawBox(context, [hover.row, hover.column, hover.row + 1, hover.column + 1], scale);
    }
    canvas.setAttribute("aria-label", t("seen.title"));
    const lines = [h("strong", {}, t("seen.title")),
      h("span", {}, t(channels === 1 ? "seen.gray" : "seen.colour", { height, width }))];
    if (forward && hover && !hover.layer) lines.push(h("span", {}, t("seen.place", hover)));
    else if (forward && field) lines.push(h("span", {}, t("seen.field", { height: field[2] - field[0], width: field[3] - field[1] })));
    else lines.push(h("span", { class: "soft" }, t(forward ? "seen.hint" : "seen.empty")));
    caption.replaceChildren(...lines);
  }
  function move(event) {
    const { forward, network } = store.state;
    if (!forward) return;
    const box = canvas.getBoundingClientRect();
    const [, height, width] = network.input_size;
    const side = Math.max(height, width);
    const [row, column] = [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width]
      .map((share) => Math.floor(share * side));
    if (row >= 0 && column >= 0 && row < height && column < width) store.set({ hover: { row, column } });
  }
  canvas.addEventListener("pointermove", move);
  canvas.addEventListener("pointerleave", () => store.set({ hover: null }));
  const soon = onceAFrame(show);
  store.on(["forward", "field", "hover", "network", "language", "theme"], soon);
  new ResizeObserver(soon).observe(canvas);
  show();
}

function drawBox(context, box, scale) {
  if (!box) return;
  const [top, left, bottom, right] = box.map((v) => v * scale);
  context.lineWidth = 4;
  context.strokeStyle = css(cssColour("--paper"));
  context.strokeRect(left, top, right - left, bottom - top);
  context.lineWidth = 2;
  context.strokeStyle = css(cssColour("--mark"));
  context.strokeRect(left, top, right - left, bottom - top);
}
