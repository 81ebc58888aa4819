/**
 * Puts the page together: language, theme, link and keys; then each view is given its element and the store.
 *
 * A view is a module with `mount(element, store)`. It makes a `view` object of its elements and its state; `show(view)`
 * or `draw(view)` brings them up to date with the store, `listen(view)` handles events. Where one file would be long,
 * painting is in `paint.js` beside it and events are in `events.js`.
 */

import * as answer from "./answer.js";
import { rebuildScale } from "./colour.js";
import * as drawer from "./drawer/drawer.js";
import { listenToEscape } from "./escape.js";
import { translate, useLanguage } from "./i18n.js";
import * as draw from "./input/draw.js";
import * as pictures from "./input/pictures.js";
import * as seen from "./input/seen.js";
import { playIntro } from "./intro.js";
import * as legend from "./network/legend.js";
import * as network from "./network/network.js";
import * as toolbar from "./network/toolbar.js";
import { preferences, remember } from "./preferences.js";
import { fromHash, toHash } from "./state/link.js";
import { start } from "./state/session.js";
import { INITIAL, createStore } from "./state/store.js";
import * as tabs from "./tabs.js";
import * as top from "./top.js";
import * as epochs from "./training/epochs.js";

const LINKED = ["classifier", "source", "selected", "tab", "three", "step", "scale", "language", "theme", "intro"];
const LINK_DELAY = 200; // milliseconds of rest after which the link is written

const store = createStore({ ...INITIAL, ...preferences(), ...fromHash(location.hash) });

function useTheme({ theme }) {
  document.documentElement.dataset.theme = theme;
  remember("theme", theme);
  rebuildScale();
}

/** Fetches a language, then tells the views by `language` that its words are there. */
async function changeLanguage(language) {
  await useLanguage(language);
  remember("language", language);
  translate();
  store.set({ language });
}

/** Views paint anew when the system changes its colours and the page follows it. */
function followSystemTheme() {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    if (store.state.theme !== "auto") return;
    store.set({ theme: "light" });
    store.set({ theme: "auto" });
  });
}

/** The state is written to the link, and read when somebody changes the link. */
function followLink() {
  let timer = 0;
  store.on(LINKED, () => {
    clearTimeout(timer);
    if (store.state.intro) return; // whoever loads the page again sees it again
    timer = setTimeout(() => history.replaceState(null, "", `#${toHash(store.state)}`), LINK_DELAY);
  });
  addEventListener("hashchange", (event) => {
    // Of the event, not of the page: the link may have been written once more in between.
    const { language, ...changes } = fromHash(new URL(event.newURL).hash);
    store.set({ selected: null, ...changes });
    if (language && language !== store.state.language) changeLanguage(language);
  });
}

function mountViews(retry) {
  const element = (id) => document.getElementById(id);
  top.mount(element("top"), store, changeLanguage);
  draw.mount(element("draw"), store);
  pictures.mount(element("pictures"), store);
  seen.mount(element("seen"), store);
  toolbar.mount(element("toolbar"), store);
  legend.mount(element("legend"), store);
  epochs.mount(element("epochs"), store);
  network.mount(element("network"), store);
  answer.mount(element("answer"), store, retry);
  drawer.mount(element("drawer"), store);
  tabs.mount(element("tabs"), store);
}

async function begin() {
  useTheme(store.state);
  await useLanguage(store.state.language);
  translate();
  store.on(["theme"], useTheme); // before any view paints with the new colours
  followSystemTheme();
  mountViews(() => session.retry());
  listenToEscape(store);
  followLink();
  if (!location.hash) playIntro(store);
  const session = start(store); // last, so that the views hear of its first answers
}

begin();
