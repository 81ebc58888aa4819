/** The probabilities on the right, and how they were before a change. */

import { h, icon, name } from "./dom.js";
import { ofLanguage, t } from "./i18n.js";
import { milliseconds, percent } from "./numbers.js";
import { SOFTMAX } from "./state/softmax.js";
import { countChanges } from "./state/whatif.js";

const AT_FIRST = 10;
const MOST = 200; // more rows nobody reads, and the page would become slow

export function mount(root, store, again) {
  const top = h("div", { class: "verdict", "aria-live": "polite" });
  const list = h("ol", { class: "classes" });
  const all = h("button", { class: "quiet wide", hidden: true });
  const why = h("button", { class: "primary wide", hidden: true });
  const clock = h("p", { class: "clock" });
  root.append(top, list, all, why, clock);
  let everything = false;
  let rows = []; // kept between answers, so that bars move instead of jumping

  all.addEventListener("click", () => {
    everything = !everything;
    show();
  });
  why.addEventListener("click", () => store.set({ why: !store.state.why, selected: null }));

  function verdict() {
    const { status, problem, forward, network } = store.state;
    if (status === "failed") {
      return [h("p", { class: "problem", role: "alert" }, ofLanguage(problem)), h("button", { class: "quiet", onclick: again }, icon("reset"), t("state.again"))];
    }
    if (forward) {
      const [best] = forward.probabilities;
      return [h("p", { class: `figure${[...best.label].length > 3 ? " long" : ""}` }, name(best.label)),
        h("p", { class: "chance" }, `${percent(best.probability)} %`),
        status === "slow" ? h("p", { class: "soft" }, t("state.slow")) : null].filter(Boolean);
    }
    const sentence = { loading: network ? "state.loading" : "state.loadingNetwork", slow: "state.slow", empty: "state.empty", ready: "state.loading" };
    const busy = status === "loading" || status === "slow";
    return [busy ? h("span", { class: "busy", "aria-hidden": "true" }) : null, h("p", { class: "soft" }, t(sentence[status]))].filter(Boolean);
  }

  function show() {
    const { forward, before, whatif, network, why: open } = store.state;
    root.classList.toggle("waiting", store.state.status === "slow");
    top.replaceChildren(...verdict());
    list.hidden = !forward;
    why.hidden = !forward;
    why.replaceChildren(icon("question"), t("answer.why"));
    why.setAttribute("aria-pressed", String(open));
    all.hidden = !forward || forward.probabilities.length <= AT_FIRST;
    if (!forward) {
      clock.textContent = "";
      list.replaceChildren();
      rows = [];
      return;
    }
    all.textContent = t(everything ? "answer.fewer" : "answer.all", { n: Math.min(forward.probabilities.length, MOST) });
    const few = network.class_names.length <= AT_FIRST;
    list.classList.toggle("long", network.class_names.some((label) => label.length > 4));
    const shown = few ? [...forward.probabilities].sort((a, b) => a.index - b.index) : forward.probabilities.slice(0, everything ? MOST : AT_FIRST);
    if (rows.length !== shown.length) {
      rows = shown.map(row);
      list.replaceChildren(...rows.map(({ item }) => item));
    }
    const changed = countChanges(whatif) > 0;
    shown.forEach((one, i) => rows[i].fill(one, one.index === forward.probabilities[0].index, changed ? before?.[one.index] : undefined));
    clock.textContent = t("answer.clock", { ms: milliseconds(forward.time_ms) });
  }

  function row() {
    const label = h("span", { class: "label" });
    const bar = h("span", { class: "bar" });
    const mark = h("span", { class: "before", hidden: true });
    const value = h("span", { class: "value" });
    let index = 0;
    const button = h("button", { onclick: () => store.set({ selected: { layer: SOFTMAX, map: index, y: 0, x: 0 }, why: false }) },
      label, h("span", { class: "track" }, bar, mark), value);
    const fill = (one, best, past) => {
      if (label.textContent !== one.label || index !== one.index) label.replaceChildren(name(one.label));
      index = one.index;
      bar.style.width = `${one.probability * 100}%`;
      value.textContent = percent(one.probability);
      mark.hidden = past === undefined;
      if (past !== undefined) mark.style.left = `${past * 100}%`;
      button.classList.toggle("best", best);
      button.title = past === undefined ? t("answer.row", { label: one.label }) : t("answer.past", { label: one.label, past: percent(past) });
      button.setAttribute("aria-label", `${one.label} ${percent(one.probability)} %`);
    };
    return { item: h("li", {}, button), fill };
  }

  store.on(["busy"], ({ busy }) => root.setAttribute("aria-busy", String(busy)));
  store.on(["forward", "status", "problem", "language", "why", "network"], show);
  show();
}
