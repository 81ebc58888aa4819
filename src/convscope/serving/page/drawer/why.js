/** Why this answer: heat maps of two classes side by side, and a brush that covers parts of the picture. */

import { scaleVersion } from "../colour.js";
import { h, icon, name } from "../dom.js";
import { has, ofLanguage, t } from "../i18n.js";
import { isVector } from "../network/layout.js";
import { percent, short, strongest } from "../numbers.js";
import { attribution, latest, methods } from "../state/api.js";
import { countChanges } from "../state/whatif.js";
import { listenToBrush } from "./brush.js";
import { foolView } from "./fool.js";
import { paintHeat, paintPicture } from "./heatmap.js";

const METHODS_OF_LAYERS = ["hires-cam", "grad-cam"]; // their maps belong to one layer
const METHODS = [...METHODS_OF_LAYERS, "integrated-gradients", "guided-backprop", "saliency", "occlusion", "deconvnet"];
// Until it is measured what points best: pixels of a side up to which a patch is quickly moved over the picture.
const SMALL = 64;
const CLEAR = 0.02; // of a probability, by which the best method has to be better than a random order of the pixels
const measured = new Map(); // classifier -> what is known of it by now; null where nothing can be measured
const measuring = new Set(); // classifiers

export function whyView(root, store) {
  const cover = figure("cover", "why.cover");
  const uncoverAll = () => store.set({ whatif: { ...store.state.whatif, occlude: [], pixels: [] } });
  const view = {
    store, cover, fool: foolView(store),
    uncover: h("button", { class: "quiet", onclick: uncoverAll }, icon("reset"), t("why.uncover")),
    controls: h("div", { class: "why-controls" }),
    about: h("p", { class: "soft" }),
    best: h("p", { class: "soft best-method", role: "status" }),
    scale: h("p", { class: "soft" }),
    maps: [figure("heat", "why.map"), figure("heat", "why.map")],
    requests: [latest(), latest()],
    asked: "", // what the maps were asked for
    heats: null, // those maps
    painted: null, // the version of the colours in which they are
  };
  cover.caption(t("why.cover"));
  cover.element.append(h("p", { class: "soft" }, t("why.brush")), view.uncover);
  listenToBrush(cover.canvas, store);
  root.append(view.controls, view.fool.element,
    h("div", { class: "why-pictures" }, cover.element, view.maps.map(({ element }) => element),
      h("div", { class: "why-method" }, view.best, view.about, view.scale)));
  measure(view);
  return { update: () => update(view) };
}

function figure(className, key) {
  const canvas = h("canvas", { class: className, role: "img", "aria-label": t(key) });
  const text = h("figcaption", {});
  const element = h("figure", { class: "why-figure" }, canvas, text);
  return { element, canvas, caption: (...words) => text.replaceChildren(...words) };
}

/**
 * Asks for each classifier which method points best in it; the maps are then those of the best one. A slow network is
 * measured part after part while this is open.
 */
async function measure(view) {
  const { store } = view;
  const { network: { classifier } } = store.state;
  const isOpen = () => store.state.why && store.state.network?.classifier === classifier;
  if (measuring.has(classifier) || (measured.has(classifier) && !measured.get(classifier)?.pending)) return;
  measuring.add(classifier);
  try {
    do {
      measured.set(classifier, (await methods(classifier)).measured);
      if (isOpen()) update(view);
    } while (measured.get(classifier)?.pending && isOpen());
  } catch {
    // Asked again when this opens again.
  } finally {
    measuring.delete(classifier);
  }
}

/** What was measured of the network that is shown; null until that is finished. */
function finished(classifier) {
  const known = measured.get(classifier);
  return known && !known.pending ? known : null;
}

async function update(view) {
  const { store, cover, uncover } = view;
  const { forward, network, whatif } = store.state;
  if (!forward) return;
  const chosen = known(store.state.whyChoice, network);
  paintPicture(cover.canvas, forward.seen);
  uncover.hidden = !whatif.occlude.length && !whatif.pixels.length;
  view.fool.update();
  const best = bestClasses(store.state);
  const classes = [chosen.first ?? best[0], chosen.second ?? best[1] ?? best[0]];
  showMeasured(view, chosen.method);
  const asked = JSON.stringify([forward.session, chosen, classes]);
  if (asked === view.asked) {
    if (view.heats && view.painted !== scaleVersion()) paintTogether(view);
    return;
  }
  Object.assign(view, { asked, heats: null });
  showControls(view, chosen, best);
  const [first, second] = classes;
  const pairs = [[first, second], [second, first]];
  const heats = await Promise.all(pairs.map(([label, other], i) => showMap(view, i, chosen, label, other)));
  if (!heats.every(Boolean) || !store.state.forward) return; // a link may have left the picture
  view.heats = heats;
  paintTogether(view);
}

/** The two most probable classes, without what is covered or switched off: the question stays the same meanwhile. */
function bestClasses({ forward, before, whatif }) {
  if (!countChanges(whatif) || !before) return forward.probabilities.slice(0, 2).map(({ index }) => index);
  return before.map((_, index) => index).sort((a, b) => before[b] - before[a]).slice(0, 2);
}

