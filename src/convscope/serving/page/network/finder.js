/**
 * All layers in one table, to find one by name ("/") and to see at a glance which are not well: dead maps, saturated
 * values, values that are no numbers, gradients and time. Sorted by a click on a column.
 */

import { h, icon, name, setLabel } from "../dom.js";
import { t } from "../i18n.js";
import { milliseconds, short } from "../numbers.js";
import * as api from "../state/api.js";
import { shapeText } from "./kinds.js";
import { plainName } from "./names.js";

const TEXT_FIELDS = "input:not([type=checkbox], [type=range]), textarea, select, dialog";
const COLUMNS = [
  ["order", null], ["name", null], ["parameters", (value) => value.toLocaleString("en")], ["dead", deadText],
  ["saturated", (value) => `${(100 * value).toFixed(1)} %`], ["notFinite", (value) => value.toLocaleString("en")],
  ["gradient", short], ["time", milliseconds],
];
const NUMBERS = COLUMNS.slice(2);
const AT_ONCE = 200; // rows that are made before the table is scrolled: networks have thousands of layers
const NEAR = 600; // pixels above the end of the rows, from which more are made

/** "/" opens the table from anywhere on the page but where something is typed. */
export function listenToFinder(store) {
  document.addEventListener("keydown", (event) => {
    const isTyped = event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.(TEXT_FIELDS);
    if (event.key !== "/" || isTyped || !store.state.network) return;
    event.preventDefault();
    openFinder(store);
  });
}

/** Opens the table; a row leads to its layer. */
export function openFinder(store) {
  const view = { store, rows: rowsOf(store.state), sortedBy: "order", falling: false, found: [] };
  const search = h("input", { type: "search", class: "finder-search", oninput: () => {
    view.body.replaceChildren();
    show(view);
  } });
  const close = h("button", { class: "tool", onclick: () => view.dialog.close() }, icon("close"));
  setLabel(close, t("finder.close"));
  search.setAttribute("aria-label", t("finder.search"));
  search.placeholder = t("finder.search");
  const onscroll = ({ target }) => {
    if (target.scrollTop + target.clientHeight > target.scrollHeight - NEAR) addRows(view, AT_ONCE);
  };
  Object.assign(view, {
    search, head: h("tr", {}), body: h("tbody", {}), count: h("p", { class: "soft", role: "status" }),
    dialog: h("dialog", { class: "finder", "aria-label": t("finder.title") }),
  });
  view.dialog.append(h("header", {}, h("h2", {}, t("finder.title")), search, close), view.count,
    h("div", { class: "finder-table", tabindex: 0, role: "group", "aria-label": t("finder.title"), onscroll },
      h("table", {}, h("thead", {}, view.head), view.body)));
  search.addEventListener("keydown", (event) => event.key === "Enter" && view.found[0] && go(view, view.found[0]));
  search.addEventListener("keydown", (event) => event.key === "Escape" && view.dialog.close()); // not clear the words
  view.dialog.addEventListener("close", () => view.dialog.remove());
  view.dialog.addEventListener("click", (event) => event.target === view.dialog && view.dialog.close());
  document.body.append(view.dialog);
  show(view);
  view.dialog.showModal();
  search.focus();
  learnHealth(view);
  learnGradients(view);
}

function rowsOf({ network, forward }) {
  return network.nodes.map((node, order) => ({
    node, order, name: node.name, plain: plainName(node, network), parameters: node.parameters,
    dead: null, saturated: null, notFinite: null, gradient: null,
    time: forward?.layer_ms[node.name] ?? null,
  }));
}

/** Gradients of the loss that is led back, or would be; asked for where the network does not show them already. */
async function learnGradients(view) {
  const { forward, gradients, label } = view.store.state;
  if (!forward) return;
  const wished = label ?? forward.probabilities[0].index;
  const known = gradients?.session === forward.session && gradients.label === wished;
  try {
    const { norms } = known ? gradients : await api.gradients(forward.session, wished);
    for (const row of view.rows) row.gradient = norms[row.name] ?? null;
    show(view);
  } catch {
    // As below.
  }
}

/** What is not well in this picture is asked for when the table is open. */
async function learnHealth(view) {
  const { forward } = view.store.state;
  if (!forward) return;
  try {
    const { layers } = await api.health(forward.session);
    const known = new Map(layers.map((one) => [one.layer, one]));
    for (const row of view.rows) {
      const { channels, dead, not_finite: notFinite, saturated } = known.get(row.name) ?? {};
      Object.assign(row, { channels, dead: dead ?? null, notFinite: notFinite ?? null, saturated: saturated ?? null });
    }
    show(view);
  } catch {
    // The table is as useful without it; a session that has ended is renewed by the next picture.
  }
}

function deadText(value, { channels }) {
  return `${value} / ${channels}`;
}

function show(view) {
  const { rows, search, sortedBy, falling, count, head, body } = view;
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const isFound = ({ name: own, plain, node }) =>
    words.every((word) => `${own} ${plain} ${node.type} ${node.kind}`.toLowerCase().includes(word));
  const sign = falling ? -1 : 1;
  view.found = rows.filter(isFound).sort((a, b) => {
    if (a[sortedBy] === null || b[sortedBy] === null) return (a[sortedBy] === null) - (b[sortedBy] === null);
    return sign * (a[sortedBy] < b[sortedBy] ? -1 : Number(a[sortedBy] > b[sortedBy])) || a.order - b.order;
  });
  count.textContent = t("finder.count", { n: view.found.length, all: rows.length });
  const shown = COLUMNS.filter(([key]) => key === "order" || rows.some((row) => row[key] !== null));
  head.replaceChildren(...shown.map(([key]) => columnHead(view, key)));
  const made = Math.max(body.children.length, AT_ONCE);
  Object.assign(view, { shown });
  body.replaceChildren();
  addRows(view, made);
}

/** Makes the next rows of those that were found. */
function addRows(view, count) {
  const { body, found, shown } = view;
  const made = body.children.length;
  body.append(...found.slice(made, made + count).map((row) => rowOf(view, row, shown)));
}

/** The first click sorts names upwards and numbers downwards, the next one the other way. */
function columnHead(view, key) {
  const { sortedBy, falling } = view;
  const own = sortedBy === key;
  const onclick = () => {
    Object.assign(view, { sortedBy: key, falling: own ? !falling : NUMBERS.some(([other]) => other === key) });
    show(view);
    view.head.querySelector(`[data-key=${key}]`).focus();
  };
  const button = h("button", { data: { key }, onclick }, t(`finder.${key}`), own ? (falling ? " ↓" : " ↑") : "");
  return h("th", { scope: "col", "aria-sort": own ? (falling ? "descending" : "ascending") : "none" }, button);
}

function rowOf(view, row, shown) {
  const cells = shown.slice(2).map(([key, text]) => {
    const value = row[key];
    const bad = (key === "dead" || key === "notFinite" || key === "saturated") && value > 0;
    return h("td", { class: bad ? "number bad" : "number" }, value === null ? "" : text(value, row));
  });
  const lead = h("button", { onclick: () => go(view, row) }, h("b", {}, name(row.plain)), " ", h("code", {}, row.name),
    " ", h("span", { class: "soft" }, shapeText(row.node)));
  return h("tr", {}, h("td", { class: "number" }, String(row.order)), h("th", { scope: "row" }, lead), cells);
}

function go({ dialog, store }, { node }) {
  dialog.close();
  const selected = node.kind === "input" ? null : { layer: node.name };
  store.set({ tab: "network", three: false, why: false, selected });
}
