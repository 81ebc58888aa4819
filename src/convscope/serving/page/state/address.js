/**
 * The address bar: the state is written to the link, and read when somebody changes the link. Tabs, openings and the
 * choice of a network are steps of the browser's history, to which Back returns; all else changes the present step.
 */

import { arrive, fulfilEpoch, rememberUpload } from "./arrival.js";
import { fromHash, LINKED, toHash } from "./link.js";

const REST = 200; // milliseconds after the last change until the link is written: a drawing changes all the time

/** The link of what is on screen, as a whole address. */
export const linkOf = (state) => new URL(`#${toHash(state)}`, location.href).href;

/** Keeps link and state together; `changeLanguage(language)` is called for a link in another language. */
export function followAddress(store, changeLanguage) {
  const pen = { timer: 0, seen: store.state, step: null, before: null };
  const write = () => writeAddress(store, pen);
  store.on([...LINKED, "wish", "intro"], (state) => {
    rememberUpload(state);
    if (pen.step && !pen.before && isStep(pen.step, stepOf(state))) pen.before = pen.seen;
    pen.seen = state;
    clearTimeout(pen.timer);
    pen.timer = setTimeout(write, REST);
  });
  store.on(["snapshots"], () => fulfilEpoch(store));
  addEventListener("pagehide", write); // or the last change would be missing after a reload
  addEventListener("hashchange", (event) => {
    // Of the event, not of the page: the link may have been written once more in between.
    const link = fromHash(new URL(event.newURL).hash);
    if (!link) {
      write();
      return;
    }
    pen.step = pen.before = null; // the next writing belongs to this step of the history
    arrive(store, link);
    if (link.theme) store.set({ theme: link.theme });
    if (link.language && link.language !== store.state.language) changeLanguage(link.language);
  });
}

/** What makes a step of the history: a change of these, unless something is closed. */
const stepOf = ({ tab, classifier, selected, why, three, figure }) => ({
  tab, classifier, figure: figure?.kind, selected: selected && `${selected.layer} ${selected.map ?? ""}`, why, three,
});

const isStep = (before, now) =>
  Boolean(before.classifier) && Object.keys(now).some((key) => now[key] && now[key] !== before[key]);

function writeAddress(store, pen) {
  clearTimeout(pen.timer);
  const { state } = store;
  if (state.wish || !state.classifier) return; // the link in the address bar is still to be fulfilled
  if (state.intro) return; // whoever loads the page again sees it again
  const link = `#${toHash(state)}`;
  if (pen.before) {
    history.replaceState(null, "", `#${toHash(pen.before)}`);
    history.pushState(null, "", link);
  } else if (link !== location.hash) { // needless writing can undo a step that is on its way
    history.replaceState(null, "", link);
  }
  pen.before = null;
  pen.step = stepOf(state);
}
