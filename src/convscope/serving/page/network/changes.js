/** What a change of the network or the picture has changed: layers and maps, those with the largest change first. */

import { h, icon, name, setLabel } from "../dom.js";
import { ofLanguage, t } from "../i18n.js";
import { percent, valueAt } from "../numbers.js";
import * as api from "../state/api.js";
import { plainName } from "./names.js";

const MOST_MAPS = 64; // of a layer, the first ones
const LEAST = 0.005; // of a layer's values: less may come of the 256 levels of a map
const CLASSES = 3;

/** Opens a table of what is different from the network and picture without changes. */
export function openChanges(store) {
  const { forward, unchanged, network } = store.state;
  if (!forward || !unchanged || forward === unchanged) return;
  const close = h("button", { class: "tool", onclick: () => view.dialog.close() }, icon("close"));
  setLabel(close, t("changes.close"));
  const view = {
    store, rows: [], body: h("tbody", {}), said: h("p", { class: "soft", role: "status" }),
    dialog: h("dialog", { class: "finder changes", "aria-label": t("changes.title") }),
  };
  const heads = ["layer", "change", "map"].map((key) => h("th", { scope: "col" }, t(`changes.${key}`)));
  view.dialog.append(h("header", {}, h("h2", {}, t("changes.title")), h("span", { class: "push" }), close),
    h("p", {}, classesText(unchanged, forward, network)), view.said,
    h("div", { class: "finder-table", tabindex: 0, role: "group", "aria-label": t("changes.title") },
      h("table", {}, h("thead", {}, h("tr", {}, heads)), view.body)));
  view.dialog.addEventListener("close", () => view.dialog.remove());
  view.dialog.addEventListener("click", (event) => event.target === view.dialog && view.dialog.close());
  document.body.append(view.dialog);
  view.dialog.showModal();
  compare(view, unchanged, forward);
}

/** The classes whose chances changed most: "7: 98.7 → 25.5 %". */
function classesText(before, now, network) {
  const chances = ({ probabilities }) => new Map(probabilities.map(({ index, probability }) => [index, probability]));
  const [old, recent] = [chances(before), chances(now)];
  const moved = [...recent].map(([index, chance]) => [index, old.get(index) ?? 0, chance])
    .sort((a, b) => Math.abs(b[2] - b[1]) - Math.abs(a[2] - a[1])).slice(0, CLASSES);
  const words = ([index, from, to]) =>
    `${network.class_names[index]}${t("answer.colon")}${percent(from)} → ${percent(to)} %`;
  return moved.map(words).join(" · ");
}

async function compare(view, before, now) {
  const { store, dialog, said } = view;
  const { nodes } = store.state.network;
  try {
    for (const [i, node] of nodes.entries()) {
      if (!dialog.isConnected) return;
      said.textContent = t("changes.busy", { n: i + 1, all: nodes.length });
      const row = await rowOf(node, before, now);
      if (row) view.rows.push(row);
      show(view);
    }
    const wide = nodes.some(({ shape }) => shape.length === 3 && shape[0] > MOST_MAPS);
    said.textContent = [t("changes.about"), wide ? t("changes.wide", { n: MOST_MAPS }) : ""].join(" ");
  } catch (problem) {
    said.textContent = ofLanguage(problem.words) || String(problem.message ?? problem);
  }
}

/** {node, share, map}: how much a layer changed and the map that changed most; null if it did not. */
async function rowOf(node, before, now) {
  const [old, recent] = await Promise.all([mapsOf(before, node), mapsOf(now, node)]);
  if (!old || !recent) return null;
  const size = old.reduce((sum, values) => sum + squares(values), 0);
  const changes = old.map((values, i) => squares(values.map((value, at) => recent[i][at] - value)));
  const total = changes.reduce((sum, one) => sum + one, 0);
  const share = Math.sqrt(total / (size || 1));
  if (share < LEAST) return null;
  const map = changes.indexOf(Math.max(...changes));
  return { node, share, map };
}

const squares = (values) => values.reduce((sum, value) => sum + value * value, 0);

/** The values of a layer's maps by number (of a vector, each value is one), or null where they are not known. */
async function mapsOf(forward, node) {
  const layer = forward.layers.get(node.name);
  if (!layer) return null;
  const numbers = (map, count) => Float64Array.from({ length: count }, (_, i) => valueAt(map, i));
  if (layer.vector) return Array.from(numbers(layer.maps[0], layer.width), (value) => Float64Array.of(value));
  const only = Array.from({ length: Math.min(layer.total, MOST_MAPS) }, (_, i) => i);
  const { maps } = await api.activations(forward.session, node.name, { only });
  const byNumber = new Map(maps.map((map) => [map.map, map]));
  return only.map((number) => numbers(byNumber.get(number), layer.height * layer.width));
}

function show({ store, rows, body, dialog }) {
  const { network } = store.state;
  const most = Math.max(...rows.map(({ share }) => share));
  const ranked = [...rows].sort((a, b) => b.share - a.share);
  body.replaceChildren(...ranked.map(({ node, share, map }) => {
    const go = () => {
      dialog.close();
      const vector = node.shape.length < 3 || node.shape[1] * node.shape[2] === 1;
      const place = { layer: node.name, map, ...(vector && { y: 0, x: 0 }) };
      store.set({ tab: "network", three: false, why: false, selected: node.kind === "input" ? null : place });
    };
    const title = h("b", {}, name(plainName(node, network)));
    const lead = h("button", { onclick: go }, title, " ", h("code", {}, node.name));
    const bar = h("span", { class: "change-bar" });
    bar.style.width = `${(100 * share) / most}px`;
    return h("tr", {}, h("th", { scope: "row" }, lead),
      h("td", { class: "number" }, bar, ` ${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`),
      h("td", { class: "number" }, String(map)));
  }));
}
