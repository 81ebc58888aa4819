/**
 * Predict, then reveal: the answer to each new picture stays hidden until somebody has said what it will be and asks
 * for it. Also the keys of the presenter, with which a class is led from layer to layer.
 */

import { h, icon } from "./dom.js";
import { t } from "./i18n.js";
import { percent } from "./numbers.js";

const OWN_KEYS = "input, select, textarea, dialog, [role=menu], [role=tablist], .board, .cells, .grip, .scroller";
const STEPS = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 }; // clickers send the Page keys

/**
 * {element, first, tell, show()}: the question, what begins it, and the button that reveals the answer and how it
 * compares. The keyboard's focus goes to what comes next.
 */
export function guessing(store) {
  const said = h("p", { class: "soft", role: "status" });
  const element = h("div", { class: "guess" }, said);
  const goTo = (what) => element.parentElement.querySelector(what)?.focus();
  const tell = h("button", { class: "primary wide", onclick: () => {
    store.set({ predict: "told" });
    goTo(".verdict");
  } });
  const first = h("button", { class: "quiet wide predict", onclick: () => {
    toggle(store);
    if (store.state.predict) goTo(".classes button"); // with which the question is answered
  } });
  element.append(tell);
  store.on(["source"], ({ predict }) => predict && store.set({ predict: "asking", guess: null }));
  const show = () => {
    const { predict, forward, status } = store.state;
    element.hidden = first.hidden = !forward || status === "failed";
    tell.hidden = predict !== "asking";
    tell.replaceChildren(t("predict.tell"));
    first.replaceChildren(icon("question"), t("predict.first"));
    first.setAttribute("aria-pressed", String(Boolean(predict)));
    said.textContent = forward ? sentence(store.state) : "";
    said.hidden = !said.textContent;
  };
  return { element, first, tell, show };
}

const toggle = (store) => store.set({ predict: store.state.predict ? null : "asking", guess: null });

function sentence({ predict, guess, forward, network }) {
  if (!predict) return "";
  const guessed = guess === null ? null : network.class_names[guess];
  if (predict === "asking") return guessed === null ? t("predict.ask") : t("predict.guessed", { label: guessed });
  if (guessed === null) return "";
  const [{ index }] = forward.probabilities;
  const own = forward.probabilities.find((one) => one.index === guess);
  return t(index === guess ? "predict.same" : "predict.other", { label: guessed, chance: percent(own.probability) });
}

/** Arrow keys lead from layer to layer, and to the answer where it is still hidden. */
export function listenToPresenter(store) {
  const show = ({ presenter }) => document.body.classList.toggle("presenting", presenter);
  store.on(["presenter"], show);
  show(store.state);
  document.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (!step || !store.state.presenter || event.defaultPrevented || event.target.closest?.(OWN_KEYS)) return;
    if (walk(store, step)) event.preventDefault();
  });
}

/** True if there was somewhere to go. */
function walk(store, step) {
  const { network, selected, forward, predict, tab } = store.state;
  if (!network || !forward || tab !== "network") return false;
  const layers = network.nodes.slice(1).map(({ name }) => name);
  const at = selected ? layers.indexOf(selected.layer) : step > 0 ? -1 : layers.length;
  const next = at + step;
  if (next >= layers.length && predict === "asking") store.set({ predict: "told", selected: null });
  else if (next < 0 || next >= layers.length) store.set({ selected: null });
  else store.set({ selected: { layer: layers[next] }, why: false });
  return true;
}
