/** The path to the selection, one step for each level: layer › map › value › product. */

import { h, name } from "../dom.js";
import { t } from "../i18n.js";
import { isVector } from "../network/layout.js";
import { positionText } from "../network/tokens.js";
import { lastStep, SOFTMAX } from "../state/softmax.js";

/** The last step is text, the others are buttons that go back to their level. */
export function pathTo(store) {
  if (store.state.why) return [h("b", {}, t("why.title"))];
  const steps = stepsTo(store.state);
  const here = steps.pop();
  const button = ([text, selected]) =>
    h("button", { disabled: !selected, onclick: () => store.set({ selected }) }, name(text));
  return [...steps.map(button), h("b", { "aria-current": "location" }, name(here[0]))];
}

/** [text, selected] for each level; `selected` is null for softmax, which has no view of a whole layer. */
function stepsTo({ selected, network, arithmetic }) {
  const { layer, map, y, x, term } = selected;
  const softmax = layer === SOFTMAX;
  const node = network.byName.get(layer);
  const vector = softmax || isVector(node.shape);
  const steps = [softmax ? [t(`kind.${lastStep(network)}`), null] : [layer, { layer }]];
  if (map !== undefined) {
    const text = softmax ? network.class_names[map] : t(vector ? "drawer.value" : "drawer.map", { map });
    steps.push([text, vector ? { layer, map, y, x } : { layer, map }]);
  }
  if (y !== undefined && !vector) steps.push([positionText(node, { y, x }), { layer, map, y, x }]);
  if (term !== undefined && arithmetic) {
    steps.push([t("drawer.term", { n: term + 1, all: arithmetic.terms.length }), selected]);
  }
  return steps;
}
