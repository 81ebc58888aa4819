/** Puts the page together: language, theme, link, tabs and keys; then each view is given its place and the store. */

import * as answer from "./answer.js";
import * as draw from "./input/draw.js";
import * as drawer from "./drawer/drawer.js";
import * as epochs from "./training/epochs.js";
import * as legend from "./network/legend.js";
import * as network from "./network/network.js";
import * as pictures from "./input/pictures.js";
import * as seen from "./input/seen.js";
import * as tabs from "./tabs.js";
import * as toolbar from "./network/toolbar.js";
import * as top from "./top.js";
import { rebuildScale } from "./colour.js";
import { LANGUAGES, translate, useLanguage } from "./i18n.js";
import { fromHash, toHash } from "./state/link.js";
import { start } from "./state/session.js";
import { INITIAL, createStore, up } from "./state/store.js";
import { SOFTMAX } from "./state/softmax.js";
import { isVector } from "./network/layout.js";

const place = (id) => document.getElementById(id);
const preferred = navigator.languages.some((code) => code.startsWith("zh")) && !navigator.language.startsWith("en") ? "zh" : "en";
/** What was chosen on an earlier visit; nothing where the browser keeps nothing. */
function remembered(key, values) {
  try {
    const value = localStorage.getItem(key);
    return values.includes(value) ? { [key]: value } : {};
  } catch {
    return {};
  }
}
function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Then it is chosen again next time.
  }
}

const store = createStore({
  ...INITIAL,
  language: preferred,
  ...remembered("language", LANGUAGES),
  ...remembered("theme", ["light", "dark", "auto"]),
  ...fromHash(location.hash),
});

function useTheme({ theme }) {
  document.documentElement.dataset.theme = theme;
  remember("theme", theme);
  rebuildScale();
}

/** Shows the language, then lets the views know by `language` that the words are there. */
async function speak(language) {
  await useLanguage(language);
  remember("language", language);
  translate();
  store.set({ language });
}

function keys(event) {
  const typing = event.target.closest?.("input, select, textarea, dialog, [role=menu]");
  if (event.key !== "Escape" || event.defaultPrevented || (typing && typing.type !== "number")) return;
  const { selected, why, network: graph } = store.state;
  if (why) store.set({ why: false });
  else if (selected) {
    const vector = selected.layer === SOFTMAX || isVector(graph.byName.get(selected.layer).shape);
    const next = up(selected);
    // A value of a vector has no map around it.
    if (vector && next && next.y === undefined) store.set({ selected: selected.layer === SOFTMAX ? null : { layer: selected.layer } });
    else store.set({ selected: next });
  } else return;
  event.preventDefault();
}

let writing = 0;
function writeLink() {
  clearTimeout(writing);
  writing = setTimeout(() => history.replaceState(null, "", `#${toHash(store.state)}`), 200);
}

async function begin() {
  useTheme(store.state);
  await useLanguage(store.state.language);
  translate();
  store.on(["theme"], useTheme); // before any view paints with the new colours
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    if (store.state.theme === "auto") store.set({ theme: "light" }), store.set({ theme: "auto" });
  });
  const session = { again: () => {} };
  top.mount(place("top"), store, speak);
  draw.mount(place("draw"), store);
  pictures.mount(place("pictures"), store);
  seen.mount(place("seen"), store);
  toolbar.mount(place("toolbar"), store);
  legend.mount(place("legend"), store);
  epochs.mount(place("epochs"), store);
  network.mount(place("network"), store);
  answer.mount(place("answer"), store, () => session.again());
  drawer.mount(place("drawer"), store);
  tabs.mount(place("tabs"), store, document);
  document.addEventListener("keydown", keys);
  store.on(["classifier", "source", "selected", "tab", "three", "step", "scale", "language", "theme"], writeLink);
  addEventListener("hashchange", (event) => {
    // Of the event, not of the page: the link may have been written once more in between.
    const { language, ...changes } = fromHash(new URL(event.newURL).hash);
    store.set({ selected: null, ...changes });
    if (language && language !== store.state.language) speak(language);
  });
  session.again = start(store).again;
}

begin();
