/** The network at one epoch: what it answers, some of its maps, and the kernels of its first convolution. */

import * as api from "../state/api.js";
import { mapPicture, scaleVersion, seenPicture, valuesPicture } from "../colour.js";
import { h, name } from "../dom.js";
import { t } from "../i18n.js";
import { kindWithSize } from "../network/kinds.js";
import { limits } from "../network/paint.js";
import { percent } from "../numbers.js";

// The most of each that are shown.
const [PICTURES, CLASSES, LAYERS, MAPS, KERNELS] = [10, 5, 4, 8, 16];

/** `show(state)` takes the store's state. */
export function moment(store) {
  const title = h("h2", {});
  const pictures = pictureChoice(store);
  const parts = [answer(), layerMaps(), firstKernels()];
  const element = h("section", { class: "moment" }, title, pictures.element, parts.map((part) => part.element));

  function show(state) {
    const { forward, network, epoch, status } = state;
    title.textContent = titleText(state);
    pictures.show(state);
    element.classList.toggle("pending", Boolean(forward) && forward.epoch !== epoch && status !== "failed");
    if (forward && network) for (const part of parts) part.show(state);
  }
  return { element, show };
}

function titleText({ epoch, snapshots }) {
  if (epoch === null) return t("training.momentEnd");
  if (snapshots?.live && epoch === snapshots.epochs.at(-1)) return t("training.momentNewest");
  return epoch === 0 ? t("training.momentStart") : t("training.moment", { epoch });
}

/** The first examples, of which one is chosen. */
function pictureChoice(store) {
  const element = h("div", { class: "thumbs", role: "group" });

  function thumb(example, chosen) {
    const label = t("pictures.example", { title: example.title || example.label || example.id });
    const onChoose = () => store.set({ source: { kind: "example", id: example.id } });
    const properties = { class: "thumb", title: label, "aria-label": label, "aria-pressed": String(chosen) };
    return h("button", { ...properties, onclick: onChoose }, h("img", { src: example.url, alt: "" }));
  }
  function show({ examples, source }) {
    element.setAttribute("aria-label", t("pictures.examples"));
    const some = examples.slice(0, PICTURES);
    element.replaceChildren(...some.map((example) => thumb(example, example.id === source?.id)));
  }
  return { element, show };
}

/** The input image and the most probable classes. */
function answer() {
  const seen = h("div", { class: "moment-seen" });
  const classes = h("ol", { class: "classes moment-classes" });

  function bar({ label, probability }, isBest) {
    const filled = h("span", { class: "bar" });
    filled.style.width = `${probability * 100}%`;
    const track = h("span", { class: "track" }, filled);
    const value = h("span", { class: "value" }, `${percent(probability)} %`);
    return h("li", { class: isBest ? "best" : "" }, h("span", { class: "label" }, name(label)), track, value);
  }
  function show({ forward }) {
    const picture = seenPicture(forward.seen);
    picture.className = "seen-picture";
    seen.replaceChildren(picture);
    classes.replaceChildren(...forward.probabilities.slice(0, CLASSES).map((one, i) => bar(one, i === 0)));
  }
  return { element: h("div", { class: "moment-answer" }, seen, classes), show };
}

/** Maps of some convolutions, spread over the depth of the network. */
function layerMaps() {
  const element = h("div", { class: "moment-layers" });

  function show({ network, forward, scale }) {
    const limit = limits(forward.layers, scale);
    element.replaceChildren(...someConvolutions(network, forward).map((node) => {
      const layer = forward.layers.get(node.name);
      const maps = layer.maps.slice(0, MAPS).sort((a, b) => a.map - b.map);
      const pictures = maps.map((map) => mapPicture(map, layer.height, layer.width, limit(layer, map)));
      const title = h("h3", {}, name(node.name), ` · ${kindWithSize(node, network)}`);
      return h("div", { class: "moment-layer" }, title, h("div", { class: "moment-row" }, pictures));
    }));
  }
  return { element, show };
}

function someConvolutions({ nodes }, forward) {
  const all = nodes.filter((node) => node.kind === "conv" && !forward.layers.get(node.name)?.vector);
  const step = Math.max(1, Math.ceil(all.length / LAYERS));
  return all.filter((_, i) => i % step === 0);
}

/** The kernels of the first convolution, as they lie over its first input map. */
function firstKernels() {
  const title = h("h3", {});
  const row = h("div", { class: "moment-row" });
  const asked = api.latest();
  let shown = ""; // whose kernels are shown, in which colours

  async function show({ network, forward }) {
    const node = network.nodes.find(({ kind, parameters }) => kind === "conv" && parameters);
    title.textContent = node ? t("training.kernels", { layer: node.name }) : "";
    const key = `${forward.session} ${scaleVersion()}`;
    if (shown === key) return;
    shown = key;
    const kernels = node ? await asked((signal) => kernelsOf(node, network, forward, signal)).catch(() => null) : [];
    if (!kernels) return; // of another epoch, or not to be had
    const limit = Math.max(...kernels.flatMap(({ values }) => [...values].map(Math.abs)));
    row.replaceChildren(...kernels.map((kernel) => kernelPicture(kernel, limit)));
  }
  return { element: h("div", { class: "moment-layer" }, title, row), show };
}

function kernelsOf(node, { classifier }, { session }, signal) {
  const maps = Array.from({ length: Math.min(node.shape[0], KERNELS) }, (_, map) => map);
  return Promise.all(maps.map((map) => api.kernels(node.name, { classifier, map, session, signal })));
}

const kernelPicture = ({ values, shape: [, rows, columns] }, limit) =>
  valuesPicture(values.subarray(0, rows * columns), rows, columns, limit);
