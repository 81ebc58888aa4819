/** Pictures to try: those of the run, its mistakes first, or some that suit the network. */

import { h, halvesOf, name } from "../dom.js";
import { ofLanguage, t } from "../i18n.js";
import { isMultiLabel } from "../state/softmax.js";

const SECTIONS = [["mistake", "pictures.mistakes"], ["right", "pictures.right"], ["own", "pictures.own"],
  [null, "pictures.examples"]];
const MISTAKES_AT_FIRST = 24;
const NARROW = 7; // halves of a Chinese character, that fit below a small picture: "7 → 3"
const ARROW = " → ";
const KINDS = SECTIONS.map(([kind]) => kind);

/**
 * What there is to say of the pictures, and a section with thumbnails for each kind that there is. Of many mistakes the
 * first ones, unless `every` one is to be shown; `onEvery(yes)` when the reader asks for that or for fewer.
 */
export function examplesIn(store, every = false, onEvery = () => {}) {
  const { examples, aboutExamples: { about, warning } } = store.state;
  const kindOf = ({ kind }) => (KINDS.includes(kind) ? kind : null);
  const sections = SECTIONS.map(([kind, key]) => [key, examples.filter((one) => kindOf(one) === kind)]);
  return [
    warning && h("p", { class: "notice", role: "status" }, ofLanguage(warning)),
    about && h("p", { class: "soft about-examples" }, ofLanguage(about)),
    ...sections.filter(([, some]) => some.length).map(([key, some]) => h("section", {}, h("h3", {}, t(key)),
      ...(key === "pictures.mistakes" ? mistakesOf(store, some, every, onEvery) : [thumbnails(store, some)]))),
  ].filter(Boolean);
}

/** The first mistakes or all, how many there are if there are more, and the button for the others. */
function mistakesOf(store, some, every, onEvery) {
  const { mistakes } = store.state.aboutExamples;
  const total = Math.max(mistakes ?? 0, some.length);
  const shown = every ? some : some.slice(0, MISTAKES_AT_FIRST);
  return [
    thumbnails(store, shown),
    total > shown.length && h("p", { class: "soft" }, t("pictures.shown", { n: shown.length, all: total })),
    some.length > MISTAKES_AT_FIRST && h("button", { class: "quiet wide", onclick: () => onEvery(!every) },
      t(every ? "pictures.fewer" : "pictures.more", { n: some.length - MISTAKES_AT_FIRST })),
  ].filter(Boolean);
}

/** Names of classes longer than a digit or two need wider pictures. */
function thumbnails(store, some) {
  const { network } = store.state;
  const worded = some.some((example) => halvesOf(captionOf(example, network).join(ARROW)) > NARROW);
  return h("div", { class: worded ? "thumbs worded" : "thumbs" }, some.map((example) => thumbnail(store, example)));
}

/** The names that stand below a picture: what it shows, and of a mistake what the network said. */
function captionOf({ kind, label, predicted }, network) {
  if (!KINDS.includes(kind)) return [];
  return (kind === "mistake" ? [label, predicted] : [label]).map((labels) => spoken(labels, network));
}

/** A class's name; of several labels all of them, or that there is none. */
function spoken(labels, network) {
  if (!network || !isMultiLabel(network) || labels === null) return labels ?? "";
  return labels ? labels.split("|").join(", ") : t("pictures.none");
}

/** On the picture stands what it shows, and of a mistake what the network said. */
function thumbnail(store, example) {
  const { id, kind, label, predicted, title, url } = example;
  const { network } = store.state;
  const words = { label: spoken(label, network), predicted: spoken(predicted, network), title: title || label || id };
  const text = t({ mistake: "pictures.mistake", right: "pictures.rightOne", own: "pictures.ownOne" }[kind]
    ?? "pictures.example", words);
  const chosen = isChosen(store.state, id);
  const written = captionOf(example, network)
    .map((word, i) => h("span", {}, i ? ARROW : "", name(word)));
  return h("button", {
    class: "thumb", title: text, "aria-label": text, "aria-pressed": String(chosen), data: { kind, id },
    onclick: () => store.set({ source: { kind: "example", id } }),
  }, h("img", { src: url, alt: "", loading: "lazy" }),
  written.length > 0 && h("span", { class: kind === "mistake" ? "mistake" : "truth" }, written));
}

const isChosen = ({ source }, id) => source?.kind === "example" && String(source.id) === String(id);

/** Marks the picture that the network sees. The buttons stay: a new one would miss the end of a click on the old. */
export function markChosen(element, state) {
  for (const button of element.querySelectorAll(".thumb")) {
    button.setAttribute("aria-pressed", String(isChosen(state, button.dataset.id)));
  }
}
