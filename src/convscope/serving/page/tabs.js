/**
 * The tabs in front of the page. Each but the first is a module of that name with `mount(element, store)`, loaded when
 * it is opened for the first time; `three.js` is one too, and stands in for the picture of the network. A module may
 * return `{hide(), show()}` to be told when it is out of sight.
 */

import { h } from "./dom.js";
import { t } from "./i18n.js";

const TABS = ["network", "convolution", "training", "lesson"];

/** `root` gets the tab list; panels are the elements with id "tab-NAME", and "three". */
export function mount(root, store, page) {
  const loaded = new Map([["network", Promise.resolve(null)]]);
  const buttons = TABS.map((tab) => h("button", { role: "tab", id: `to-${tab}`, "aria-controls": `tab-${tab}`, onclick: () => store.set({ tab }) }));
  root.append(...buttons);
  root.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = (TABS.indexOf(store.state.tab) + step + TABS.length) % TABS.length;
    store.set({ tab: TABS[next] });
    buttons[next].focus();
  });

  async function load(module, element) {
    if (!loaded.has(module)) {
      loaded.set(module, import(`./${module}/${module}.js`).then((view) => view.mount(element, store)).catch((problem) => {
        console.warn(problem);
        loaded.delete(module);
        element.replaceChildren(h("p", { class: "soft missing" }, t("tabs.missing")));
        return null;
      }));
    }
    return loaded.get(module);
  }

  let front = []; // what the modules in front returned
  async function show() {
    const { tab, three } = store.state;
    TABS.forEach((name, i) => {
      const here = name === tab;
      buttons[i].textContent = t(`tabs.${name}`);
      buttons[i].setAttribute("aria-selected", String(here));
      buttons[i].tabIndex = here ? 0 : -1;
      // The lesson speaks about the network, which stands beside it.
      page.getElementById(`tab-${name}`).hidden = !here && !(name === "network" && tab === "lesson");
    });
    root.setAttribute("aria-label", t("tabs.label"));
    page.body.dataset.tab = tab;
    page.getElementById("three").hidden = !three;
    page.getElementById("network").hidden = three;
    const wanted = [...(tab === "network" ? [] : [[tab, `tab-${tab}`]]), ...(three && ["network", "lesson"].includes(tab) ? [["three", "three"]] : [])];
    const views = await Promise.all(wanted.map(([module, id]) => load(module, page.getElementById(id))));
    if (store.state.tab !== tab || store.state.three !== three) return; // somebody went on while it was loaded
    for (const view of front) if (!views.includes(view)) view?.hide?.();
    for (const view of views) view?.show?.();
    front = views;
  }
  store.on(["tab", "three", "language"], show);
  show();
}
