/** The board: draw with mouse, finger or pen, erase, undo, clear, centre; or the picture that was chosen instead. */

import { seenPicture } from "../colour.js";
import { h, icon, onceAFrame } from "../dom.js";
import { t } from "../i18n.js";
import { addPoint, centred, paintStrokes } from "./strokes.js";

const TOOLS = [
  ["pen", (view) => view.choose("pen"), "p"],
  ["eraser", (view) => view.choose("eraser"), "e"],
  ["undo", (view) => view.undo(), "z"],
  ["clear", (view) => view.clear(), "c"],
  ["centre", (view) => view.centre(), "m"],
  ["invert", (view) => view.invert(), "i"],
];

export function mount(root, store) {
  const board = h("canvas", { class: "board", tabindex: 0, role: "img" });
  const hint = h("p", { class: "board-hint" });
  const tools = h("div", { class: "tools", role: "toolbar" });
  const instead = h("button", { class: "quiet wide", onclick: () => view.clear() }, "");
  root.append(h("div", { class: "board-frame" }, board, hint), tools, instead);
  let tool = "pen";
  let stroke = null; // the one being drawn

  const drawing = () => (store.state.source?.kind === "drawing" ? store.state.source : null);
  const ink = () => drawing()?.ink ?? "chalk";
  const view = {
    choose(which) {
      tool = which;
      show();
    },
    change(strokes, newInk = ink()) {
      store.set({ source: strokes.length ? { kind: "drawing", strokes, ink: newInk } : null });
    },
    undo: () => drawing() && view.change(drawing().strokes.slice(0, -1)),
    clear: () => view.change([]),
    centre: () => drawing() && view.change(centred(drawing().strokes)),
    invert: () => drawing() && view.change(drawing().strokes, ink() === "ink" ? "chalk" : "ink"),
  };

  const buttons = TOOLS.map(([which, act, key]) => {
    const button = h("button", { class: "tool", onclick: () => act(view), data: { tool: which } }, icon(which));
    button.setAttribute("aria-keyshortcuts", key);
    return button;
  });
  tools.append(...buttons);
  board.addEventListener("keydown", (event) => {
    const found = TOOLS.find(([, , key]) => key === event.key.toLowerCase());
    if (found && !event.ctrlKey && !event.metaKey) found[1](view);
    if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey)) view.undo();
  });

  function place(event) {
    const box = board.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }
  board.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || (store.state.source && !drawing())) return;
    board.setPointerCapture(event.pointerId);
    const eraser = tool === "eraser" || event.buttons === 32; // the other end of a pen
    stroke = { tool: eraser ? "eraser" : "pen", points: [], id: event.pointerId, under: drawing()?.strokes ?? [] };
    draw(event);
  });
  board.addEventListener("pointermove", (event) => stroke?.id === event.pointerId && draw(event));
  for (const end of ["pointerup", "pointercancel"]) {
    board.addEventListener(end, (event) => stroke?.id === event.pointerId && (stroke = null));
  }

  function draw(event) {
    const some = event.getCoalescedEvents?.() ?? [];
    const moved = (some.length ? some : [event]).filter((one) => addPoint(stroke.points, ...place(one)));
    if (!moved.length) return;
    view.change([...stroke.under, { tool: stroke.tool, points: [...stroke.points] }]);
  }

  function show() {
    const { source, forward } = store.state;
    const picture = source && source.kind !== "drawing";
    const size = Math.round((board.clientWidth || 224) * devicePixelRatio);
    if (board.width !== size) board.width = board.height = size;
    const context = board.getContext("2d");
    paintStrokes(context, size, drawing()?.strokes ?? [], ink());
    if (picture && forward) {
      const { width, height } = forward.seen;
      const scale = size / Math.max(width, height);
      context.imageSmoothingEnabled = scale < 3;
      context.drawImage(seenPicture(forward.seen), (size - width * scale) / 2, (size - height * scale) / 2,
        width * scale, height * scale);
    }
    hint.textContent = t("draw.hint");
    hint.hidden = source !== null;
    board.classList.toggle("still", Boolean(picture));
    board.setAttribute("aria-label", t(picture ? "draw.picture" : "draw.board"));
    tools.setAttribute("aria-label", t("draw.tools"));
    tools.hidden = Boolean(picture);
    instead.hidden = !picture;
    instead.textContent = t("draw.instead");
    for (const button of buttons) {
      const which = button.dataset.tool;
      button.setAttribute("aria-label", t(`draw.${which}`));
      button.title = t(`draw.${which}`);
      if (which === "pen" || which === "eraser") button.setAttribute("aria-pressed", String(which === tool));
      else button.disabled = !drawing();
    }
  }

  const soon = onceAFrame(show);
  store.on(["source", "forward", "language"], soon);
  new ResizeObserver(soon).observe(board);
  show();
}
