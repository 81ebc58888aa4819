/** A training run: its curves, its epochs to slide through, and the run as it goes on. */

import { h, icon, name } from "../dom.js";
import { ofLanguage, t } from "../i18n.js";
import { curves } from "./curves.js";
import { moment } from "./moment.js";
import { slider } from "./slider.js";

const COMMAND = "convscope train digits --model lenet_relu --epochs 12\nconvscope serve last";
const LINES = [
  { end: "train", name: () => t("training.train"), className: "train" },
  { end: "val", name: () => t("training.val"), className: "val" },
];

export function mount(root, store) {
  const badge = h("span", { class: "run-state", role: "status" });
  const sentence = h("p", { class: "soft" });
  const nearest = (wished) => {
    const { epochs } = store.state.snapshots;
    if (epochs.length) store.set({ epoch: epochs.reduce((best, e) => (Math.abs(e - wished) < Math.abs(best - wished) ? e : best)) });
  };
  const lines = (column) => LINES.map((line) => ({ ...line, key: `${line.end}/${column}` }));
  const loss = curves({ title: () => t("training.loss"), yTitle: () => t("training.loss"), lines: lines("loss"), onEpoch: nearest });
  const right = curves({ title: () => t("training.accuracy"), yTitle: () => t("training.accuracyAxis"), lines: lines("top1"), percent: true, onEpoch: nearest });
  const epochs = slider(store);
  const now = moment(store);
  const follow = h("button", { class: "quiet", onclick: () => store.set({ epoch: store.state.snapshots.epochs.at(-1) }) });
  const body = h("div", { class: "training-body" }, h("div", { class: "training-curves" }, epochs.element, loss.element, right.element), now.element);
  const empty = h("div", { class: "training-empty" });
  root.append(h("div", { class: "training" }, h("header", {}, h("div", { class: "row" }, badge, follow), sentence), empty, body));

  function other() {
    const { classifiers, classifier } = store.state;
    return classifiers.filter(({ id, has_snapshots: kept }) => kept && id !== classifier).map(({ id, name: called }) =>
      h("button", { class: "primary", onclick: () => store.set({ classifier: id, selected: null }) }, t("training.choose"), " ", name(called)));
  }
  function nothing(snapshots) {
    const waiting = snapshots === null;
    const texts = snapshots?.problem ? [ofLanguage(snapshots.problem)] : [t(waiting ? "training.loading" : "training.none")];
    const copy = h("button", { class: "quiet", onclick: () => navigator.clipboard?.writeText(COMMAND) }, t("training.copy"));
    empty.replaceChildren(h("div", { class: waiting ? "busy" : "training-sign" }, ...(waiting ? [] : [emptyCurve()])), ...texts.map((text) => h("p", {}, text)),
      ...(waiting ? [] : [h("p", { class: "soft" }, t("training.how")), h("pre", {}, COMMAND), h("div", { class: "row" }, copy, ...other())]));
  }

  function show() {
    if (root.hidden) return;
    const { snapshots, epoch, source, examples, forward } = store.state;
    const known = Boolean(snapshots && (snapshots.epochs.length || snapshots.metrics.length || snapshots.running));
    empty.hidden = known;
    body.hidden = badge.hidden = sentence.hidden = !known;
    follow.hidden = !known || !snapshots.running || epoch === snapshots.epochs.at(-1);
    if (!known) return nothing(snapshots);
    if (!source && examples.length && !forward) store.set({ source: { kind: "example", id: examples[0].id } });
    const { metrics: rows, running } = snapshots;
    const last = rows.at(-1);
    badge.className = `run-state ${running ? "running" : "finished"}`;
    badge.textContent = t(running ? "training.running" : "training.finished");
    sentence.textContent = !last ? t("training.firstEpoch") : running ? t("training.soFar", { epoch: last.epoch, seconds: Math.round(last.seconds ?? 0) })
      : t("training.whole", { epoch: last.epoch, seconds: Math.round(last.seconds ?? 0), ...best(rows) });
    follow.replaceChildren(icon("follow"), t("training.follow"));
    for (const one of [loss, right]) one.element.hidden = !rows.length;
    const shown = { rows, epoch, epochs: snapshots.epochs, running };
    loss.show(shown);
    right.show(shown);
    now.show();
    return undefined;
  }
  const best = (rows) => {
    const value = (row) => row["val/top1"] ?? row["train/top1"] ?? 0;
    const row = rows.reduce((a, b) => (value(b) > value(a) ? b : a));
    return { best: row.epoch, share: (value(row) * 100).toFixed(1) };
  };

  store.on(["snapshots", "epoch", "forward", "examples", "source", "language", "theme", "classifiers"], show);
  let width = 0;
  new ResizeObserver(() => {
    if (root.clientWidth && root.clientWidth !== width) show();
    width = root.clientWidth;
  }).observe(root);
  show();
  return { hide: epochs.stop, show };
}

/** A falling curve without numbers, for where there is nothing to draw yet. */
function emptyCurve() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 120 64");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", "M8 4V58H116M14 12C30 46 58 50 112 51");
  svg.append(path);
  return svg;
}
