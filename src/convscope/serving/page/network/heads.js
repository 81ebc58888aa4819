/** The buttons above the canvas: a head for each item, "+48 more" below its maps, and a bracket for each open block. */

import { h, name } from "../dom.js";
import { t } from "../i18n.js";
import { milliseconds, short } from "../numbers.js";
import { toggled } from "./blocks.js";
import { kindOf, ownName, sentence, shapeText, windowOrAmount } from "./kinds.js";

const AROUND = 200; // pixels beside the part in sight whose buttons are there already
const MORE_MAPS = 64; // a layer shows so many after one click on "more", and all after another

/** Shows the buttons of the part in sight: {left, width}. */
export function showHeads(view, { left, width }) {
  const { plan, heads } = view;
  const inSight = (one) => one.x + one.width >= left - AROUND && one.x <= left + width + AROUND;
  const brackets = plan.brackets.filter(inSight).map((bracket) => bracketButton(view, bracket));
  const others = plan.items.filter(inSight).flatMap((item) => [headButton(view, item), moreButton(view, item)]);
  const wanted = [...brackets, ...others.filter(Boolean)];
  const same = wanted.length === heads.childElementCount && wanted.every((one, i) => heads.children[i] === one);
  if (!same) heads.replaceChildren(...wanted);
}

/** What a head does, by pointer or key: opens a block, or the drawer for a layer. */
export function activateHead(store, { block, node }) {
  if (block !== null) toggleBlock(store, block);
  else store.set({ selected: { layer: node.name }, why: false });
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

function placed(element, { x, y, width }) {
  element.style.left = `${x}px`;
  element.style.top = `${y}px`;
  element.style.width = `${width}px`;
  return element;
}

function headButton(view, item) {
  const { node, block } = item;
  const { store } = view;
  const label = block === null ? sentence(node) : t("network.blockLabel", { name: block, n: item.members.length });
  const classes = headClasses(view, item);
  const button = kept(view, `head ${item.id}`, `${label},${classes}`, () => h("button", {
    class: classes, tabindex: -1, title: label, "aria-label": label,
    onclick: () => activateHead(store, item), data: { layer: node.name },
  }, headLines(item), h("small", {})));
  button.lastChild.textContent = timeOrGradient(store.state, item);
  return placed(button, { x: item.x - 7, y: item.y, width: item.width + 14 });
}

function headLines({ node, block, members }) {
  const about = block === null
    ? [kindOf(node), windowOrAmount(node)]
    : [t("network.block", { n: members.length }), t("network.open")];
  const lines = [...about, shapeText(node.shape)].map((line) => h("span", {}, line));
  return [h("b", {}, name(ownName(block ?? node.name))), ...lines];
}

function headClasses({ store, cursor }, { node, block }) {
  const { selected, network } = store.state;
  const chosen = block === null && selected?.layer === node.name;
  const lit = !selected || chosen || network.byName.get(selected.layer)?.inputs.includes(node.name);
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
