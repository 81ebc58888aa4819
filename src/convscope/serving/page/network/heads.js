/** The buttons above the canvas: a "?" and a head per item, "+48 more" below its maps, and a bracket per open block. */

import { h, name } from "../dom.js";
import { t } from "../i18n.js";
import { milliseconds, short } from "../numbers.js";
import { nodeOf, SOFTMAX } from "../state/softmax.js";
import { toggled } from "./blocks.js";
import { headText, scaleText } from "./headtext.js";
import { sentence } from "./kinds.js";
import { isVector } from "./layout.js";
import { plainName } from "./names.js";
import { sceneOf } from "./scene.js";

const AROUND = 200; // pixels beside the part in sight whose buttons are there already
export const ASK = 18; // pixels of the "?" above a head
const MORE_MAPS = 64; // a layer shows so many after one click on "more", and all after another

/** Shows the buttons of the part in sight: {left, width}. */
export function showHeads(view, { left, width }) {
  const { plan, heads } = view;
  const scene = sceneOf(view.store, plan);
  const inSight = (one) => one.x + one.width >= left - AROUND && one.x <= left + width + AROUND;
  const brackets = plan.brackets.filter(inSight).map((bracket) => bracketButton(view, bracket));
  const others = plan.items.filter(inSight).flatMap((item) =>
    [askButton(view, item), headButton(view, item, scene), moreButton(view, item)]);
  const wanted = [...brackets, ...others.filter(Boolean)];
  const same = wanted.length === heads.childElementCount && wanted.every((one, i) => heads.children[i] === one);
  if (!same) heads.replaceChildren(...wanted);
}

/** What a head does, by pointer or key: opens a block, or the drawer for a layer. */
export function activateHead(store, { block, node }) {
  if (block !== null) toggleBlock(store, block);
  else if (node.name === SOFTMAX) openProbability(store);
  else store.set({ selected: { layer: node.name }, why: false });
}

/** The last step has no view of a whole layer: its most probable class stands for it. */
function openProbability(store) {
  const best = store.state.forward?.probabilities[0].index;
  if (best !== undefined) store.set({ selected: { layer: SOFTMAX, map: best, y: 0, x: 0 }, why: false });
}

const toggleBlock = (store, block) => store.set({ open: toggled(store.state.open, block) });

/** The button made before, while it says the same: a button must not vanish between press and release. */
function kept({ buttons }, key, says, make) {
  const before = buttons.get(key);
  if (before?.says === says) return before.element;
  const element = make();
  buttons.set(key, { says, element });
  return element;
}

const places = new WeakMap(); // where a button is: writing that again would cost a layout in every frame

function placed(element, { x, y, width }) {
  const place = `${x} ${y} ${width}`;
  if (places.get(element) === place) return element;
  places.set(element, place);
  element.style.left = `${x}px`;
  element.style.top = `${y}px`;
  element.style.width = `${width}px`;
  return element;
}

/** The "?" of a layer; a closed block is none. */
function askButton(view, item) {
  const { node, block } = item;
  if (block !== null) return null;
  const { network } = view.store.state;
  const label = t("network.help", { name: plainName(node, network) });
  const button = kept(view, `ask ${item.id}`, label, () => h("button", {
    class: "ask", tabindex: -1, title: label, "aria-label": label, onclick: () => view.askAbout(node, button),
  }, "?"));
  return placed(button, { x: item.x + item.width / 2 - 8, y: item.y, width: 16 });
}

function headButton(view, item, scene) {
  const { node, block } = item;
  const { store, plan } = view;
  const { network } = store.state;
  const { length: n } = item.members;
  const label = block === null ? sentence(node, network) : t("network.blockLabel", { name: block, n });
  const classes = headClasses(view, item);
  const button = kept(view, `head ${item.id}`, `${label},${classes}`, () => h("button", {
    class: classes, tabindex: -1, "aria-label": label, onclick: () => activateHead(store, item),
    data: { layer: node.name },
  }, headLines(item, network), h("small", {})));
  const limit = limitOf(scene, node);
  const strongest = limit ? scaleText(limit, item.width + plan.gap) : "";
  const title = [label, timeOrGradient(store.state, item),
    limit ? t("network.limit", { value: short(limit) }) : ""].filter(Boolean).join("\n");
  // As with its place: only what has changed is written.
  if (button.lastChild.textContent !== strongest) button.lastChild.textContent = strongest;
  if (button.title !== title) button.title = title;
  return placed(button, { x: item.x - plan.gap / 2, y: item.y + ASK, width: item.width + plan.gap });
}

function headLines(item, network) {
  const { title, lines, code } = headText(item, network);
  return [h("b", {}, name(title)), ...lines.map((line) => h("span", {}, line)),
    code ? h("span", { class: "code" }, name(code)) : null];
}

/** What the strongest colour of a layer stands for; 0 where each map has a scale of its own, or nothing is known. */
export function limitOf({ layers, limit, scale }, node) {
  const layer = layers?.get(node.name);
  if (!layer || (scale === "map" && !isVector(node.shape))) return 0;
  return limit(layer, layer.maps[0]);
}

function headClasses({ store, cursor }, { node, block }) {
  const { selected, network } = store.state;
  const chosen = block === null && selected?.layer === node.name;
  const lit = !selected || chosen || nodeOf(network, selected.layer)?.inputs.includes(node.name);
  const classes = {
    block: block !== null, chosen, faded: !lit,
    cursor: cursor?.layer === node.name && cursor.map === undefined,
  };
  return ["head", ...Object.keys(classes).filter((key) => classes[key])].join(" ");
}

/** Forward the milliseconds that an item took, backward the norm of its gradient. */
function timeOrGradient({ forward, gradients, direction }, { node, members }) {
  if (direction === "backward") {
    const norm = gradients?.norms[node.name];
    return norm === undefined ? "" : `‖∂‖ ${short(norm)}`;
  }
  const ms = forward && members.reduce((sum, member) => sum + (forward.layer_ms[member.name] ?? 0), 0);
  return ms ? `${milliseconds(ms)} ms` : "";
}

/** Below maps of which not all are shown; else null. */
function moreButton(view, item) {
  const { node, grid } = item;
  const { store } = view;
  const total = node.shape[0];
  const hidden = total - grid.count;
  if (hidden <= 0 || grid.vector) return null;
  const next = grid.count < MORE_MAPS ? Math.min(MORE_MAPS, total) : total;
  const onclick = () => store.set({ shown: { ...store.state.shown, [node.name]: next } });
  const label = t("network.moreLabel", { n: hidden, name: node.name });
  const button = kept(view, `more ${item.id}`, label, () => h("button", {
    class: "more", tabindex: -1, onclick, "aria-label": label,
  }, t("network.more", { n: hidden })));
  return placed(button, { x: item.x - 4, y: grid.bottom + 3, width: item.width + 8 });
}

function bracketButton(view, bracket) {
  const label = t("network.close", { name: bracket.name });
  const button = kept(view, `bracket ${bracket.name}`, label, () => h("button", {
    class: "bracket", tabindex: -1, onclick: () => toggleBlock(view.store, bracket.name),
    "aria-expanded": "true", title: label, "aria-label": label,
  }, h("span", {}, name(bracket.name))));
  return placed(button, bracket);
}
