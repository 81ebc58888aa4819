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
import { keepFocus } from "./focus.js";
import { translate, useLanguage } from "./i18n.js";
import * as draw from "./input/draw.js";
import * as pictures from "./input/pictures.js";
import * as seen from "./input/seen.js";
import { playIntro } from "./intro.js";
import * as faint from "./network/faint.js";
import { listenToFinder } from "./network/finder.js";
import * as legend from "./network/legend.js";
import * as network from "./network/network.js";
import * as toolbar from "./network/toolbar.js";
import * as notice from "./notice.js";
import { listenToPresenter } from "./predict.js";
import { preferences, remember } from "./preferences.js";
import { listenToSpotlight } from "./spotlight.js";
import { followAddress } from "./state/address.js";
import { beginning } from "./state/arrival.js";
import { fromHash } from "./state/link.js";
import { start } from "./state/session.js";
import { INITIAL, createStore } from "./state/store.js";
import * as tabs from "./tabs.js";
import * as top from "./top.js";
import * as epochs from "./training/epochs.js";

const link = fromHash(location.hash);
const store = createStore({ ...INITIAL, ...preferences(), ...(link && linked(link)) });

/** What the page begins with when it is opened by a link. */
function linked({ language, theme, ...rest }) {
  return { ...beginning(rest), ...(language && { language }), ...(theme && { theme }) };
}

function useTheme({ theme }) {
  document.documentElement.dataset.theme = theme;
  rebuildScale();
}

/** Only what a person chooses is remembered, not what the page passes through when the system changes its colours. */
function changeTheme(theme) {
  remember("theme", theme);
  store.set({ theme });
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

function mountViews(retry) {
  const element = (id) => document.getElementById(id);
  top.mount(element("top"), store, { changeLanguage, changeTheme });
  notice.mount(element("notice"), store);
  draw.mount(element("draw"), store);
  pictures.mount(element("pictures"), store);
  seen.mount(element("seen"), store);
  toolbar.mount(element("toolbar"), store);
  legend.mount(element("legend"), store);
  faint.mount(element("faint"), store);
  epochs.mount(element("epochs"), store);
  network.mount(element("network"), store);
  answer.mount(element("answer"), store, retry);
  drawer.mount(element("drawer"), store);
  tabs.mount(element("tabs"), store);
}

/** The skip link moves the focus and leaves the address, which holds the view, as it is. */
function followSkipLink() {
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    store.set({ tab: "network" });
    document.querySelector("#network .scroller").focus();
  });
}

async function begin() {
  useTheme(store.state);
  await useLanguage(store.state.language);
  translate();
  store.on(["theme"], useTheme); // before any view paints with the new colours
  followSystemTheme();
  mountViews(() => session.retry());
  listenToEscape(store);
  keepFocus();
  listenToFinder(store);
  listenToPresenter(store);
  listenToSpotlight(store);
  followSkipLink();
  followAddress(store, changeLanguage);
  if (!link) playIntro(store);
  const session = start(store); // last, so that the views hear of its first answers
}

begin();
