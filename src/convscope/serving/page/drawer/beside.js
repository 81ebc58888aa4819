/** The selected map beside the same map of another epoch, network or picture, with what is different between them. */

import { mapPicture, valuesPicture } from "../colour.js";
import { h, name } from "../dom.js";
import { ofLanguage, t } from "../i18n.js";
import { percent, short, strongest, valueAt } from "../numbers.js";
import { imageOf } from "../state/answers.js";
import * as api from "../state/api.js";
import { findMap } from "../state/maps.js";
import { signed } from "./sign.js";

const SIZE = 132; // pixels of a map

/** {update()}: fills `root`. The store's `beside` says with what: "", "epoch~3", "model~ID" or "example~ID". */
export function besideView(root, store) {
  const view = {
    store, other: null, otherKey: "", shown: "", problem: null, request: api.latest(),
    choice: h("span", {}), pictures: h("div", { class: "partials beside-maps" }),
  };
  root.append(h("div", { class: "row" }, view.choice), view.pictures);
  return { update: () => update(view) };
}

function optionsOf({ snapshots, classifiers, classifier, examples, source, epoch, network }) {
  const epochs = (snapshots?.epochs ?? []).filter((one) => one !== epoch);
  const others = classifiers.filter(({ id, input_size: size }) =>
    id !== classifier && (!size || size.join() === network.input_size.join()));
  const pictures = examples.filter(({ id }) => !(source?.kind === "example" && String(source.id) === String(id)));
  return [
    ["beside.epochs", [...(epoch === null || snapshots?.live ? [] : [["epoch~end", t("beside.finished")]]),
      ...epochs.map((one) => [`epoch~${one}`, t("beside.epoch", { epoch: one })])]],
    ["beside.networks", others.map(({ id, name: title }) => [`model~${id}`, title])],
    ["beside.pictures", pictures.map((one, i) => [`example~${one.id}`, wordsOf(one, i)])],
  ].filter(([, some]) => some.length);
}

const wordsOf = ({ title, label, predicted }, i) =>
  `${i + 1}: ${title || label || ""}${predicted && predicted !== label ? ` → ${predicted}` : ""}`;

function showChoice({ store, choice }) {
  const { beside } = store.state;
  const option = ([value, text]) => h("option", { value, selected: value === beside }, text);
  const groups = optionsOf(store.state).map(([key, some]) => h("optgroup", { label: t(key) }, some.map(option)));
  const select = h("select", { onchange: () => store.set({ beside: select.value }) },
    h("option", { value: "", selected: !beside }, t("beside.nothing")), groups);
  const had = choice.contains(document.activeElement);
  choice.replaceChildren(h("label", { class: "field" }, t("beside.with"), select));
  if (had) select.focus();
}

function update(view) {
  const { store, pictures } = view;
  const { beside, forward, selected, language, theme, classifiers, classifier, snapshots } = store.state;
  const made = [language, classifier, beside, classifiers.length, snapshots?.epochs.length].join();
  if (made !== view.made) showChoice(view);
  view.made = made;
  if (!beside || !forward || selected?.map === undefined) {
    pictures.replaceChildren();
    view.shown = "";
    return;
  }
  const key = [beside, forward.session, selected.layer, selected.map].join(" ");
  if (key !== view.otherKey) learn(view, key);
  const shown = [key, theme, language, view.other?.session, store.state.loaded, Boolean(view.problem)].join(" ");
  if (shown === view.shown) return;
  view.shown = shown;
  pictures.replaceChildren(...partsOf(view));
}

/**
 * The layer of another network that does the work of `layer` here: of the same kind, its maps (or, of a vector, its
 * values) of the same size, and of the same name or else the same number among such layers. Undefined if there is none.
 */
async function counterpart({ network }, id, layer) {
  const other = await api.network(id);
  const size = ({ shape: [count, height = 1, width = 1] }) =>
    (height * width > 1 ? `${height} × ${width}` : String(count));
  const own = network.byName.get(layer);
  const alike = ({ nodes }) => nodes.filter((node) => node.kind === own.kind && size(node) === size(own));
  const there = alike(other);
  return (there.find(({ name: one }) => one === layer) ?? there[alike(network).indexOf(own)])?.name;
}

