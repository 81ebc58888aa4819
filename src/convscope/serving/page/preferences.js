/** Language and theme of an earlier visit, or those of the browser. */

import { LANGUAGES } from "./i18n.js";

const CHOICES = { language: LANGUAGES, theme: ["light", "dark", "auto"] };

/** {language, theme?} to begin with. */
export function preferences() {
  return { language: browserLanguage(), ...remembered("language"), ...remembered("theme") };
}

/** Chinese for those who read it, unless they prefer English. */
function browserLanguage() {
  const readsChinese = navigator.languages.some((code) => code.startsWith("zh"));
  return readsChinese && !navigator.language.startsWith("en") ? "zh" : "en";
}

/** {[key]: value} of an earlier visit; {} if there was none. */
function remembered(key) {
  const value = recall(key);
  return CHOICES[key].includes(value) ? { [key]: value } : {};
}

/** What `remember` kept; null if there is nothing, or where the browser keeps nothing (in a frame, from a file). */
export function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Then it is chosen again at the next visit.
  }
}
