/**
 * The first ten seconds of a page that no link has led to: a digit draws itself and runs through the network to its
 * answer, again and again, until somebody touches the page. Where the system asks for less motion it stands still.
 */

import { stillness } from "./dom.js";
import { firstExample, readsDrawings } from "./state/first.js";

const SEVEN = [[0.28, 0.28], [0.5, 0.27], [0.7, 0.27], [0.62, 0.45], [0.52, 0.62], [0.45, 0.8]];
const BETWEEN = 5; // points that are drawn from one to the next
const STROKE_PACE = 55; // milliseconds for each of them
const LOOK = 40; // milliseconds between two looks for an answer
const REST = 3500; // milliseconds with the answer
const REPEATS = 6; // then the answer stays
export const FLOW = 4200; // milliseconds from the picture to the answer

/** Begins as soon as there is a network. `store.state.intro` is "drawing", "flowing" or "answered", then null. */
export function playIntro(store) {
  const play = { store, timer: 0, repeats: 0, own: null }; // own: the picture that this module has set
  const end = (event) => stop(play, event);
  const off = [
    store.on(["source", "selected", "tab", "three", "classifier", "why"], ({ source, selected, tab, three, why }) => {
      if (source !== play.own || selected || why || three || tab !== "network") end(null);
    }),
    store.on(["network", "examples"], () => begin(play)),
  ];
  play.cleanUp = () => {
    off.forEach((cancel) => cancel());
    for (const kind of TOUCHES) document.removeEventListener(kind, end, true);
  };
  for (const kind of TOUCHES) document.addEventListener(kind, end, true);
}

const TOUCHES = ["pointerdown", "keydown", "wheel"];

/** Of digits one is drawn; of other networks the first example is shown. */
function begin(play) {
  const { store } = play;
  const { network, examples, intro } = store.state;
  if (!network || intro) return;
  play.digits = readsDrawings(network);
  play.whole = play.digits ? drawing(pointsOf(SEVEN)) : firstExample(network, examples);
  if (!play.whole) return;
  if (stillness()) show(play, play.whole, "answered");
  else repeat(play);
}

function show(play, source, intro) {
  play.own = source;
  play.store.set({ source, intro });
}

const drawing = (points) => ({ kind: "drawing", strokes: [{ tool: "pen", points }], ink: "chalk" });

function pointsOf(corners) {
  const steps = Array.from({ length: BETWEEN }, (_, i) => (i + 1) / BETWEEN);
  const way = ([x1, y1], [x2, y2]) => steps.map((share) => [x1 + (x2 - x1) * share, y1 + (y2 - y1) * share]);
  return [corners[0], ...corners.slice(1).flatMap((corner, i) => way(corners[i], corner))];
}

function repeat(play) {
  play.repeats += 1;
  if (play.digits) draw(play, 1);
  else {
    show(play, play.whole, "drawing");
    waitForAnswer(play);
  }
}

/** Draws the first `count` points, then the next ones. */
function draw(play, count) {
  const { points } = play.whole.strokes[0];
  if (count >= points.length) {
    show(play, play.whole, "drawing");
    waitForAnswer(play);
    return;
  }
  show(play, drawing(points.slice(0, count)), "drawing");
  play.timer = setTimeout(() => draw(play, count + 1), STROKE_PACE);
}

function waitForAnswer(play) {
  const { forward, busy, status } = play.store.state;
  if (!forward || busy || status !== "ready") {
    play.timer = setTimeout(() => waitForAnswer(play), LOOK);
    return;
  }
  play.store.set({ intro: "flowing" });
  play.timer = setTimeout(() => {
    play.store.set({ intro: "answered" });
    if (play.repeats < REPEATS) play.timer = setTimeout(() => repeat(play), REST);
  }, FLOW);
}

/** The picture stays whole for whoever looks at the network; who draws begins with an empty board. */
function stop(play, event) {
  const { store } = play;
  clearTimeout(play.timer);
  play.cleanUp();
  if (!store.state.intro) return;
  const draws = event?.type === "pointerdown" && event.target.closest?.(".board");
  const partly = store.state.source === play.own && play.own !== play.whole;
  store.set({ intro: null, ...(draws ? { source: null } : partly ? { source: play.whole } : {}) });
}
