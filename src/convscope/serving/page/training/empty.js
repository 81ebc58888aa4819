/** The training tab of a classifier without kept epochs: how to get some, and which other classifiers have them. */

import { h, name } from "../dom.js";
import { ofLanguage, t } from "../i18n.js";

const COMMANDS = "convscope train digits --model lenet_relu --epochs 12\nconvscope serve last";

export function emptyTab(store) {
  const element = h("div", { class: "training-empty" });

  function show({ snapshots, classifiers, classifier }) {
    if (snapshots === null) {
      element.replaceChildren(h("div", { class: "busy" }), h("p", {}, t("training.loading")));
      return;
    }
    const reason = snapshots.problem ? ofLanguage(snapshots.problem) : t("training.none");
    const onCopy = () => navigator.clipboard?.writeText(COMMANDS);
    const copy = h("button", { class: "quiet", onclick: onCopy }, t("training.copy"));
    const others = classifiers.filter(({ id, has_snapshots: hasEpochs }) => hasEpochs && id !== classifier);
    element.replaceChildren(
      h("div", { class: "training-sign" }, fallingCurve()),
      h("p", {}, reason),
      h("p", { class: "soft" }, t("training.how")),
      h("pre", {}, COMMANDS),
      h("div", { class: "row" }, copy, others.map((other) => openButton(store, other))),
    );
  }
  return { element, show };
}

function openButton(store, { id, name: title }) {
  const onOpen = () => store.set({ classifier: id, selected: null });
  return h("button", { class: "primary", onclick: onOpen }, t("training.choose"), " ", name(title));
}

/** A falling curve without numbers: decoration. */
function fallingCurve() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 120 64");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", "M8 4V58H116M14 12C30 46 58 50 112 51");
  svg.append(path);
  return svg;
}
