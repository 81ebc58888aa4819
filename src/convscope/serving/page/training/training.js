/** The training tab: how far a run is, its curves, its epochs to slide through, and the network at one of them. */

import { h, icon } from "../dom.js";
import { t } from "../i18n.js";
import { inSeconds } from "../numbers.js";
import * as api from "../state/api.js";
import { curves } from "./curves.js";
import { emptyTab } from "./empty.js";
import { moment } from "./moment.js";
import { slider } from "./slider.js";
import { startPanel } from "./start.js";
import { trainerPanel } from "./trainer.js";

export function mount(root, store) {
  const header = runHeader(store);
  const empty = emptyTab(store);
  const epochs = slider(store);
  const onEpoch = (epoch) => showNearestEpoch(store, epoch);
  const charts = [
    curves({ title: "training.loss", axis: "training.loss", column: "loss", onEpoch }),
    curves({ title: "training.accuracy", axis: "training.accuracyAxis", column: "top1", percent: true, onEpoch }),
    curves({ title: "training.map", axis: "training.mapAxis", column: "map", percent: true, onEpoch }),
  ];
  const now = moment(store);
  const left = h("div", { class: "training-curves" }, epochs.element, charts.map((chart) => chart.element));
  const body = h("div", { class: "training-body" }, left, now.element);
  const trainer = trainerPanel(store);
  const start = startPanel(store);
  root.append(h("div", { class: "training" }, trainer?.element, start.element, header.element, empty.element, body));
  trainer?.show();

  function show() {
    if (root.hidden) return;
    const { snapshots, epoch } = store.state;
    const known = isKnown(snapshots);
    empty.element.hidden = known || Boolean(trainer);
    header.element.hidden = body.hidden = !known;
    if (!known) {
      if (!trainer) empty.show(store.state);
      return;
    }
    chooseExample(store);
    header.show(store.state);
    for (const chart of charts) chart.show({ rows: snapshots.metrics, epochs: snapshots.epochs, epoch });
    now.show(store.state);
  }
  store.on(["snapshots", "epoch", "forward", "examples", "source", "language", "theme", "classifiers"], show);
  onNewWidth(root, show);
  show();
  return { hide: () => epochs.player.stop(), show };
}

/** Whether there is anything of a run to show. */
const isKnown = (snapshots) =>
  Boolean(snapshots && (snapshots.epochs.length || snapshots.metrics.length || snapshots.running));

/** The network needs a picture to answer: the first example, unless there is one already. */
function chooseExample(store) {
  const { source, examples, forward } = store.state;
  if (!source && !forward && examples.length) store.set({ source: { kind: "example", id: examples[0].id } });
}

function showNearestEpoch(store, wanted) {
  const { epochs } = store.state.snapshots;
  if (!epochs.length) return;
  const distance = (epoch) => Math.abs(epoch - wanted);
  store.set({ epoch: epochs.reduce((best, epoch) => (distance(epoch) < distance(best) ? epoch : best)) });
}

function onNewWidth(element, act) {
  let width = 0;
  new ResizeObserver(() => {
    if (element.clientWidth && element.clientWidth !== width) act();
    width = element.clientWidth;
  }).observe(element);
}

/** Whether the run is in training, was stopped or is finished, how far it is, and the way back to its newest epoch. */
function runHeader(store) {
  const badge = h("span", { class: "run-state", role: "status" });
  const onFollow = () => store.set({ epoch: store.state.snapshots.epochs.at(-1) });
  const follow = h("button", { class: "quiet", onclick: onFollow });
  const sentence = h("p", { class: "soft" });
  const element = h("header", {}, h("div", { class: "row" }, badge, follow), sentence);

  function show({ snapshots, epoch }) {
    const { epochs, running } = snapshots;
    const state = stateOf(snapshots);
    badge.className = `run-state ${state}`;
    badge.textContent = t(`training.${state}`);
    follow.hidden = !running || epoch === epochs.at(-1);
    follow.replaceChildren(icon("follow"), t("training.follow"));
    sentence.textContent = [progressText(snapshots), earlyText(snapshots)].filter(Boolean).join(" ");
  }
  return { element, show };
}

/** `live` runs have no finished network: those that no longer train were stopped, or paused where the page trains. */
function stateOf({ running, live }) {
  if (running) return "running";
  if (!live) return "finished";
  return api.trainer() ? "paused" : "stopped";
}

const SO_FAR = { running: "training.soFar", paused: "training.pausedAfter", stopped: "training.stoppedAfter" };

function progressText(snapshots) {
  const { metrics } = snapshots;
  const state = stateOf(snapshots);
  const last = metrics.at(-1);
  if (!last) return t(state === "stopped" ? "training.stoppedInFirst" : "training.firstEpoch");
  const values = { epoch: Math.round(last.epoch * 10) / 10, seconds: inSeconds(last.seconds ?? 0) };
  if (last.seconds === undefined && validated(last) !== undefined) {
    return t("training.wholeUntimed", { ...values, ...bestOf(metrics) });
  }
  if (state in SO_FAR) return t(SO_FAR[state], values);
  const accuracies = metrics.filter((row) => validated(row) !== undefined);
  if (!accuracies.length) return t(tested(last) === undefined ? "training.wholeAlone" : "training.wholeTested",
    { ...values, share: percent(tested(last) ?? 0) });
  const words = "val/map" in accuracies[0] ? "training.wholeOfLabels" : "training.whole";
  return t(words, { ...values, ...bestOf(accuracies) });
}

/** That a training has ended before all its epochs: its time was up, or it was no longer getting better. */
function earlyText({ metrics, planned, live }) {
  const early = !live && planned && metrics.length && metrics.at(-1).epoch < planned;
  return early ? t("training.early", { planned }) : "";
}

/** {best, share}: the epoch with the best figure on validation images. */
function bestOf(rows) {
  const best = rows.reduce((a, b) => (validated(b) > validated(a) ? b : a));
  return { best: best.epoch, share: percent(validated(best)) };
}

const validated = (row) => row["val/top1"] ?? row["val/map"] ?? undefined;
const tested = (row) => row["test/top1"] ?? undefined;
const percent = (share) => (share * 100).toFixed(1);