/** What is chosen, without what the network does not have: those are choices for another classifier. */
function known({ method, layer, first, second, versus }, network) {
  const isClass = (index) => index !== null && index < network.class_names.length;
  const suited = finished(network.classifier)?.methods[0].method
    ?? (Math.max(...network.input_size) <= SMALL ? "occlusion" : "hires-cam");
  return {
    method: METHODS.includes(method) ? method : suited, layer: network.byName.has(layer) ? layer : "",
    first: isClass(first) ? first : null, second: isClass(second) ? second : null, versus,
  };
}

async function showMap({ store, maps, requests }, i, chosen, label, other) {
  const { forward } = store.state;
  const map = maps[i];
  const { element, caption } = map;
  const { label: text, probability } = forward.probabilities.find(({ index }) => index === label);
  const question = {
    method: chosen.method, label,
    layer: METHODS_OF_LAYERS.includes(chosen.method) && chosen.layer ? chosen.layer : undefined,
    versus: chosen.versus && other !== label ? other : undefined,
  };
  caption(name(text), ` · ${percent(probability)} %`);
  element.classList.add("busy");
  map.question = question;
  try {
    return await requests[i]((signal) => attribution(forward.session, question, signal));
  } catch (problem) {
    caption(h("span", { class: "problem", role: "alert" }, ofLanguage(problem.words) || String(problem)));
    return null;
  } finally {
    // A question that a newer one has replaced ends before that one is answered.
    if (map.question === question) element.classList.remove("busy");
  }
}

/** Both maps in one scale, whose strongest number stands below. */
function paintTogether(view) {
  const { store, maps, scale, heats } = view;
  view.painted = scaleVersion();
  const { forward } = store.state;
  const limit = strongest(heats.flatMap(({ low, high }) => [low, high]));
  heats.forEach((heat, i) => paintHeat(maps[i].canvas, forward.seen, heat, limit));
  scale.textContent = t("why.scale", { limit: short(limit) });
}

/** What was measured of the method that is shown, and of the best one if that is another. */
function showMeasured({ store, best }, method) {
  const known = measured.get(store.state.network.classifier);
  if (!known || known.pending) {
    best.textContent = known ? t("why.measuring", { n: known.images, of: known.of }) : "";
    return;
  }
  const { images, methods: rows, random } = known;
  const [first] = rows;
  const own = rows.find((row) => row.method === method);
  const words = (row) => ({
    method: t(`why.${row.method}`), insertion: percent(row.insertion), deletion: percent(row.deletion),
  });
  const sentence = first.score - random.score < CLEAR ? t("why.none", { ...words(own ?? first), n: images })
    : own === first ? t("why.best", { ...words(first), n: images })
    : own ? t("why.other", { ...words(own), best: t(`why.${first.method}`) })
      : t("why.unmeasured", { best: t(`why.${first.method}`) });
  best.textContent = `${sentence} ${t("why.random", words({ ...random, method: first.method }))}`;
}

function showControls(view, chosen, best) {
  const { store } = view;
  const { network } = store.state;
  const choose = (changes) => store.set({ whyChoice: { ...store.state.whyChoice, ...changes } });
  const classes = network.class_names.map((text, i) => [String(i), text]);
  const methods = METHODS.map((method) => [method, t(`why.${method}`)]);
  const about = `why.${chosen.method}.about`;
  view.about.textContent = has(about) ? t(about) : "";
  view.controls.replaceChildren(
    select(t("why.method"), methods, chosen.method, (method) => choose({ method })),
    ...(METHODS_OF_LAYERS.includes(chosen.method) ? [layerSelect(network, chosen, choose)] : []),
    select(t("why.class"), classes, chosen.first ?? best[0], (label) => choose({ first: Number(label) })),
    select(t("why.beside"), classes, chosen.second ?? best[1], (label) => choose({ second: Number(label) })),
    versusBox(chosen, choose));
}

function layerSelect(network, chosen, choose) {
  const withMaps = network.nodes.filter(({ shape, table, kind }) => !isVector(shape) && !table && kind !== "input");
  const layers = withMaps.map((node) => [node.name, node.name]);
  return select(t("why.layer"), [["", t("why.lastLayer")], ...layers], chosen.layer, (layer) => choose({ layer }));
}

function versusBox(chosen, choose) {
  const onchange = (event) => choose({ versus: event.target.checked });
  const box = h("input", { type: "checkbox", checked: chosen.versus, onchange });
  return h("label", { class: "check" }, box, t("why.versus"));
}

/** `options` are [key, text]. */
function select(label, options, value, choose) {
  const option = ([key, text]) => h("option", { value: key, selected: key === String(value) }, text);
  const onchange = (event) => choose(event.target.value);
  return h("label", { class: "field" }, label, h("select", { dir: "auto", onchange }, options.map(option)));
}
