/** Small tables of numbers: a window, a kernel, their products. Cells can be chosen, and those of a kernel edited. */

import { tint } from "../colour.js";
import { h } from "../dom.js";
import { cell as cellText, fixed, strongest } from "../numbers.js";

const SIZES = [[3, 48], [5, 33], [7, 32], [11, 25], [Infinity, 22]]; // [up to so many columns, pixels of a cell]
const [TINY, ROOMY] = [30, 40]; // cells smaller than that have a smaller font
const STEP = 0.1; // of the arrow keys in an edited cell: it suits weights

/**
 * {element, show(entries, rows, columns, {limit, picked, editing}), caption(...words)}: a table of `entries` {value,
 * padded, chosen, inside, later}, row by row: padding cannot be edited, `inside` lies below the window, and what comes
 * `later` is not written yet. `onPick(i)` is called when a cell is chosen, `onEdit(values)` when one was changed, by
 * arrow keys in steps of `step`.
 */
export function numberGrid({ caption, onPick, onEdit, step = STEP }) {
  const body = h("div", { class: "cells", role: "group", "aria-label": caption });
  const foot = h("figcaption", {}, caption);
  const grid = { body, caption, onPick, onEdit, step, cells: [], values: [], columns: 0, shape: "" };
  return {
    element: h("figure", { class: "numbers" }, body, foot),
    show: (entries, rows, columns, options) => show(grid, entries, rows, columns, options),
    caption: (...words) => foot.replaceChildren(...words),
  };
}

function show(grid, entries, rows, columns, { limit, picked = null, editing = false }) {
  const shape = `${rows} ${columns} ${editing}`;
  if (grid.shape !== shape) build(grid, rows, columns, editing);
  grid.shape = shape;
  grid.values = entries.map(({ value }) => value);
  const isWhole = grid.values.every(Number.isInteger);
  entries.forEach(({ value, padded, chosen, inside, later }, i) => {
    const cell = grid.cells[i];
    tint(cell, later ? 0 : value, limit);
    cell.classList.toggle("padded", Boolean(padded));
    cell.classList.toggle("chosen", Boolean(chosen));
    cell.classList.toggle("inside", Boolean(inside));
    cell.classList.toggle("later", Boolean(later));
    cell.classList.toggle("picked", i === picked);
    if (editing) fillEditor(cell, value, padded);
    else fillPicker(cell, value, isWhole);
  });
}

function build(grid, rows, columns, editing) {
  const [, size] = SIZES.find(([most]) => columns <= most);
  const make = editing ? editor : picker;
  grid.columns = columns;
  grid.cells = Array.from({ length: rows * columns }, (_, i) => make(grid, i));
  grid.body.style.setProperty("--cell", `${size}px`);
  grid.body.style.gridTemplateColumns = `repeat(${columns}, calc(var(--cell) * var(--shrink, 1)))`;
  grid.body.classList.toggle("tiny", size < TINY);
  grid.body.classList.toggle("small", size >= TINY && size < ROOMY);
  grid.body.replaceChildren(...grid.cells);
}

/** A cell to choose, by pointer or by arrow keys. */
function picker(grid, i) {
  const { columns, onPick } = grid;
  const cell = h("button", { tabindex: i ? -1 : 0, onclick: () => onPick?.(i) });
  cell.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    const next = step && grid.cells[i + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
    onPick?.(i + step);
  });
  return cell;
}

function fillPicker(cell, value, isWhole) {
  cell.textContent = isWhole ? cellText(value).replace(/\.0+$/, "") : cellText(value);
  cell.title = fixed(value, 6);
  cell.dataset.value = value;
}

/** A cell to type a number into; arrow keys change it by a step. */
function editor(grid, i) {
  const input = h("input", { type: "number", step: "any", "aria-label": `${grid.caption} ${i + 1}` });
  input.addEventListener("input", () => {
    const number = input.valueAsNumber;
    if (!Number.isFinite(number)) return;
    grid.values = grid.values.map((value, k) => (k === i ? number : value));
    tint(input, number, strongest(grid.values));
    grid.onEdit(grid.values);
  });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowUp: grid.step, ArrowDown: -grid.step }[event.key];
    if (!step || input.readOnly) return;
    event.preventDefault();
    input.value = String(rounded(input.valueAsNumber + step));
    input.dispatchEvent(new Event("input"));
  });
  return input;
}

function fillEditor(input, value, padded) {
  input.readOnly = Boolean(padded);
  input.tabIndex = padded ? -1 : 0;
  if (input !== document.activeElement) input.value = String(rounded(value));
}

const rounded = (value) => Math.round(value * 1000) / 1000;
