/** The list of the sums of all input maps, the bias and the results. */

import { valuesPicture } from "../../colour.js";
import { h, replaceKeepingFocus } from "../../dom.js";
import { t } from "../../i18n.js";
import { strongest } from "../../numbers.js";
import { commonDecimals, line, results } from "../total.js";

const LISTED = 12; // input maps at first, the strongest

export function showSums(view, parts) {
  const { store, sums } = view;
  const { arithmetic, kernels, selected } = store.state;
  const { channels, terms, partial } = parts;
  const bias = arithmetic ? arithmetic.bias : kernels?.map === selected.map ? kernels.bias : null;
  const style = { limit: strongest(partial), decimals: arithmetic ? commonDecimals(arithmetic) : 4 };
  const biasLine = () => line({ label: t("sum.bias"), value: bias, ...style, className: "bias" });
  const order = orderOf(partial).filter((i) => isConnected(store.state, channels[i]));
  const listed = view.showsAll ? order : order.slice(0, LISTED);
  replaceKeepingFocus(sums, [
    h("h3", {}, t(terms ? "sum.title" : "sum.kernels", { n: order.length })),
    ...listed.map((i) => mapLine(view, parts, i, style)),
    ...restLine(view, parts, order.slice(listed.length), style),
    ...(typeof bias === "number" ? [biasLine()] : []),
    terms ? results(arithmetic, style.decimals) : h("p", { class: "soft" }, t("sum.place")),
  ]);
}

/** Whether the selected map takes this input map: a connection table leaves some out. */
function isConnected({ network, selected: { layer, map } }, channel) {
  const table = network.byName.get(layer)?.attributes.table;
  return !table || table[map].includes(channel);
}

/** Positions by number, or the strongest first where not all are listed. */
function orderOf(partial) {
  const order = partial.map((_, i) => i);
  return partial.length > LISTED ? order.sort((a, b) => Math.abs(partial[b]) - Math.abs(partial[a])) : order;
}

function mapLine(view, { channels, terms, partial, height, width, size }, i, { limit, decimals }) {
  const { kernels } = view.store.state;
  const [from, to] = [i * size, (i + 1) * size];
  const weights = terms ? terms.slice(from, to).map(({ weight }) => weight) : kernels.values.subarray(from, to);
  const picture = valuesPicture(weights, height, width, strongest(weights));
  picture.className = "mini";
  picture.setAttribute("aria-hidden", "true");
  return line({
    label: [picture, t("sum.map", { map: channels[i] })], value: terms ? partial[i] : null, limit: terms ? limit : 0,
    decimals, onclick: () => showMap(view, i), chosen: i === view.position,
  });
}

/** Shows the grids of another input map. */
function showMap(view, position) {
  const { selected } = view.store.state;
  view.position = position;
  if (selected.term === undefined) view.update();
  else view.store.set({ selected: { ...selected, term: undefined } });
}

/** One line for all maps that are not listed; it lists them. */
function restLine(view, { terms, partial }, rest, { limit, decimals }) {
  if (!rest.length) return [];
  const showAll = () => {
    view.showsAll = true;
    view.update();
  };
  return [line({
    label: t("sum.rest", { n: rest.length }), className: "rest", onclick: showAll, decimals,
    value: terms ? rest.reduce((sum, i) => sum + partial[i], 0) : null, limit: terms ? limit : 0,
  })];
}
