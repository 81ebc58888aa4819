/** The board: draw with mouse, finger or pen, erase, undo, clear, centre; or the picture that was chosen instead. */

import { seenPicture } from "../colour.js";
import { h, icon, onceAFrame, setLabel } from "../dom.js";
import { t } from "../i18n.js";
import { canUndo, centre, clear, drawingOf, inkOf, invert, undo } from "./drawing.js";
import { listenToPen } from "./pen.js";
import { paintStrokes } from "./strokes.js";

const KEYS = { pen: "p", eraser: "e", undo: "z", clear: "c", centre: "m", invert: "i" }; // of each tool
const TAKES_UP = { pen: "pen", eraser: "eraser", clear: "pen" }; // what is in the hand afterwards
const ACTIONS = { undo, clear, centre, invert };
const SIZE = 224; // pixels of the board while it is out of sight

export function mount(root, store) {
  const view = { store, tool: "pen" };
  Object.assign(view, elementsIn(root, view));
  listenToPen(view);
  listenToKeys(view);
  const showSoon = onceAFrame(() => show(view));
  store.on(["source", "forward", "status", "language", "intro"], showSoon);
  new ResizeObserver(showSoon).observe(view.board);
  show(view);
}

function elementsIn(root, view) {
  const board = h("canvas", { class: "board", tabindex: 0, role: "img" });
  const hint = h("p", { class: "board-hint" });
  const toolbar = h("div", { class: "tools", role: "toolbar" });
  const instead = h("button", { class: "quiet wide", onclick: () => {
    clear(view.store);
    board.focus(); // the button is gone
  } }, "");
  const buttons = Object.keys(KEYS).map((tool) => h("button", {
    class: "tool", onclick: () => useTool(view, tool), data: { tool }, "aria-keyshortcuts": KEYS[tool],
  }, icon(tool)));
  toolbar.append(...buttons);
  root.append(h("div", { class: "board-frame" }, board, hint), toolbar, instead);
  return { board, hint, toolbar, instead, buttons };
}

/** Pen and eraser are taken up, the other tools act at once. */
function useTool(view, tool) {
  if (ACTIONS[tool]) ACTIONS[tool](view.store);
  view.tool = TAKES_UP[tool] ?? view.tool;
  show(view);
}

function listenToKeys(view) {
  view.board.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    const command = event.ctrlKey || event.metaKey;
    const tool = Object.keys(KEYS).find((one) => KEYS[one] === key);
    if (tool && (!command || tool === "undo")) useTool(view, tool);
  });
}

function show(view) {
  const { store, board, hint, toolbar, instead } = view;
  const { source, forward, status } = store.state;
  const other = source !== null && source.kind !== "drawing"; // a picture that was not drawn
  paintBoard(board, store.state, other ? forward?.seen : null);
  hint.textContent = t(store.state.intro ? "draw.invite" : "draw.hint");
  hint.hidden = source !== null && !store.state.intro;
  hint.classList.toggle("low", source !== null);
  board.classList.toggle("still", other);
  board.classList.toggle("stale", other && status === "failed");
  board.setAttribute("aria-label", t(other ? "draw.picture" : "draw.board"));
  toolbar.setAttribute("aria-label", t("draw.tools"));
  toolbar.hidden = other;
  instead.hidden = !other;
  instead.textContent = t("draw.instead");
  showTools(view);
}

function showTools({ store, buttons, tool }) {
  for (const button of buttons) {
    const own = button.dataset.tool;
    setLabel(button, t(`draw.${own}`));
    if (ACTIONS[own]) button.disabled = !(own === "undo" ? canUndo(store.state) : drawingOf(store.state));
    else button.setAttribute("aria-pressed", String(own === tool));
  }
}

/** Paints the strokes, or the picture that the network received in their place. */
function paintBoard(board, state, seen) {
  const size = Math.round((board.clientWidth || SIZE) * devicePixelRatio);
  if (board.width !== size) board.width = board.height = size;
  const context = board.getContext("2d");
  paintStrokes(context, size, drawingOf(state)?.strokes ?? [], inkOf(state));
  if (!seen) return;
  const scale = size / Math.max(seen.width, seen.height);
  const [wide, tall] = [seen.width * scale, seen.height * scale];
  context.imageSmoothingEnabled = scale < 3;
  context.drawImage(seenPicture(seen), (size - wide) / 2, (size - tall) / 2, wide, tall);
}
