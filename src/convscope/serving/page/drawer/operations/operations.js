/** Calculations that are no sum over windows: pooling, functions, norms, additions, copies, dense layers, softmax. */

import { replaceKeepingFocus } from "../../dom.js";
import { normalisation } from "./norm.js";
import { copy, pointwiseFunction } from "./pointwise.js";
import { pooling } from "./pooling.js";
import { softmax } from "./softmax.js";
import { addition, termList } from "./terms.js";

const FEW = 6; // terms of an addition that each get a picture

// By `arithmetic.operation`; each makes the elements for (store, arithmetic, list: {showsAll, showAll}).
const OPERATIONS = {
  maximum: pooling,
  average: pooling,
  function: pointwiseFunction,
  normalise: normalisation,
  copy,
  softmax,
  sum: (store, arithmetic, list) => (arithmetic.terms.length > FEW ? termList : addition)(store, arithmetic, list),
  "sum of products": termList,
  composite: termList,
};

/** Fills `root` for the selected value; `update()` follows the store. */
export function operationView(root, store) {
  const list = {
    showsAll: false, // whether all terms are listed
    showAll() {
      list.showsAll = true;
      update();
    },
  };
  const update = () => {
    const { arithmetic } = store.state;
    root.classList.toggle("busy", !arithmetic);
    if (!arithmetic) return;
    const make = OPERATIONS[arithmetic.operation] ?? copy;
    replaceKeepingFocus(root, make(store, arithmetic, list));
  };
  return { update };
}
