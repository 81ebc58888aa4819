/** Pictures to try: examples, and validation images that the network got wrong. */

import { h, name } from "../dom.js";
import { t } from "../i18n.js";

/** A section with thumbnails for each of the two that the classifier has. */
export function examplesIn(store) {
  const isMistake = ({ kind }) => kind === "mistake";
  const { examples } = store.state;
  const sections = [["pictures.examples", examples.filter((one) => !isMistake(one))],
    ["pictures.mistakes", examples.filter(isMistake)]];
  return sections.filter(([, some]) => some.length).map(([key, some]) => h("section", {},
    h("h3", {}, t(key)), h("div", { class: "thumbs" }, some.map((example) => thumbnail(store, example)))));
}

function thumbnail(store, example) {
  const { source } = store.state;
  const { id, kind, label, predicted, title, url } = example;
  const wrong = kind === "mistake";
  const text = wrong ? t("pictures.mistake", { label, predicted })
    : t("pictures.example", { title: title || label || id });
  const chosen = source?.kind === "example" && source.id === id;
  return h("button", {
    class: "thumb", title: text, "aria-label": text, "aria-pressed": String(chosen),
    onclick: () => store.set({ source: { kind: "example", id } }),
  }, h("img", { src: url, alt: "", loading: "lazy" }),
  wrong ? h("span", { class: "mistake" }, name(label), " → ", name(predicted)) : null);
}
