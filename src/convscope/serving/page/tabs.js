/**
 * The tabs in front of the page. Each but the first is a module of that name with `mount(element, store)`, loaded when
 * it is opened for the first time; `three.js` is one too, and stands in for the picture of the network. A module may
 * return `{hide(), show()}` to be told when it is out of sight and when it is back.
 */

import { h } from "./dom.js";
import { t } from "./i18n.js";

const TABS = ["network", "convolution", "training", "lesson"];

/** `root` gets the tab list; panels are the elements with id "tab-NAME", and "three". */
export function mount(root, store) {
  const view = {
    root, store,
    buttons: TABS.map((tab) => tabButton(store, tab)),
    loaded: new Map(), // name of a module -> promise of what its `mount` returned
    front: [], // what the modules in front returned
  };
  root.append(...view.buttons);
  root.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = (TABS.indexOf(store.state.tab) + step + TABS.length) % TABS.length;
    store.set({ tab: TABS[next] });
    view.buttons[next].focus();
  });
  store.on(["tab", "three", "language"], () => show(view));
  show(view);
}

function tabButton(store, tab) {
  return h("button", {
    role: "tab", id: `to-${tab}`, "aria-controls": `tab-${tab}`, onclick: () => store.set({ tab }),
  });
}

async function show(view) {
  const { tab, three } = view.store.state;
  showPanels(view, tab, three);
  const modules = modulesFor(tab, three);
  const front = await Promise.all(modules.map(([module, id]) => load(view, module, document.getElementById(id))));
  const { state } = view.store;
  if (state.tab !== tab || state.three !== three) return; // another tab was opened meanwhile
  for (const one of view.front) if (!front.includes(one)) one?.hide?.();
  for (const one of front) one?.show?.();
  view.front = front;
}

function showPanels({ root, buttons }, tab, three) {
  root.setAttribute("aria-label", t("tabs.label"));
  TABS.forEach((name, i) => {
    const chosen = name === tab;
    buttons[i].textContent = t(`tabs.${name}`);
    buttons[i].setAttribute("aria-selected", String(chosen));
    buttons[i].tabIndex = chosen ? 0 : -1;
    document.getElementById(`tab-${name}`).hidden = !chosen && !(name === "network" && showsNetwork(tab));
  });
  document.body.dataset.tab = tab;
  document.getElementById("three").hidden = !three;
  document.getElementById("network").hidden = three;
}

/** The lesson speaks about the network, which stands beside it. */
const showsNetwork = (tab) => tab === "network" || tab === "lesson";

/** [module, id of its element] of all that is in front. */
function modulesFor(tab, three) {
  const modules = tab === "network" ? [] : [[tab, `tab-${tab}`]];
  return three && showsNetwork(tab) ? [...modules, ["three", "three"]] : modules;
}

/** What a module's `mount` returned; null where the module is missing, which its element then says. */
async function load({ store, loaded }, module, element) {
  if (!loaded.has(module)) {
    loaded.set(module, import(`./${module}/${module}.js`).then((view) => view.mount(element, store)));
  }
  try {
    return await loaded.get(module);
  } catch (problem) {
    console.warn(problem);
    loaded.delete(module);
    element.replaceChildren(h("p", { class: "soft missing" }, t("tabs.missing")));
    return null;
  }
}
