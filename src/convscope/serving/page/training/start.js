/** Training on the service's machine, where its host allows it: a data set, a network, and the way to watch it. */

import { h, icon, name } from "../dom.js";
import { ofLanguage, t } from "../i18n.js";
import * as api from "../state/api.js";

const EPOCHS = [5, 12, 30, 50];
const AT_FIRST = 12;

/** {element, show()}; the element is hidden until it is known that trainings are allowed. */
export function startPanel(store) {
  const view = {
    store, offer: null, busy: false, problem: null, wish: {}, // what the reader has chosen
    element: h("section", { class: "trainer", hidden: true }),
  };
  learn(view);
  store.on(["language", "snapshots", "classifier"], () => show(view));
  return { element: view.element };
}

async function learn(view) {
  try {
    view.offer = await api.trainingOffer();
  } catch {
    view.offer = null; // the page works without it, and says elsewhere that the service is gone
  }
  show(view);
}

function show(view) {
  const { element, offer, store, busy, problem } = view;
  element.hidden = !offer?.seconds;
  if (element.hidden) return;
  const running = busy || Boolean(store.state.snapshots?.running);
  const focused = element.contains(document.activeElement) ? document.activeElement.dataset.field : null;
  const start = h("button", {
    class: "primary", disabled: running, onclick: () => begin(view), data: { field: "start" },
  }, icon("play"), t("start.start"));
  const said = problem ? h("p", { class: "problem", role: "alert" }, problem)
    : h("p", { class: "soft", role: "status" }, t(busy ? "start.busy" : "start.about", { seconds: offer.seconds }));
  element.replaceChildren(h("h2", {}, t("start.title")), h("div", { class: "row" },
    choice(view, "data", offer.data, shortName), choice(view, "network", offer.networks, String),
    choice(view, "epochs", EPOCHS.filter((n) => n <= offer.epochs), String), start), said);
  if (focused) element.querySelector(`[data-field=${focused}]`)?.focus();
}

/** The last part of a path tells data sets apart well enough. */
const shortName = (path) => path.split(/[/\\\\]/).filter(Boolean).at(-1) ?? path;

/** What would be trained: where the reader has chosen nothing, as the run that is shown was. */
function wishOf({ store, offer, wish }) {
  const first = { data: offer.data[0], network: offer.networks[0], epochs: AT_FIRST };
  return { ...first, ...offer.own[store.state.classifier], ...wish };
}

function choice(view, key, values, text) {
  const onchange = (event) => (view.wish[key] = values[event.target.selectedIndex]);
  const chosen = wishOf(view)[key];
  const options = values.map((value) => h("option", { selected: value === chosen, title: String(value) },
    name(text(value))));
  return h("label", { class: "field" }, t(`start.${key}`), h("select", { onchange, data: { field: key } }, options));
}

/** The new training becomes the network that is shown; what watches epochs follows it. */
async function begin(view) {
  const { store } = view;
  const wish = wishOf(view);
  Object.assign(view, { wish, busy: true, problem: null }); // the choice stays when the new run is shown
  show(view);
  try {
    const { id } = await api.startTraining(wish);
    const { classifiers } = await api.classifiers();
    store.set({ classifiers, classifier: id, selected: null, notice: null });
  } catch (problem) {
    view.problem = problem.words ? ofLanguage(problem.words) : String(problem.message ?? problem);
  }
  view.busy = false;
  show(view);
}
