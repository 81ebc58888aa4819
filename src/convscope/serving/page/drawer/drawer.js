/** What opens below the network for the selection: a layer, a map, one value; or the heat maps of an answer. */

import { h, icon, setLabel, stillness } from "../dom.js";
import { t } from "../i18n.js";
import { handle } from "./handle.js";
import { layerView } from "./layer.js";
import { pathTo } from "./path.js";
import { unitView } from "./unit.js";
import { whyView } from "./why.js";

const CONTENTS = { why: whyView, layer: layerView, unit: unitView };
const FOLLOWED = ["selected", "why", "whyChoice", "forward", "arithmetic", "kernels", "network", "language", "theme",
  "loaded", "scale", "whatif", "beside", "snapshots"];

export function mount(root, store) {
  const path = h("nav", { class: "path" });
  const close = h("button", { class: "tool", onclick: () => store.set({ selected: null, why: false }) }, icon("close"));
  const body = h("div", { class: "drawer-body" });
  const grip = handle(root);
  root.append(grip.element, h("header", { class: "drawer-head" }, path, close), body);
  const view = {
    root, store, path, close, body, grip,
    content: null, // what is in the body: {update()}
    key: "", // what it was made for; "" while the drawer is closed
    opener: null, // the element that had the focus before the drawer opened
  };
  const show = () => {
    const { network, forward, why, selected } = store.state;
    if (network && forward && (why || selected)) showOpen(view);
    else showClosed(view);
  };
  store.on(FOLLOWED, show);
  show();
}

function showClosed(view) {
  const { root, path, body, opener } = view;
  if (root.contains(document.activeElement)) {
    const isThere = opener?.isConnected && opener !== document.body;
    (isThere ? opener : document.querySelector("#network .scroller")).focus({ preventScroll: true });
  }
  root.hidden = true;
  document.body.classList.remove("drawn");
  if (!view.key) return;
  body.replaceChildren();
  path.replaceChildren();
  view.key = "";
}

function showOpen(view) {
  const { root, store, path, close, grip } = view;
  const { selected, why, language } = store.state;
  const opens = root.hidden;
  if (opens) view.opener = document.activeElement;
  root.hidden = false;
  grip.show();
  document.body.classList.add("drawn");
  path.replaceChildren(...pathTo(store));
  path.setAttribute("aria-label", t("drawer.path"));
  setLabel(close, t("drawer.close"));
  const kind = why ? "why" : selected.map === undefined ? "layer" : "unit";
  const key = [kind, language, ...(why ? [] : [selected.layer, selected.map])].join(" ");
  if (key === view.key) view.content.update();
  else replaceContent(view, kind, key);
  if (opens && store.state.tab === "network") bringIntoSight(root);
}

/** On a small screen the drawer opens below what was tapped, out of sight. */
function bringIntoSight(root) {
  if (getComputedStyle(root).position === "absolute") return;
  requestAnimationFrame(() => root.scrollIntoView({ block: "start", behavior: stillness() ? "auto" : "smooth" }));
}

function replaceContent(view, kind, key) {
  const { root, store, close, body } = view;
  const focused = body.contains(document.activeElement) && document.activeElement.className;
  body.replaceChildren();
  body.scrollTop = 0;
  view.content = CONTENTS[kind](body, store);
  view.key = key;
  root.setAttribute("aria-label", t(kind === "why" ? "why.title" : "drawer.label"));
  view.content.update();
  if (focused) (body.querySelector(`[class="${focused}"]`) ?? close).focus({ preventScroll: true });
}
