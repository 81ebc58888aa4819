/** Why this answer: heat maps of two classes side by side, and a brush that covers parts of the picture. */

import { cssColour, css, seenPicture, themeInUse, valuesPicture } from "../colour.js";
import { attribution, latest } from "../state/api.js";
import { h, icon, name } from "../dom.js";
import { has, ofLanguage, t } from "../i18n.js";
import { isVector } from "../network/layout.js";
import { percent } from "../numbers.js";

const MAP_METHODS = ["hires-cam", "grad-cam"];
const METHODS = [...MAP_METHODS, "integrated-gradients", "guided-backprop", "saliency", "occlusion", "deconvnet"];
const SIZE = 208;
const chosen = { method: "hires-cam", layer: "", first: null, second: null, versus: false }; // kept while the page is open

export function whyView(root, store) {
  const controls = h("div", { class: "why-controls" });
  const explained = h("p", { class: "soft why-method" });
  const brush = figure("why.cover");
  const maps = [figure(), figure()];
  const uncover = h("button", { class: "quiet", onclick: () => store.set({ whatif: { ...store.state.whatif, occlude: [] } }) }, icon("reset"), t("why.uncover"));
  brush.element.append(h("p", { class: "soft" }, t("why.brush")), uncover);
  root.append(controls, h("div", { class: "why-pictures" }, brush.element, maps.map(({ element }) => element), explained));
  const answers = [latest(), latest()];
  let asked = "";
  covering(brush.canvas, store);

  function select(label, options, value, choose) {
    return h("label", { class: "field" }, label, h("select", { dir: "auto", onchange: (event) => { choose(event.target.value); update(); } },
      options.map(([key, text]) => h("option", { value: key, selected: key === String(value) }, text))));
  }
  function showControls(best) {
    const { network } = store.state;
    const classes = network.class_names.map((text, i) => [String(i), text]);
    const layers = network.nodes.filter(({ shape, kind }) => !isVector(shape) && kind !== "input").map(({ name: layer }) => [layer, layer]);
    const parts = [
      select(t("why.method"), METHODS.map((method) => [method, t(`why.${method}`)]), chosen.method, (v) => (chosen.method = v)),
      MAP_METHODS.includes(chosen.method) ? select(t("why.layer"), [["", t("why.lastLayer")], ...layers], chosen.layer, (v) => (chosen.layer = v)) : null,
      select(t("why.class"), classes, chosen.first ?? best[0], (v) => (chosen.first = Number(v))),
      select(t("why.beside"), classes, chosen.second ?? best[1], (v) => (chosen.second = Number(v))),
      h("label", { class: "check" }, h("input", { type: "checkbox", checked: chosen.versus, onchange: (event) => { chosen.versus = event.target.checked; update(); } }), t("why.versus")),
    ];
    controls.replaceChildren(...parts.filter(Boolean));
    explained.textContent = has(`why.${chosen.method}.about`) ? t(`why.${chosen.method}.about`) : "";
  }

  async function update() {
    const { forward, network, whatif } = store.state;
    if (!forward) return;
    if (chosen.first >= network.class_names.length || chosen.second >= network.class_names.length) chosen.first = chosen.second = null;
    if (chosen.layer && !network.byName.has(chosen.layer)) chosen.layer = "";
    const best = forward.probabilities.slice(0, 2).map(({ index }) => index);
    showPicture(brush.canvas, forward.seen);
    uncover.hidden = !whatif.occlude.length;
    const labels = [chosen.first ?? best[0], chosen.second ?? best[1] ?? best[0]];
    const key = JSON.stringify([forward.session, chosen, labels]);
    if (key === asked) return;
    asked = key;
    showControls(best);
    const layer = MAP_METHODS.includes(chosen.method) && chosen.layer ? chosen.layer : undefined;
    await Promise.all(labels.map(async (label, i) => {
      const share = forward.probabilities.find(({ index }) => index === label);
      maps[i].caption(name(share.label), ` · ${percent(share.probability)} %`);
      maps[i].element.classList.add("busy");
      try {
        const question = { method: chosen.method, layer, label, versus: chosen.versus && labels[1 - i] !== label ? labels[1 - i] : undefined };
        const heat = await answers[i]((signal) => attribution(forward.session, question, signal));
        if (heat) showHeat(maps[i].canvas, forward.seen, heat);
      } catch (problem) {
        maps[i].caption(h("span", { class: "problem", role: "alert" }, ofLanguage(problem.words) || String(problem)));
      }
      maps[i].element.classList.remove("busy");
    }));
  }
  return { update };
}

function figure(key) {
  const canvas = h("canvas", { class: key ? "cover" : "heat", role: "img", "aria-label": key ? t(key) : t("why.map") });
  const text = h("figcaption", {}, key ? t(key) : "");
  return { element: h("figure", { class: "why-figure" }, canvas, text), canvas, caption: (...words) => text.replaceChildren(...words) };
}

function prepare(canvas, { height, width }) {
  const scale = SIZE / Math.max(height, width);
  canvas.width = Math.round(width * scale * devicePixelRatio);
  canvas.height = Math.round(height * scale * devicePixelRatio);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = scale < 2;
  return context;
}

function showPicture(canvas, seen) {
  const context = prepare(canvas, seen);
  context.drawImage(seenPicture(seen), 0, 0, canvas.width, canvas.height);
}

/** The heat map in the page's scale, with the picture's own lines through it so that one sees where it lies. */
function showHeat(canvas, seen, heat) {
  const context = prepare(canvas, seen);
  const limit = Math.max(Math.abs(heat.low), Math.abs(heat.high));
  context.fillStyle = css(cssColour("--paper"));
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(valuesPicture(heat.values, heat.height, heat.width, limit), 0, 0, canvas.width, canvas.height);
  context.globalAlpha = 0.32;
  context.drawImage(onPaper(seen), 0, 0, canvas.width, canvas.height);
  context.globalAlpha = 1;
}

/** The picture in gray, turned round where its ground would hide the paper. */
function onPaper({ channels, height, width, data }) {
  const n = height * width;
  const gray = Uint8Array.from({ length: n }, (_, i) => (channels === 3 ? 0.3 * data[i] + 0.59 * data[n + i] + 0.11 * data[2 * n + i] : data[i]));
  const dark = gray.reduce((sum, v) => sum + v, 0) / n < 128;
  const turned = dark === (themeInUse() === "light") ? gray.map((v) => 255 - v) : gray;
  return seenPicture({ channels: 1, height, width, data: turned });
}

/** Brushing: dabs in the network's own pixels, added while the pointer is down. */
function covering(canvas, store) {
  const dab = (event) => {
    const { network, whatif } = store.state;
    const [, height, width] = network.input_size;
    const box = canvas.getBoundingClientRect();
    const [row, column] = [((event.clientY - box.top) / box.height) * height, ((event.clientX - box.left) / box.width) * width].map(Math.floor);
    const radius = Math.max(Math.round(Math.max(height, width) / 12), 1);
    const near = whatif.occlude.some((other) => Math.hypot(other.row - row, other.column - column) < radius / 2);
    if (!near) store.set({ whatif: { ...whatif, occlude: [...whatif.occlude, { row, column, radius }] } });
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    dab(event);
  });
  canvas.addEventListener("pointermove", (event) => event.buttons === 1 && dab(event));
}
