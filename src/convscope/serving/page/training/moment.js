/** The network at one moment of its training: what it answers, some of its maps, and the kernels of its first convolution. */

import * as api from "../state/api.js";
import { mapPicture, seenPicture, valuesPicture } from "../colour.js";
import { h, name } from "../dom.js";
import { t } from "../i18n.js";
import { kindWithSize } from "../network/kinds.js";
import { percent } from "../numbers.js";
import { limits } from "../network/paint.js";

const [CLASSES, MAPS, LAYERS, KERNELS, PICTURES] = [5, 8, 4, 16, 10];

export function moment(store) {
  const title = h("h2", {});
  const thumbs = h("div", { class: "thumbs", role: "group" });
  const seen = h("div", { class: "moment-seen" });
  const bars = h("ol", { class: "classes moment-classes" });
  const layers = h("div", { class: "moment-layers" });
  const kernels = h("div", { class: "moment-row" });
  const kernelTitle = h("h3", {});
  const element = h("section", { class: "moment" }, title, thumbs, h("div", { class: "moment-answer" }, seen, bars), layers, h("div", { class: "moment-layer" }, kernelTitle, kernels));
  const asked = api.latest();
  let kernelsOf = null; // the session whose kernels are shown

  function choices() {
    const { examples, source } = store.state;
    thumbs.setAttribute("aria-label", t("pictures.examples"));
    thumbs.replaceChildren(...examples.slice(0, PICTURES).map((example) => {
      const label = t("pictures.example", { title: example.title || example.label || example.id });
      return h("button", { class: "thumb", title: label, "aria-label": label, "aria-pressed": String(source?.id === example.id),
        onclick: () => store.set({ source: { kind: "example", id: example.id } }) }, h("img", { src: example.url, alt: "" }));
    }));
  }
  function answer({ probabilities, seen: picture }) {
    const canvas = seenPicture(picture);
    canvas.className = "seen-picture";
    seen.replaceChildren(canvas);
    bars.replaceChildren(...probabilities.slice(0, CLASSES).map(({ label, probability }, i) => {
      const bar = h("span", { class: "bar" });
      bar.style.width = `${probability * 100}%`;
      return h("li", { class: i ? "" : "best" }, h("span", { class: "label" }, name(label)), h("span", { class: "track" }, bar), h("span", { class: "value" }, `${percent(probability)} %`));
    }));
  }
  /** Layers with maps, spread over the network's depth. */
  function chosenLayers({ nodes }, forward) {
    const some = nodes.filter(({ kind, name: layer }) => kind === "conv" && !forward.layers.get(layer)?.vector);
    const step = Math.max(1, Math.ceil(some.length / LAYERS));
    return some.filter((_, i) => i % step === 0);
  }
  function maps({ network, forward, scale }) {
    const limit = limits(forward.layers, scale);
    layers.replaceChildren(...chosenLayers(network, forward).map((node) => {
      const layer = forward.layers.get(node.name);
      const shown = [...layer.maps].slice(0, MAPS).sort((a, b) => a.map - b.map);
      return h("div", { class: "moment-layer" }, h("h3", {}, name(node.name), ` · ${kindWithSize(node)}`),
        h("div", { class: "moment-row" }, shown.map((map) => mapPicture(map, layer.height, layer.width, limit(layer, map)))));
    }));
  }
  async function firstKernels({ network, forward }) {
    if (kernelsOf === forward.session) return;
    kernelsOf = forward.session;
    const node = network.nodes.find(({ kind, parameters }) => kind === "conv" && parameters);
    kernelTitle.textContent = node ? t("training.kernels", { layer: node.name }) : "";
    if (!node) return kernels.replaceChildren();
    const numbers = Array.from({ length: Math.min(node.shape[0], KERNELS) }, (_, map) => map);
    const found = await asked((signal) => Promise.all(numbers.map((map) => api.kernels(node.name, { classifier: network.classifier, map, session: forward.session, signal })))).catch(() => null);
    if (!found) return undefined;
    const limit = Math.max(...found.flatMap(({ values }) => [...values].map(Math.abs)));
    return kernels.replaceChildren(...found.map(({ values, shape: [, rows, columns] }) => valuesPicture(values.subarray(0, rows * columns), rows, columns, limit)));
  }

  function show() {
    const { forward, network, epoch, snapshots, status } = store.state;
    title.textContent = epoch === null ? t("training.momentEnd") : snapshots?.live && epoch === snapshots.epochs.at(-1) ? t("training.momentNewest") : epoch === 0 ? t("training.momentStart") : t("training.moment", { epoch });
    choices();
    element.classList.toggle("pending", Boolean(forward) && forward.epoch !== epoch && status !== "failed");
    if (!forward || !network) return;
    answer(forward);
    maps(store.state);
    firstKernels(store.state);
  }
  return { element, show };
}
