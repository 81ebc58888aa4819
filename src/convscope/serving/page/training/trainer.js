/** Training in the page itself, where it is one file: start, pause, settings, own drawings, and the weights to keep. */

import { h, icon, saveFile } from "../dom.js";
import { t } from "../i18n.js";
import { boardPicture } from "../input/strokes.js";
import { inSeconds } from "../numbers.js";
import * as api from "../state/api.js";
import { note } from "../state/problems.js";

const RATES = { adam: 0.002, sgd: 0.05 };
const CHOICES = {
  kind: ["adam", "sgd"],
  rate: [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2],
  batch: [8, 16, 32, 64, 128],
};

/** {element, show()} of the panel; null where nothing can be trained. */
export function trainerPanel(store) {
  const trainer = api.trainer();
  if (!trainer) return null;
  const element = h("section", { class: "trainer" });
  const view = {
    store, trainer, element, label: "0", learned: "",
    settings: { kind: "adam", rate: RATES.adam, batch: 32, anew: trainer.canStartAnew },
  };
  const show = () => element.replaceChildren(...partsOf(view, show));
  trainer.listen(() => showFigures(view));
  let wasRunning = null;
  trainer.listen(() => {
    if (wasRunning !== trainer.running) show();
    wasRunning = trainer.running;
  });
  store.on(["language", "source"], show);
  const showWhetherItRuns = () => {
    const { classifier, snapshots } = store.state;
    if (classifier !== trainer.id || !snapshots || snapshots.running === trainer.running) return;
    store.set({ snapshots: { ...snapshots, running: trainer.running } });
  };
  trainer.listen(showWhetherItRuns);
  store.on(["snapshots"], showWhetherItRuns);
  return { element, show };
}

const optimizerOf = ({ kind, rate }) =>
  ({ kind, learningRate: rate, ...(kind === "sgd" && { momentum: 0.9 }) });
const settingsOf = (settings) => ({ optimizer: optimizerOf(settings), batchSize: settings.batch, seed: 1 });

function partsOf(view, show) {
  view.figures = h("p", { class: "soft trainer-figures", role: "status" });
  showFigures(view);
  return [
    h("div", { class: "row" }, mainButtons(view, show)),
    h("div", { class: "row" }, fieldsOf(view, show)),
    view.figures,
    view.trainer.worker ? h("div", { class: "row" }, ownParts(view, show)) : null,
  ].filter(Boolean);
}

function mainButtons({ store, trainer, settings }, show) {
  const attempt = (work) => async () => {
    try {
      await work();
    } catch (problem) {
      note(store, problem);
    }
    show();
  };
  const start = attempt(async () => {
    await trainer.start(settingsOf(settings), settings.anew);
    const { classifiers } = await api.classifiers();
    if (store.state.classifier === trainer.id) {
      store.set({ snapshots: { ...trainer.snapshots(), live: true }, epoch: trainer.newest }); // begun once more
    }
    store.set({ classifiers, classifier: trainer.id });
  });
  const goOn = attempt(async () => {
    trainer.resume();
    store.set({ classifier: trainer.id });
  });
  const save = attempt(async () => saveFile("trained.safetensors", new Blob([await trainer.weights()])));
  const button = (key, sign, onclick, kind = "quiet") => h("button", { class: kind, onclick }, icon(sign), t(key));
  if (trainer.running) return [button("trainer.pause", "pause", attempt(() => trainer.pause()), "primary")];
  if (!trainer.worker) return [button("trainer.start", "play", start, "primary")];
  return [button("trainer.goOn", "play", goOn, "primary"), button("trainer.again", "reset", start),
    button("trainer.save", "share", save)];
}

function fieldsOf({ trainer, settings }, show) {
  const change = (changes) => {
    Object.assign(settings, changes);
    trainer.change(settingsOf(settings));
    show();
  };
  const field = (key, values, name, read) => h("label", { class: "field" }, t(key), h("select", {
    data: { setting: name }, onchange: (event) => change(read(event.target.value)),
  }, values.map((value) => h("option", { value: String(value), selected: value === settings[name] },
    name === "kind" ? t(`trainer.${value}`) : String(value)))));
  const fields = [
    field("trainer.optimizer", CHOICES.kind, "kind", (kind) => ({ kind, rate: RATES[kind] })),
    field("trainer.rate", CHOICES.rate, "rate", (rate) => ({ rate: Number(rate) })),
    field("trainer.batch", CHOICES.batch, "batch", (batch) => ({ batch: Number(batch) })),
  ];
  if (!trainer.canStartAnew || trainer.running) return fields;
  const onchange = (event) => change({ anew: event.target.checked });
  const box = h("input", { type: "checkbox", checked: settings.anew, onchange });
  return [...fields, h("label", { class: "check" }, box, t("trainer.anew"))];
}

/** The own drawing gets a label and is learned. */
function ownParts(view, show) {
  const { store, trainer } = view;
  const { source } = store.state;
  const option = (name, i) => h("option", { value: String(i), selected: String(i) === view.label }, name);
  const onchange = (event) => (view.label = event.target.value);
  const choose = h("select", { onchange }, trainer.classNames.map(option));
  const learn = async () => {
    try {
      const label = Number(view.label);
      const n = await trainer.learn(boardPicture(source), label);
      view.learned = t("trainer.learned", { label: trainer.classNames[label], n });
    } catch (problem) {
      note(store, problem);
    }
    show();
  };
  const can = source?.kind === "drawing";
  const words = can ? view.learned : t("trainer.drawFirst");
  return [h("label", { class: "field" }, t("trainer.label"), choose),
    h("button", { class: "quiet", disabled: !can, onclick: learn }, icon("pen"), t("trainer.learn")),
    h("span", { class: "soft", role: "status" }, words)];
}

function showFigures({ trainer, figures }) {
  if (!figures) return;
  const last = trainer.rows.at(-1);
  const tested = trainer.rows.findLast((row) => "val/top1" in row);
  const share = (value) => (value * 100).toFixed(1);
  figures.textContent = [
    last ? t("trainer.soFar", { epoch: last.epoch.toFixed(1), seconds: inSeconds(last.seconds),
      loss: last["train/loss"].toFixed(3), share: share(last["train/top1"]) }) : t("trainer.about"),
    tested ? t("trainer.tested", { share: share(tested["val/top1"]), epoch: tested.epoch }) : "",
  ].join(" ");
}
