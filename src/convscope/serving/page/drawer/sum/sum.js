/** A sum of products over windows of input maps: window × kernel for one input map, and the list of all maps' sums. */

import { h, icon } from "../../dom.js";
import { t } from "../../i18n.js";
import { hasKernel, withKernel, withoutKernel } from "../../state/whatif.js";
import { fly } from "../flight.js";
import { numberGrid } from "../grid.js";
import { mapBox } from "../mapbox.js";
import { productLine } from "../product.js";
import { signed } from "../sign.js";
import { showGrids, showInput } from "./grids.js";
import { partsOfSum } from "./parts.js";
import { showSums } from "./sums.js";

/** Fills `root` for one map of one layer; `update()` follows the store. */
export function sumView(root, store) {
  const view = {
    root, store,
    position: null, // which input map is shown in the grids, as a position in `channels` (see parts.js)
    showsAll: false, // whether all input maps are listed
    editing: false, // whether the kernel can be typed into
    update: () => update(view),
    wanted: null, // the number of an input map that is to be shown with the next value
    showInput: (number) => (view.wanted = number),
  };
  Object.assign(view, elementsOf(view));
  const { input, patch, kernel, products } = view;
  const factors = [signed("×", kernel.element), signed("=", products.element)];
  view.signs = factors.map((one) => one.firstChild);
  const grids = [input.element, patch.element, ...factors];
  root.append(
    h("div", { class: "taken" }, h("div", { class: "grids" }, grids), view.termLine,
      h("div", { class: "row" }, view.editButton, view.resetButton)),
    view.sums);
  return view;
}

function elementsOf(view) {
  const onPick = (i) => pick(view, i);
  const onEdit = (values) => edit(view, values);
  const button = (properties, ...content) => h("button", { class: "quiet", ...properties }, ...content);
  return {
    input: mapBox({ size: 148, caption: "" }),
    patch: numberGrid({ caption: t("sum.patch"), onPick }),
    kernel: numberGrid({ caption: t("sum.kernel"), onPick, onEdit }),
    products: numberGrid({ caption: t("sum.products"), onPick }),
    termLine: h("div", { class: "oneline" }),
    editButton: button({ hidden: true, onclick: () => toggleEditing(view), "aria-pressed": "false" }),
    resetButton: button({ onclick: () => reset(view), hidden: true }, icon("reset"), t("sum.reset")),
    sums: h("div", { class: "sums" }),
  };
}

function update(view) {
  const { root, store, termLine } = view;
  const parts = partsOfSum(store.state);
  root.classList.toggle("busy", !parts);
  if (!parts) return;
  const { term } = store.state.selected;
  const { terms, width, size } = parts;
  if (terms && view.wanted !== null) {
    if (parts.channels.includes(view.wanted)) view.position = parts.channels.indexOf(view.wanted);
    view.wanted = null;
  }
  view.position = positionFor(view.position, term, parts);
  const own = terms ? terms.slice(view.position * size, (view.position + 1) * size) : null;
  const picked = term === undefined ? null : term - view.position * size;
  showGrids(view, parts, own, picked);
  showInput(view, parts, own);
  const place = picked === null ? null : { row: Math.floor(picked / width), column: picked % width };
  termLine.replaceChildren(productLine(store, own && place ? own[picked] : null, place));
  showSums(view, parts);
  showButtons(view, parts);
}

/** The input map of the selected term, else the one that was shown, else the strongest. */
function positionFor(position, term, { channels, size, partial }) {
  const ofTerm = term === undefined ? null : Math.floor(term / size);
  if (ofTerm !== null && ofTerm < channels.length) return ofTerm;
  if (position !== null && position < channels.length) return position;
  return partial.reduce((best, sum, i) => (Math.abs(sum) > Math.abs(partial[best]) ? i : best), 0);
}

function showButtons(view, { channels }) {
  const { store, editing, editButton, resetButton } = view;
  const { kernels, selected, whatif } = store.state;
  editButton.hidden = kernels?.layer !== selected.layer || kernels.shape[0] !== channels.length;
  editButton.setAttribute("aria-pressed", String(editing));
  editButton.replaceChildren(icon("edit"), t(editing ? "sum.done" : "sum.edit"));
  resetButton.hidden = !hasKernel(whatif, kernelPlace(view));
}

async function pick(view, i) {
  const { store, position, patch, kernel, products, sums } = view;
  const { arithmetic, selected } = store.state;
  if (!arithmetic) return;
  const { height, width } = arithmetic.grid;
  store.set({ selected: { ...selected, term: position * height * width + i } });
  const cell = ({ element }) => element.querySelectorAll(".cells > *")[i];
  await fly([cell(patch), cell(kernel)], cell(products));
  await fly([cell(products)], sums.querySelector("[aria-pressed=true] .number"));
}

function toggleEditing(view) {
  view.editing = !view.editing;
  update(view);
  if (view.editing) view.kernel.element.querySelector("input")?.focus();
}

const kernelPlace = ({ store: { state: { selected } }, position }) =>
  ({ layer: selected.layer, map: selected.map, input: position });

function edit(view, values) {
  const { kernels: { shape: [, rows, columns] }, whatif } = view.store.state;
  const table = Array.from({ length: rows }, (_, y) => values.slice(y * columns, (y + 1) * columns));
  view.store.set({ whatif: withKernel(whatif, kernelPlace(view), table) });
}

const reset = (view) => view.store.set({ whatif: withoutKernel(view.store.state.whatif, kernelPlace(view)) });
