/** What opens under the network for what was chosen: a layer, a map, one value; or the heat maps. */

import { h, icon, name } from "../dom.js";
import { t } from "../i18n.js";
import { layerView } from "./layerview.js";
import { SOFTMAX } from "../state/softmax.js";
import { isVector } from "../network/layout.js";
import { unitView } from "./unit.js";
import { whyView } from "./why.js";

export function mount(root, store) {
  const path = h("nav", { class: "path" });
  const close = h("button", { class: "tool", onclick: () => store.set({ selected: null, why: false }) }, icon("close"));
  const body = h("div", { class: "drawer-body" });
  root.append(h("header", { class: "drawer-head" }, path, close), body);
  let shown = "";
  let view = null;
  let opener = null; // what had the focus before it opened

  function crumbs({ selected, why, network, arithmetic }) {
    if (why) return [h("b", {}, t("why.title"))];
    const { layer, map, y, x, term } = selected;
    const softmax = layer === SOFTMAX;
    const vector = softmax || isVector(network.byName.get(layer).shape);
    const levels = [[softmax ? t("kind.softmax") : layer, softmax ? null : { layer }]];
    if (map !== undefined) {
      const label = softmax ? network.class_names[map] : t(vector ? "drawer.value" : "drawer.map", { map });
      levels.push([label, vector ? { layer, map, y, x } : { layer, map }]);
    }
    if (y !== undefined && !vector) levels.push([t("drawer.place", { y, x }), { layer, map, y, x }]);
    if (term !== undefined && arithmetic) levels.push([t("drawer.term", { n: term + 1, all: arithmetic.terms.length }), selected]);
    return levels.map(([text, target], i) => (i === levels.length - 1 ? h("b", { "aria-current": "location" }, name(text))
      : h("button", { disabled: !target, onclick: () => store.set({ selected: target }) }, name(text))));
  }

  function show() {
    const { state } = store;
    const open = Boolean(state.network) && (state.why || state.selected) && Boolean(state.forward);
    if (open && root.hidden) opener = document.activeElement;
    if (!open && root.contains(document.activeElement) && opener?.isConnected) opener.focus({ preventScroll: true });
    root.hidden = !open;
    document.body.classList.toggle("drawn", Boolean(open));
    if (!open) {
      if (shown) [body, path].forEach((part) => part.replaceChildren());
      shown = "";
      return;
    }
    path.replaceChildren(...crumbs(state));
    path.setAttribute("aria-label", t("drawer.path"));
    close.setAttribute("aria-label", t("drawer.close"));
    close.title = t("drawer.close");
    const { selected } = state;
    const kind = state.why ? "why" : selected.map === undefined ? "layer" : "unit";
    const key = [kind, state.language, ...(state.why ? [] : [selected.layer, selected.map])].join(" ");
    if (key !== shown) {
      const focused = body.contains(document.activeElement) && document.activeElement.className;
      body.replaceChildren();
      body.scrollTop = 0;
      view = { why: whyView, layer: layerView, unit: unitView }[kind](body, store);
      root.setAttribute("aria-label", t(kind === "why" ? "why.title" : "drawer.label"));
      shown = key;
      view.update();
      if (focused) (body.querySelector(`[class="${focused}"]`) ?? close).focus({ preventScroll: true });
    } else view.update();
  }
  store.on(["selected", "why", "forward", "arithmetic", "kernels", "network", "language", "theme", "loaded", "scale", "whatif"], show);
  show();
}
