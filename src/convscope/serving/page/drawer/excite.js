/** What excites a map most: of the example pictures, the patches that its strongest values see. */

import { seenPicture } from "../colour.js";
import { h, icon, name } from "../dom.js";
import { t } from "../i18n.js";
import { short, valueAt } from "../numbers.js";
import * as api from "../state/api.js";
import { note } from "../state/problems.js";

const MOST_PICTURES = 20; // that are tried: each takes one pass through the network
const SHOWN = 6;
const SIZE = 84; // pixels of a patch

/** Fills `root` with a button, then with the patches; `selected` of the store says of which map. */
export function exciteView(root, store) {
  const { layer, map } = store.state.selected;
  const view = {
    store, layer, map, root, stopped: false, found: null,
    patches: h("div", { class: "partials" }), said: h("span", { class: "soft", role: "status" }),
  };
  view.button = h("button", { class: "quiet excite", onclick: () => search(view) }, icon("question"), t("excite.ask"));
  root.append(h("div", { class: "row" }, view.button, view.said), view.patches);
}

async function search(view) {
  const { store, root, layer, map, said, button } = view;
  const { examples, classifier, epoch } = store.state;
  const tried = examples.slice(0, MOST_PICTURES);
  button.disabled = true;
  view.found = [];
  try {
    for (const [i, example] of tried.entries()) {
      if (!root.isConnected || store.state.classifier !== classifier) return;
      said.textContent = t("excite.busy", { n: i + 1, all: tried.length });
      view.found.push(await strongestOf(example, { classifier, epoch, layer, map }));
      show(view);
    }
    said.textContent = t("excite.of", { n: tried.length });
  } catch (problem) {
    said.textContent = "";
    note(store, problem);
  }
  button.disabled = false;
}

/** Where a map has its largest value in one picture: {example, value, patch}, a canvas of what that value sees. */
async function strongestOf(example, { classifier, epoch, layer, map }) {
  const answer = await api.forward(await api.picture(example.url), classifier, { epoch, maps: 1 });
  const known = answer.layers.get(layer);
  const [data, at] = known.vector ? [known.maps[0], map]
    : await api.activations(answer.session, layer, { only: [map] }).then(({ maps: [one] }) => [one, largest(one)]);
  const place = known.vector ? [0, 0] : [Math.floor(at / known.width), at % known.width];
  const { field } = await api.field(answer.session, layer, ...place);
  return { example, value: valueAt(data, at), patch: cut(answer.seen, field) };
}

const largest = ({ data }) => data.reduce((best, level, i) => (level > data[best] ? i : best), 0);

/** The part [top, left, bottom, right] of what the network saw. */
function cut(seen, [top, left, bottom, right]) {
  const [first, last] = [[top, left].map((edge) => Math.max(edge, 0)),
    [Math.min(bottom, seen.height), Math.min(right, seen.width)]];
  const [tall, wide] = [last[0] - first[0], last[1] - first[1]];
  const canvas = h("canvas", { width: wide, height: tall, class: "partial-map", "aria-hidden": "true" });
  canvas.getContext("2d").drawImage(seenPicture(seen), first[1], first[0], wide, tall, 0, 0, wide, tall);
  canvas.style.width = `${(SIZE * wide) / Math.max(wide, tall)}px`;
  return canvas;
}

function show({ store, patches, found }) {
  const best = [...found].sort((a, b) => b.value - a.value).slice(0, SHOWN);
  patches.replaceChildren(...best.map(({ example, value, patch }) => {
    const words = example.title || example.label || String(example.id);
    return h("button", {
      class: "excite-patch", "aria-label": t("excite.open", { title: words, value: short(value) }),
      title: t("excite.open", { title: words, value: short(value) }),
      onclick: () => store.set({ source: { kind: "example", id: example.id } }),
    }, patch, h("span", {}, name(words), ` ${short(value)}`));
  }));
}
