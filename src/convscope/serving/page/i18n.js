/** The page's sentences, in English and Chinese. Keys are the same in both files. */

import { ownFile } from "./state/api.js";

export const LANGUAGES = ["en", "zh"];

let words = {};
let current = "en";

/** Fetches a language and makes it the current one. */
export async function useLanguage(language) {
  const file = await ownFile(`i18n/${language}.json`);
  words = JSON.parse(await file.text());
  current = language;
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
}

/** Whether the reader has fingers alone, with which nothing can be pointed at. */
const touches = () => matchMedia("(hover: none)").matches;

/** A sentence, with {values} filled in; `n` of 1 takes the key's "_one", and a touch screen its "_touch", if any. */
export function t(key, values = {}) {
  const fitting = values.n === 1 ? words[`${key}_one`] : words[`${key}_touch`] && touches() && words[`${key}_touch`];
  const text = fitting || words[key] || key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export const has = (key) => key in words;

/** Of {en, zh}, as the server sends it, the current one. */
export const ofLanguage = (both) => both?.[current] ?? both?.en ?? "";

/** Fills in what index.html leaves open: data-i18n is the text, data-i18n-label the accessible name and tooltip. */
export function translate(root = document) {
  for (const element of root.querySelectorAll("[data-i18n]")) element.textContent = t(element.dataset.i18n);
  for (const element of root.querySelectorAll("[data-i18n-label]")) {
    element.setAttribute("aria-label", t(element.dataset.i18nLabel));
    element.title = t(element.dataset.i18nLabel);
  }
}