/** The other answer, for the map that is selected. */
async function learn(view, key) {
  const { store } = view;
  const { beside, selected, source, classifier, epoch, examples, whatif } = store.state;
  Object.assign(view, { otherKey: key, other: null, problem: null });
  const [kind, id] = [beside.slice(0, beside.indexOf("~")), beside.slice(beside.indexOf("~") + 1)];
  try {
    const other = await view.request(async (signal) => {
      const image = await imageOf(kind === "example" ? { kind, id } : source, examples);
      const epochs = { epoch: id === "end" ? null : Number(id), model: null, example: epoch };
      const answer = await api.forward(image, kind === "model" ? id : classifier,
        { epoch: epochs[kind], maps: 1, signal });
      const changed = kind === "example" && (whatif.kernels.length || Object.keys(whatif.channels_off).length)
        ? await api.whatIf(answer.session, { ...whatif, occlude: [], pixels: [] }, signal) : answer;
      const name = kind === "model" ? await counterpart(store.state, id, selected.layer) : selected.layer;
      const layer = changed.layers.get(name);
      if (!layer) return { ...changed, missing: true };
      if (layer.vector) return { ...changed, layer, map: layer.maps[0] };
      if (selected.map >= layer.total) return { ...changed, missing: true };
      const { maps } = await api.activations(changed.session, name, { only: [selected.map], signal });
      return { ...changed, layer, map: maps[0] };
    });
    if (!other) return;
    view.other = other;
  } catch (problem) {
    view.problem = problem.words ? ofLanguage(problem.words) : String(problem.message ?? problem);
  }
  if (view.otherKey === key) update(view);
}

function partsOf({ store, other, problem }) {
  const { forward, selected } = store.state;
  if (problem) return [h("p", { class: "problem", role: "alert" }, problem)];
  const layer = forward.layers.get(selected.layer);
  const map = layer.vector ? layer.maps[0] : findMap(store, selected.layer, selected.map);
  if (!other || !map) return [h("p", { class: "soft", role: "status" }, t("beside.loading"))];
  const same = !other.missing && other.layer.height === layer.height && other.layer.width === layer.width;
  if (!same) return [h("p", { class: "notice", role: "status" }, t("beside.missing", { layer: selected.layer }))];
  const limit = Math.max(...[map, other.map].flatMap(({ low, high }) => [Math.abs(low), Math.abs(high)]));
  const count = layer.height * layer.width;
  const difference = Float32Array.from({ length: count }, (_, i) => valueAt(other.map, i) - valueAt(map, i));
  const most = strongest(difference);
  const figure = (picture, ...words) => shown(picture, layer, words);
  return [
    figure(mapPicture(map, layer.height, layer.width, limit), t("beside.here"), " ", answerOf(forward)),
    signed("→", figure(mapPicture(other.map, layer.height, layer.width, limit), t("beside.there"), " ",
      answerOf(other))),
    signed("=", figure(valuesPicture(difference, layer.height, layer.width, most), t("beside.difference"))),
    h("p", { class: "soft beside-words" }, t("beside.scale", { limit: short(limit), most: short(most) }),
      other.layer.name === selected.layer ? "" : ` ${t("beside.counterpart", { layer: other.layer.name })}`),
  ];
}

function answerOf({ probabilities: [{ label, probability }] }) {
  return h("b", {}, name(label), ` ${percent(probability)} %`);
}

function shown(canvas, { height, width }, words) {
  canvas.className = "partial-map";
  canvas.setAttribute("aria-hidden", "true");
  canvas.style.width = `${Math.max((SIZE * width) / Math.max(height, width), 8)}px`;
  canvas.style.height = `${Math.max((SIZE * height) / Math.max(height, width), 8)}px`;
  return h("figure", { class: "partial" }, canvas, h("figcaption", {}, words));
}
