/** Small tables of numbers: a patch, a kernel, their products. Cells can be chosen, and a kernel's can be edited. */

import { tint } from "../colour.js";
import { h } from "../dom.js";
import { cell as cellText, fixed } from "../numbers.js";

const SIZES = [[3, 48], [5, 37], [7, 32], [11, 25], [Infinity, 22]];

/** `onPick(i)` when a cell is chosen, `onEdit(values)` when one was changed. */
export function numberGrid({ caption, onPick, onEdit }) {
  const body = h("div", { class: "cells", role: "grid", "aria-label": caption });
  const foot = h("figcaption", {}, caption);
  const element = h("figure", { class: "numbers" }, body, foot);
  let cells = [];
  let kind = "";
  let width = 0;
  let values = [];

  function build(rows, columns, editing) {
    const [, size] = SIZES.find(([most]) => columns <= most);
    body.style.setProperty("--cell", `${size}px`);
    body.style.gridTemplateColumns = `repeat(${columns}, ${size}px)`;
    body.classList.toggle("tiny", size < 30);
    cells = Array.from({ length: rows * columns }, (_, i) => (editing ? editor(i) : picker(i)));
    body.replaceChildren(...cells);
    width = columns;
  }
  function picker(i) {
    const one = h("button", { role: "gridcell", tabindex: i ? -1 : 0, onclick: () => onPick?.(i) });
    one.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -width, ArrowDown: width }[event.key];
      if (!step || !cells[i + step]) return;
      event.preventDefault();
      cells[i + step].focus();
      onPick?.(i + step);
    });
    return one;
  }
  function editor(i) {
    const input = h("input", { type: "number", step: "any", "aria-label": `${caption} ${i + 1}` });
    input.addEventListener("input", () => {
      if (!Number.isFinite(input.valueAsNumber)) return;
      values = values.map((value, k) => (k === i ? input.valueAsNumber : value));
      tint(input, input.valueAsNumber, Math.max(...values.map(Math.abs)));
      onEdit(values);
    });
    input.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
      event.preventDefault(); // a step that suits weights: a tenth
      input.value = (Math.round((input.valueAsNumber + (event.key === "ArrowUp" ? 0.1 : -0.1)) * 1000) / 1000).toString();
      input.dispatchEvent(new Event("input"));
    });
    return input;
  }

  /** `entries`: [{value, padded, chosen}] row by row. */
  function show(entries, rows, columns, { limit, picked = null, editing = false }) {
    const wanted = `${rows} ${columns} ${editing}`;
    if (kind !== wanted) build(rows, columns, editing);
    kind = wanted;
    values = entries.map(({ value }) => value);
    entries.forEach(({ value, padded, chosen }, i) => {
      const one = cells[i];
      tint(one, value, limit);
      one.classList.toggle("padded", Boolean(padded));
      one.classList.toggle("chosen", Boolean(chosen));
      one.classList.toggle("picked", i === picked);
      if (editing) {
        if (one !== document.activeElement) one.value = String(Math.round(value * 1000) / 1000);
      } else {
        one.textContent = cellText(value);
        one.title = fixed(value, 6);
        one.dataset.value = value;
      }
    });
  }
  return { element, show, caption: (...words) => foot.replaceChildren(...words) };
}
