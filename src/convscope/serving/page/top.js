/** The bar at the top: the classifier, what can be taken away, language and theme. */

import { h, icon, saveFile } from "./dom.js";
import { LANGUAGES, ofLanguage, t } from "./i18n.js";
import { allNumbers, networkPicture, shownNumbers } from "./network/save.js";

const THEMES = ["auto", "light", "dark"];
const SIGNS = { auto: "auto", light: "sun", dark: "moon" };

export function mount(root, store, speak) {
  const select = h("select", { class: "classifier", onchange: () => store.set({ classifier: select.value, selected: null }) });
  const menu = h("div", { class: "menu", role: "menu", hidden: true });
  const share = h("button", { class: "quiet", "aria-haspopup": "menu", "aria-expanded": "false", onclick: () => open(menu.hidden) });
  const language = h("div", { class: "choice", role: "group" });
  const theme = h("button", { class: "tool", onclick: () => store.set({ theme: THEMES[(THEMES.indexOf(store.state.theme) + 1) % 3] }) });
  const box = h("div", { class: "share" }, share, menu);
  const about = h("span", { class: "about-classifier soft", dir: "auto" });
  root.append(select, about, box, language, theme);

  function open(yes) {
    menu.hidden = !yes;
    share.setAttribute("aria-expanded", String(yes));
    if (yes) menu.querySelector("button:not(:disabled)")?.focus();
  }
  box.addEventListener("keydown", (event) => {
    const items = [...menu.querySelectorAll("button:not(:disabled)")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" && !menu.hidden) {
      event.preventDefault();
      open(false);
      share.focus();
    } else if (step && items.length) {
      event.preventDefault();
      items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
    }
  });
  document.addEventListener("pointerdown", (event) => box.contains(event.target) || open(false));

  function words() {
    const { state } = store;
    share.replaceChildren(icon("share"), h("span", { class: "word" }, t("top.share")));
    share.setAttribute("aria-label", t("top.share"));
    const items = [
      ["top.link", copyLink, true],
      ["top.picture", async () => saveFile(`${state.classifier}.png`, await networkPicture(store)), state.network],
      ["top.csv", () => saveFile(...shownNumbers(store.state), "text/csv"), state.forward],
      ["top.json", () => saveFile(`${state.classifier}.json`, JSON.stringify(allNumbers(store.state), null, 1), "application/json"), state.forward],
    ];
    menu.replaceChildren(...items.map(([key, act, possible]) => h("button", { role: "menuitem", disabled: !possible, onclick: async (event) => {
      await act(event);
      if (key !== "top.link") open(false);
    } }, t(key))));
    language.setAttribute("aria-label", t("top.language"));
    language.replaceChildren(...LANGUAGES.map((code) => h("button", { lang: code === "zh" ? "zh-Hans" : "en", "aria-pressed": String(code === state.language),
      data: { language: code }, onclick: () => speak(code) }, code === "zh" ? "中文" : "EN")));
    theme.replaceChildren(icon(SIGNS[state.theme]));
    theme.title = t(`top.theme.${state.theme}`);
    theme.setAttribute("aria-label", theme.title);
    select.setAttribute("aria-label", t("top.classifier"));
    const chosen = state.classifiers.find(({ id }) => id === state.classifier);
    about.textContent = ofLanguage(chosen?.description);
    select.title = about.textContent;
    select.replaceChildren(...state.classifiers.map(({ id, name }) => h("option", { value: id, selected: id === state.classifier }, name)));
    select.hidden = !state.classifiers.length;
  }
  async function copyLink(event) {
    const button = event.currentTarget;
    await new Promise((resolve) => setTimeout(resolve, 250)); // the link is written a moment after the last change
    try {
      await navigator.clipboard.writeText(location.href);
      button.textContent = t("top.copied");
    } catch {
      button.textContent = t("top.copyByHand");
    }
  }
  store.on(["classifiers", "classifier", "language", "theme", "network", "forward"], () => menu.hidden && words());
  words();
}
