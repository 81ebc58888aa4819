/**
 * A line below the top bar: what is not there of the link that was opened, and what to know of the classifier before
 * one reads its answers, such as that it is not trained.
 */

import { h, icon, setLabel } from "./dom.js";
import { ofLanguage, t } from "./i18n.js";

export function mount(root, store) {
  const words = h("p", {});
  const read = new Set(); // classifiers of which the reader knows
  const close = h("button", { class: "tool" }, icon("close"));
  root.append(words, close);
  const show = () => {
    const { notice, classifiers, classifier } = store.state;
    const caution = read.has(classifier) ? null : classifiers.find(({ id }) => id === classifier)?.caution;
    const sentences = (notice ?? []).map(([key, values]) => t(key, values));
    if (caution) sentences.push(t("notice.caution", { classifier, caution: ofLanguage(caution) }));
    root.hidden = !sentences.length;
    words.textContent = sentences.join(" ");
    setLabel(close, t("link.close"));
  };
  close.addEventListener("click", () => {
    read.add(store.state.classifier);
    store.set({ notice: null });
    show();
  });
  store.on(["notice", "language", "classifiers", "classifier"], show);
  show();
}
