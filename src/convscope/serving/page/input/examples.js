/** Pictures to try: those of the run, its mistakes first, or some that suit the network. */

import { h, name } from "../dom.js";
import { ofLanguage, t } from "../i18n.js";

const SECTIONS = [["mistake", "pictures.mistakes"], ["right", "pictures.right"], ["own", "pictures.own"],
  [null, "pictures.examples"]];
const SHORT = 2; // characters
const KINDS = SECTIONS.map(([kind]) => kind);

/** What there is to say of the pictures, and a section with thumbnails for each kind that there is. */
export function examplesIn(store) {
  const { examples, aboutExamples: { about, warning } } = store.state;
  const kindOf = ({ kind }) => (KINDS.includes(kind) ? kind : null);
  const sections = SECTIONS.map(([kind, key]) => [key, examples.filter((one) => kindOf(one) === kind)]);
  return [
    warning && h("p", { class: "notice", role: "status" }, ofLanguage(warning)),
    about && h("p", { class: "soft about-examples" }, ofLanguage(about)),
    ...sections.filter(([, some]) => some.length).map(([key, some]) => h("section", {},
      h("h3", {}, t(key)), thumbnails(store, some))),
  ].filter(Boolean);
}

/** Names of classes longer than a digit or two need wider pictures. */
function thumbnails(store, some) {
  const worded = some.some(({ kind, label, predicted }) => KINDS.includes(kind)
    && [label, predicted].some((word) => (word ?? "").length > SHORT));
  return h("div", { class: worded ? "thumbs worded" : "thumbs" }, some.map((example) => thumbnail(store, example)));
}

/** On the picture stands what it shows, and of a mistake what the network said. */
function thumbnail(store, example) {
  const { id, kind, label, predicted, title, url } = example;
  const words = { label, predicted, title: title || label || id };
  const text = t({ mistake: "pictures.mistake", right: "pictures.rightOne", own: "pictures.ownOne" }[kind]
    ?? "pictures.example", words);
  const chosen = isChosen(store.state, id);
  const both = () => [h("span", {}, name(label)), h("span", {}, " → ", name(predicted))];
  const written = KINDS.includes(kind) && (kind === "mistake" ? both() : name(label));
  return h("button", {
    class: "thumb", title: text, "aria-label": text, "aria-pressed": String(chosen), data: { kind, id },
    onclick: () => store.set({ source: { kind: "example", id } }),
  }, h("img", { src: url, alt: "", loading: "lazy" }),
  written && h("span", { class: kind === "mistake" ? "mistake" : "truth" }, written));
}

const isChosen = ({ source }, id) => source?.kind === "example" && String(source.id) === String(id);

/** Marks the picture that the network sees. The buttons stay: a new one would miss the end of a click on the old. */
export function markChosen(element, state) {
  for (const button of element.querySelectorAll(".thumb")) {
    button.setAttribute("aria-pressed", String(isChosen(state, button.dataset.id)));
  }
}
