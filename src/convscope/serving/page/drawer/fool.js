/**
 * Pixels changed to fool the network: again and again the pixel whose change should raise the loss most, by the
 * gradient, becomes as bright or dark as it can be, until another class is the most probable one.
 */

import { h, icon } from "../dom.js";
import { ofLanguage, t } from "../i18n.js";
import { percent, valueAt } from "../numbers.js";
import * as api from "../state/api.js";
import { isMultiLabel } from "../state/softmax.js";
import { withPixels } from "../state/whatif.js";

const MOST_STEPS = 60;
const AREA = 4000; // pixels of a picture for each one that is changed at once

/** {element, update()}: a button, and how far the network is from erring. */
export function foolView(store) {
  const view = {
    store, running: false, problem: "", said: h("p", { class: "soft fool-words", role: "status" }),
    button: h("button", { class: "quiet", onclick: () => (view.running ? (view.running = false) : fool(view)) }),
  };
  view.element = h("div", { class: "fool" }, view.button, view.said);
  return { element: view.element, update: () => show(view) };
}

function show({ store, running, problem, button, said, element }) {
  const { forward, before, whatif, network } = store.state;
  element.hidden = !forward || isMultiLabel(network);
  if (element.hidden) return;
  button.replaceChildren(icon(running ? "pause" : "edit"), t(running ? "unit.pause" : "fool.start"));
  const own = original(before);
  const [now] = forward.probabilities;
  const margin = () => {
    const rival = forward.probabilities.find(({ index }) => index !== own);
    const chance = forward.probabilities.find(({ index }) => index === own).probability;
    return t("fool.margin", { own: network.class_names[own], chance: percent(chance), n: whatif.pixels.length,
      rival: rival.label, other: percent(rival.probability) });
  };
  const done = () => t("fool.done", { n: whatif.pixels.length, own: network.class_names[own],
    past: percent(before[own]), label: now.label, chance: percent(now.probability) });
  said.replaceChildren(problem || (!whatif.pixels.length ? t("fool.about") : now.index === own ? margin() : done()));
}

/** The most probable class without any change. */
const original = (before) => before.reduce((best, chance, i) => (chance > before[best] ? i : best), 0);

async function fool(view) {
  const { store, element } = view;
  const { source, classifier } = store.state;
  Object.assign(view, { running: true, problem: "" });
  const goesOn = () => view.running && element.isConnected && store.state.source === source
    && store.state.classifier === classifier && store.state.why;
  show(view);
  try {
    for (let step = 0; step < MOST_STEPS && goesOn(); step += 1) {
      const { forward, before, whatif } = store.state;
      const own = original(before);
      if (forward.probabilities[0].index !== own) break;
      const gradients = await api.gradients(forward.session, own);
      if (!goesOn()) break;
      const pixels = strongest(gradients.layers.get(store.state.network.nodes[0].name), forward.seen, whatif.pixels);
      if (!pixels.length) break;
      await answerTo(store, withPixels(store.state.whatif, pixels));
    }
  } catch (problem) {
    view.problem = ofLanguage(problem.words) || String(problem.message ?? problem);
  }
  view.running = false;
  if (element.isConnected) show(view);
}

/** The pixels, not changed yet, whose change to one end of the scale raises the loss most. */
function strongest(gradient, { channels, height, width, data }, changed) {
  const area = height * width;
  const taken = new Set(changed.map(({ row, column }) => row * width + column));
  const byMap = [...gradient.maps].sort((a, b) => a.map - b.map);
  const found = Array.from({ length: area }, (_, at) => {
    const slopes = byMap.map((map) => valueAt(map, at));
    const values = slopes.map((slope) => (slope > 0 ? 255 : 0));
    const gain = values.reduce((sum, value, c) => sum + slopes[c] * (value - data[c * area + at]), 0);
    return { at, values, gain };
  }).filter(({ at, gain, values }) => gain > 0 && !taken.has(at) && values.length === channels);
  found.sort((a, b) => b.gain - a.gain);
  return found.slice(0, Math.max(Math.round(area / AREA), 1))
    .map(({ at, values }) => ({ row: Math.floor(at / width), column: at % width, values }));
}

/** Sets the changes and waits for the answer to them, or for its failure. */
function answerTo(store, whatif) {
  return new Promise((resolve, reject) => {
    const end = store.on(["forward", "status", "whatif", "source", "classifier"], (state) => {
      const isOther = state.whatif !== whatif;
      if (state.status === "failed") reject(new Error(ofLanguage(state.problem)));
      else if (isOther || (state.forward && state.forward !== former)) resolve();
      else return;
      end();
    });
    const former = store.state.forward;
    store.set({ whatif });
  });
}
