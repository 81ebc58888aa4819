/** The window that slides over a map by itself: place by place, each when the numbers of the one before are there. */

import { stillness } from "../dom.js";
import { paced } from "../pace.js";

const PACE = 160; // milliseconds between two places

/**
 * `place(y, x)` moves the window; `size()` is the {width, height} of the map; `isShown()` tells whether the map is
 * still there; `onChange()` is called when it stops. With reduced motion it goes one place for each `toggle()`.
 */
export function slidingWindow({ store, place, size, isShown, onChange }) {
  let running = false;
  let timer = 0;

  function stop() {
    running = false;
    clearTimeout(timer);
    onChange();
  }
  function goAfter(y, x) {
    const { width, height } = size();
    const next = y * width + x + 1;
    if (next >= width * height) stop();
    else place(Math.floor(next / width), next % width);
  }
  function start() {
    const { y = 0, x = -1 } = store.state.selected;
    if (stillness()) return goAfter(y, x);
    running = true;
    return goAfter(0, -1);
  }
  /** Call it when the state has changed. */
  function follow() {
    clearTimeout(timer);
    const { arithmetic, selected: { y, x } } = store.state;
    if (!running || arithmetic?.index[1] !== y || arithmetic.index[2] !== x) return;
    timer = setTimeout(() => isShown() && goAfter(y, x), paced(PACE));
  }
  return { isRunning: () => running, toggle: () => (running ? stop() : start()), stop, follow };
}
