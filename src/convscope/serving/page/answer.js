/** The answer on the right: the most probable class, all probabilities, and how they were before a change. */

import { h, halvesOf, icon, name } from "./dom.js";
import { ofLanguage, t } from "./i18n.js";
import { fixed, milliseconds, percent } from "./numbers.js";
import { guessing } from "./predict.js";
import { isMultiLabel, SOFTMAX } from "./state/softmax.js";
import { countChanges } from "./state/whatif.js";

const LARGE = 5_000_000; // parameters of a network that takes a moment on any computer
const LISTED = 10; // classes at first
const MOST_LISTED = 200; // more rows would slow the page down
const SHORT_FIGURE = 3; // characters of a class's name that are shown as large as a digit
const SHORT_LABEL = 4; // halves of a Chinese character, of a class's name that leave the bar its room
const LETTER = 0.66; // of a Chinese character's width: that of a bold digit

/** `retry()` repeats what failed. */
export function mount(root, store, retry) {
  const view = {
    root, store, retry, ...elementsIn(root, store),
    showsAll: false, // whether all classes are listed
    rows: [], // kept between answers, so that bars move instead of jumping
  };
  view.all.addEventListener("click", () => {
    view.showsAll = !view.showsAll;
    show(view);
    if (view.showsAll) view.rows[LISTED]?.focus(); // the first that is new
  });
  view.why.addEventListener("click", () => store.set({ why: !store.state.why, selected: null }));
  store.on(["busy"], ({ busy }) => root.setAttribute("aria-busy", String(busy)));
  store.on(["intro", "predict"], ({ intro, predict }) =>
    root.classList.toggle("veiled", intro === "drawing" || intro === "flowing" || predict === "asking"));
  store.on(["forward", "status", "problem", "language", "why", "network", "predict", "guess"], () => show(view));
  show(view);
}

function elementsIn(root, store) {
  const verdict = h("div", { class: "verdict", "aria-live": "polite", tabindex: -1 });
  const list = h("ol", { class: "classes" });
  const all = h("button", { class: "quiet wide", hidden: true });
  const why = h("button", { class: "primary wide", hidden: true });
  const time = h("p", { class: "clock" });
  const guess = guessing(store);
  root.append(verdict, guess.element, list, all, why, guess.first, time);
  return { verdict, list, all, why, time, guess };
}

function show(view) {
  const { root, store, verdict, list, all, why, time, showsAll } = view;
  const { forward, status, why: open } = store.state;
  const stale = status === "failed"; // the last answer was to another picture
  root.classList.toggle("waiting", status === "slow" || status === "stuck");
  verdict.replaceChildren(...verdictParts(store.state, view.retry));
  list.hidden = !forward || stale;
  verdict.hidden = Boolean(forward) && store.state.predict === "asking"; // also from screen readers
  why.hidden = !forward || stale || store.state.predict === "asking";
  view.guess.show();
  why.replaceChildren(icon("question"), t("answer.why"));
  why.setAttribute("aria-pressed", String(open));
  const count = forward?.probabilities.length ?? 0;
  all.hidden = count <= LISTED || stale;
  if (!all.hidden) all.textContent = t(showsAll ? "answer.fewer" : "answer.all", { n: Math.min(count, MOST_LISTED) });
  time.textContent = forward && !stale ? t("answer.clock", { ms: milliseconds(forward.time_ms) }) : "";
  showRows(view);
}

/** The most probable class, or why there is none yet. */
function verdictParts({ status, problem, forward, network }, retry) {
  if (status === "failed") {
    const said = h("p", { class: "problem", role: "alert" }, ofLanguage(problem));
    if (problem.refused) return [said];
    return [said, h("button", { class: "quiet", onclick: retry }, icon("reset"), t("state.again"))];
  }
  const waiting = waitingParts(status, network, retry);
  if (forward && isMultiLabel(network)) return [...labelParts(forward), ...waiting];
  if (forward) {
    const [{ label, probability }] = forward.probabilities;
    const { refusal } = forward;
    const classes = ["figure", [...label].length > SHORT_FIGURE ? "long" : "", refusal ? "unsure" : ""];
    const chance = refusal ? t("answer.likeliest", { percent: percent(probability) }) : `${percent(probability)} %`;
    return [h("p", { class: classes.filter(Boolean).join(" ") }, name(label)), h("p", { class: "chance" }, chance),
      ...refusalParts(forward.refusal), ...setParts(forward.set), ...waiting];
  }
  const busy = h("span", { class: "busy", "aria-hidden": "true" });
  if (status === "empty") return [h("p", { class: "soft" }, t("state.empty"))];
  if (waiting.length) return [busy, ...waiting];
  if (status === "ready") return [h("p", { class: "soft" }, t("state.loading"))];
  return [busy, h("p", { class: "soft" }, t(network ? "state.loading" : "state.loadingNetwork"))];
}

/** That the answer takes long, and why that may be; at last a way not to wait any more. */
function waitingParts(status, network, retry) {
  if (status !== "slow" && status !== "stuck") return [];
  const parameters = (network?.nodes ?? []).reduce((sum, node) => sum + node.parameters, 0);
  const key = status === "stuck" ? "state.stuck" : parameters < LARGE ? "state.slow" : "state.slowLarge";
  const again = h("button", { class: "quiet", onclick: retry }, icon("reset"), t("state.again"));
  return [h("p", { class: "soft" }, t(key)), ...(status === "stuck" ? [again] : [])];
}

