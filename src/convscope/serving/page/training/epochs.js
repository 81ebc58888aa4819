/** The slider above the network: the same maps at every epoch of the run. Only for runs that kept their epochs. */

import { slider } from "./slider.js";
import { watch } from "./watch.js";

export function mount(root, store) {
  watch(store);
  root.append(slider(store).element);
  const show = () => (root.hidden = !store.state.snapshots?.epochs.length);
  store.on(["snapshots"], show);
  show();
}
