/** All kernels of a convolution as one picture: in colour where it sees three colours, else in the page's scale. */

import { colourOf, scaleVersion } from "../colour.js";
import { h, icon, saveFile } from "../dom.js";
import { t } from "../i18n.js";
import { short, strongest } from "../numbers.js";
import * as api from "../state/api.js";
import { note } from "../state/problems.js";

const MOST = 256; // kernels
const AT_ONCE = 6; // that are asked for together
const [TILE, GAP] = [44, 4]; // pixels

/** {element, update()} for a layer whose kernels can be shown so; null for other layers. */
export function kernelsPicture(store, node) {
  const { network } = store.state;
  const inputs = node.inputs.reduce((sum, input) => sum + network.byName.get(input).shape[0], 0);
  const depth = inputs / (node.attributes?.groups ?? 1);
  const suits = node.kind === "conv" && node.parameters && node.shape.length === 3 && [1, 3].includes(depth)
    && !node.attributes.table && !/transpose/i.test(node.type);
  if (!suits) return null;
  const canvas = h("canvas", { class: "kernels-picture", role: "img" });
  const words = h("p", { class: "soft" });
  const save = h("button", { class: "quiet", hidden: true, onclick: () => canvas.toBlob((blob) =>
    saveFile(`${node.name} kernels.png`, blob, "image/png")) }, icon("share"), t("kernels.save"));
  const element = h("section", { class: "kernels" }, h("h3", {}, t("kernels.title")), canvas, words, save);
  const view = { element, canvas, words, save, kernels: [], painted: null }; // painted: the version of the colours
  learn(store, node, view);
  return { element, update: () => view.painted !== null && view.painted !== scaleVersion() && paint(view) };
}

async function learn(store, node, view) {
  const { element, canvas, words, save, kernels } = view;
  const { forward: { session }, network: { classifier } } = store.state;
  const count = Math.min(node.shape[0], MOST);
  try {
    while (kernels.length < count) {
      const maps = Array.from({ length: Math.min(AT_ONCE, count - kernels.length) }, (_, i) => kernels.length + i);
      kernels.push(...await Promise.all(maps.map((map) => api.kernels(node.name, { classifier, map, session }))));
    }
  } catch (problem) {
    note(store, problem);
    element.hidden = true;
    return;
  }
  const limit = paint(view);
  canvas.setAttribute("aria-label", t("kernels.label", { n: count, layer: node.name }));
  const inColour = kernels[0].shape[0] === 3;
  words.textContent = inColour ? t("kernels.colour", { n: count })
    : t("kernels.gray", { n: count, limit: short(limit) });
  save.hidden = false;
}

/** The kernels row by row, each as a tile; gray stands for 0 where they are in colour. Returns the strongest weight. */
function paint(view) {
  const { canvas, kernels } = view;
  const limit = strongest(kernels.map(({ values }) => strongest(values)));
  view.painted = scaleVersion();
  const columns = Math.ceil(Math.sqrt(kernels.length * 1.6));
  const rows = Math.ceil(kernels.length / columns);
  canvas.width = columns * (TILE + GAP) - GAP;
  canvas.height = rows * (TILE + GAP) - GAP;
  const context = canvas.getContext("2d");
  kernels.forEach(({ values, shape: [depth, height, width] }, i) => {
    const [left, top] = [(i % columns) * (TILE + GAP), Math.floor(i / columns) * (TILE + GAP)];
    const own = strongest(values) || 1;
    const [wide, tall] = [TILE / width, TILE / height];
    for (let at = 0; at < height * width; at += 1) {
      const colour = depth === 3
        ? [0, 1, 2].map((c) => Math.round(127.5 + 127.5 * (values[c * height * width + at] / own)))
        : colourOf(values[at] / (limit || 1));
      context.fillStyle = `rgb(${colour.join(" ")})`;
      context.fillRect(left + (at % width) * wide, top + Math.floor(at / width) * tall, wide + 0.5, tall + 0.5);
    }
  });
  return limit;
}
