/** A figure with two curves over the epochs, training and validation (else test), in which an epoch can be chosen. */

import { h, pointIn } from "../dom.js";
import { t } from "../i18n.js";
import { chart, epochAt } from "./chart.js";

const [NARROWEST, WIDEST] = [300, 900]; // pixels of the chart: its letters keep their size, whatever the room
const AROUND = 34; // pixels of the figure around its chart
const TRAIN = { split: "train", words: "training.train" };
// The images that are not trained on: those of the test split where none are held out for validation.
const UNSEEN = [{ split: "val", words: "training.val" }, { split: "test", words: "training.test" }];

/**
 * `title` and `axis` are keys of their words, `column` names a column of metrics.csv without its split; `percent` for
 * shares. `onEpoch(epoch)` hears of an epoch (with a fraction) that somebody points at.
 * `show({rows, epochs, epoch})`: the rows of metrics.csv, the kept epochs, the one that is looked at or null.
 */
export function curves({ title, axis, column, percent, onEpoch }) {
  const element = h("figure", { class: "curves" });

  function show({ rows, epochs, epoch }) {
    const lines = linesOf(rows);
    element.hidden = !lines.length; // a figure that this kind of training does not have
    if (element.hidden) return;
    const last = Math.max(1, ...rows.map((row) => row.epoch), ...epochs);
    const width = Math.min(Math.max((element.clientWidth || 592) - AROUND, NARROWEST), WIDEST);
    const picture = chart({ lines, last, epoch, percent, width, axis: t(axis), label: summary(lines) });
    const point = (event) => {
      const [x] = pointIn(picture, event);
      onEpoch(epochAt(x * width, width, last));
    };
    picture.addEventListener("pointerdown", point);
    picture.addEventListener("pointermove", (event) => event.buttons === 1 && point(event));
    const values = lines.map((line) => valueAt(line, epoch));
    element.replaceChildren(h("figcaption", {}, h("b", {}, t(title)), values), picture);
  }

  function linesOf(rows) {
    const pointsOf = (split) => rows.map((row) => [row.epoch, row[`${split}/${column}`]])
      .filter(([, value]) => Number.isFinite(value));
    const unseen = UNSEEN.find(({ split }) => pointsOf(split).length);
    const lineOf = ({ split, words }, className) => ({ className, name: t(words), points: pointsOf(split) });
    return [lineOf(TRAIN, "train"), ...(unseen ? [lineOf(unseen, "val")] : [])]
      .filter(({ points }) => points.length);
  }

  /** A curve's value at the epoch that is looked at. */
  function valueAt({ name, className, points }, epoch) {
    const point = epoch === null ? points.at(-1) : points.find(([at]) => at === epoch);
    const text = (value) => (percent ? `${(value * 100).toFixed(1)} %` : value.toPrecision(3));
    return h("span", { class: `value ${className}` }, `${name} ${point ? text(point[1]) : "–"}`);
  }

  /** What the curves say, for screen readers. */
  function summary(lines) {
    const text = (value) => (percent ? `${Math.round(value * 100)} %` : String(Number(value.toPrecision(3))));
    const ends = lines.map(({ name, points }) => `${name}: ${text(points[0][1])} → ${text(points.at(-1)[1])}`);
    return `${t(title)}. ${ends.join("; ")}`;
  }
  return { element, show };
}
