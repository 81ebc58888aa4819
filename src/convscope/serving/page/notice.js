/** A line below the top bar about the link that was opened: what of it is not there. */

import { h, icon, setLabel } from "./dom.js";
import { t } from "./i18n.js";

export function mount(root, store) {
  const words = h("p", {});
  const close = h("button", { class: "tool", onclick: () => store.set({ notice: null }) }, icon("close"));
  root.append(words, close);
  const show = () => {
    const { notice } = store.state;
    root.hidden = !notice;
    words.textContent = (notice ?? []).map(([key, values]) => t(key, values)).join(" ");
    setLabel(close, t("link.close"));
  };
  store.on(["notice", "language"], show);
  show();
}
