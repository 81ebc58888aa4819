/** The bar at the top: the classifier, what can be taken along, language and theme. */

import { h, icon, setLabel } from "./dom.js";
import { LANGUAGES, ofLanguage, t } from "./i18n.js";
import { shareMenu } from "./share.js";

const NAMES = { en: "EN", zh: "中文" };
const CODES = { en: "en", zh: "zh-Hans" }; // for the attribute `lang`
const THEMES = ["auto", "light", "dark"];
const ICONS = { auto: "auto", light: "sun", dark: "moon" };

/** `changeLanguage(code)` and `changeTheme(theme)` change those of the page, and of later visits. */
export function mount(root, store, { changeLanguage, changeTheme }) {
  const classifier = h("select", {
    class: "classifier", onchange: () => store.set({ classifier: classifier.value, selected: null, notice: null }),
  });
  const about = h("span", { class: "about-classifier soft", dir: "auto" });
  const share = shareMenu(store);
  const languages = h("div", { class: "choice", role: "group" });
  const theme = h("button", { class: "tool", onclick: () => changeTheme(nextTheme(store.state.theme)) });
  root.append(classifier, about, share.element, languages, theme);
  const show = () => {
    share.show();
    languages.setAttribute("aria-label", t("top.language"));
    languages.replaceChildren(...LANGUAGES.map((code) => languageButton(code, store.state.language, changeLanguage)));
    theme.replaceChildren(icon(ICONS[store.state.theme]));
    setLabel(theme, t(`top.theme.${store.state.theme}`));
    showClassifiers(classifier, about, store.state);
  };
  store.on(["classifiers", "classifier", "language", "theme"], show);
  show();
}

const nextTheme = (theme) => THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];

function languageButton(code, chosen, useLanguage) {
  return h("button", {
    lang: CODES[code], "aria-pressed": String(code === chosen), data: { language: code },
    onclick: () => useLanguage(code),
  }, NAMES[code]);
}

function showClassifiers(select, about, { classifiers, classifier }) {
  const option = ({ id, name }) => h("option", { value: id, selected: id === classifier }, name);
  select.setAttribute("aria-label", t("top.classifier"));
  select.replaceChildren(...classifiers.map(option));
  select.hidden = !classifiers.length;
  about.textContent = ofLanguage(classifiers.find(({ id }) => id === classifier)?.description);
  select.title = about.textContent;
}