/** A notice that the classifier does not answer, and why; nothing if it does. */
function refusalParts(refusal) {
  if (!refusal) return [];
  const { kind, between: [a, b], probability, threshold } = refusal;
  const [share, least] = distinct(probability, threshold);
  const text = kind === "foreign" ? t("answer.foreign")
    : t("answer.unsure", { a, b, percent: share, threshold: least });
  return [h("p", { class: "soft refusal", role: "note" }, h("b", {}, t("answer.abstains")), " ", text)];
}

/** Two different shares as per cent, with as many decimals as tell them apart. */
function distinct(first, second) {
  const texts = (decimals) => [first, second].map((share) => fixed(100 * share, decimals));
  const decimals = [1, 2, 3, 4].find((count) => new Set(texts(count)).size > 1) ?? 5;
  return texts(decimals);
}

/** The classes among which the true one nearly always is; nothing if that is the answer alone. */
function setParts(set) {
  if (!set || set.labels.length < 2) return [];
  const shown = set.labels.slice(0, LISTED);
  const labels = shown.flatMap((label, i) => (i ? [t("answer.comma"), name(label)] : [name(label)]));
  const more = set.labels.length > LISTED ? " …" : "";
  return [h("p", { class: "soft" }, t("answer.set", { n: Math.round(100 * set.coverage) }), ...labels, more)];
}

/** The labels of the picture, each with its own probability. */
function labelParts({ probabilities, refusal }) {
  const labels = probabilities.filter(({ selected }) => selected).slice(0, LISTED);
  const parts = labels.map(({ label, probability }) =>
    h("p", { class: "figure long" }, name(label), " ", h("span", { class: "chance" }, `${percent(probability)} %`)));
  const found = parts.length ? parts : [h("p", { class: "figure long" }, t("answer.noLabel"))];
  return [...found, ...refusalParts(refusal), h("p", { class: "soft" }, t("answer.labels"))];
}

function showRows(view) {
  const { store, list } = view;
  const { forward, before, whatif, network } = store.state;
  const shown = forward ? listedClasses(forward, network, view.showsAll) : [];
  if (view.rows.length !== shown.length) {
    view.rows = shown.map(() => makeRow(store, view.guess));
    list.replaceChildren(...view.rows.map(({ item }) => item));
  }
  if (!forward) return;
  list.classList.toggle("long", network.class_names.some((label) => halvesOf(label) > SHORT_LABEL));
  list.style.setProperty("--label", `calc(${Math.max(...network.class_names.map(emsOf))}em + 1px)`);
  const best = forward.probabilities[0].index;
  const isBest = (one) => one.selected ?? one.index === best;
  const changed = countChanges(whatif) > 0;
  shown.forEach((one, i) => view.rows[i].show(one, isBest(one), changed ? before?.[one.index] : undefined));
}

/** How wide a label is, in Chinese characters. */
const emsOf = (label) => [...label].reduce((sum, letter) => sum + (halvesOf(letter) > 1 ? 1 : LETTER), 0);

/** Few classes stand in their own order, of many the most probable ones come first. */
function listedClasses({ probabilities }, network, showsAll) {
  if (network.class_names.length <= LISTED) return [...probabilities].sort((a, b) => a.index - b.index);
  return probabilities.slice(0, showsAll ? MOST_LISTED : LISTED);
}

/** A row {item, show(answer, isBest, past)}; `past` is the probability without the changes, if there are any. */
function makeRow(store, guess) {
  const label = h("span", { class: "label" });
  const bar = h("span", { class: "bar" });
  const mark = h("span", { class: "before", hidden: true });
  const threshold = h("span", { class: "threshold", hidden: true });
  const value = h("span", { class: "value" });
  let shown = null; // {label, index, probability}
  const open = () => store.set({ selected: { layer: SOFTMAX, map: shown.index, y: 0, x: 0 }, why: false });
  const say = () => {
    store.set({ guess: shown.index });
    guess.tell.focus();
  };
  const onclick = () => (store.state.predict === "asking" ? say() : open());
  const button = h("button", { onclick }, label, h("span", { class: "track" }, bar, threshold, mark), value);
  const show = (answer, isBest, past) => {
    if (shown?.label !== answer.label) label.replaceChildren(name(answer.label));
    shown = answer;
    bar.style.width = `${answer.probability * 100}%`;
    value.textContent = percent(answer.probability);
    threshold.hidden = answer.threshold === undefined;
    if (!threshold.hidden) {
      threshold.style.left = `${answer.threshold * 100}%`;
      threshold.title = t("answer.threshold", { threshold: percent(answer.threshold) });
    }
    mark.hidden = past === undefined;
    if (past !== undefined) mark.style.left = `${past * 100}%`;
    const { predict, guess } = store.state;
    const asking = predict === "asking"; // then nothing may give the answer away
    button.classList.toggle("best", isBest && !asking);
    button.classList.toggle("guessed", Boolean(predict) && guess === answer.index);
    button.toggleAttribute("aria-pressed", false);
    if (asking) {
      button.title = t("predict.row", { label: answer.label });
      button.setAttribute("aria-label", button.title);
      button.setAttribute("aria-pressed", String(guess === answer.index));
      return;
    }
    button.title = past === undefined ? t("answer.row", { label: answer.label })
      : t("answer.past", { label: answer.label, past: percent(past) });
    button.setAttribute("aria-label", `${answer.label} ${percent(answer.probability)} %`);
  };
  return { item: h("li", {}, button), show, focus: () => button.focus() };
}
