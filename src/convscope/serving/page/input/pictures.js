/** Pictures that are not drawn: a file that is chosen, dropped or pasted, the camera, examples and mistakes. */

import { h, icon } from "../dom.js";
import { t } from "../i18n.js";
import { openCamera } from "./camera.js";
import { examplesIn, markChosen } from "./examples.js";

export function mount(root, store) {
  const view = { root, store, ...elementsIn(root) };
  listen(view);
  let every = false; // whether all mistakes of the run are shown
  const showExamples = () => view.examples.replaceChildren(...examplesIn(store, every, (yes) => {
    every = yes;
    showExamples();
    view.examples.querySelector("section > button")?.focus();
  }));
  const showTexts = () => {
    view.upload.replaceChildren(icon("upload"), t("pictures.upload"));
    view.camera.replaceChildren(icon("camera"), t("pictures.camera"));
    showExamples();
  };
  store.on(["language"], showTexts);
  store.on(["examples"], () => (every = false));
  store.on(["examples", "network"], showExamples);
  store.on(["source"], () => {
    say(view, null); // what was said was about another picture
    markChosen(view.examples, store.state);
  });
  showTexts();
}

function elementsIn(root) {
  const chooser = h("input", { type: "file", accept: "image/*", class: "hidden-input", tabindex: -1 });
  const upload = h("button", { class: "quiet", onclick: () => chooser.click() });
  const camera = h("button", { class: "quiet" });
  const notice = h("p", { class: "notice", role: "status", hidden: true });
  const stage = h("div", { class: "camera", hidden: true }); // the camera's picture
  const examples = h("div", { class: "gallery" });
  root.append(h("div", { class: "row" }, upload, camera, chooser), notice, stage, examples);
  return { chooser, upload, camera, notice, stage, examples };
}

function listen(view) {
  const { root, chooser, camera, stage } = view;
  chooser.addEventListener("change", () => take(view, [...chooser.files]));
  camera.addEventListener("click", () => openCamera(stage, {
    onNotice: (key) => say(view, key), onPicture: (blob) => take(view, [blob]), onClose: () => camera.focus(),
  }));
  listenToDrops(view, root.closest("[data-drop]") ?? root);
  document.addEventListener("paste", (event) => {
    take(view, [...(event.clipboardData?.files ?? [])].filter(({ type }) => type.startsWith("image/")));
  });
}

/** Files are taken anywhere on the page, else the browser would leave it and show them; `zone` shows where they go. */
function listenToDrops(view, zone) {
  const hasFile = ({ dataTransfer }) => [...(dataTransfer?.types ?? [])].includes("Files");
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      if (!hasFile(event)) return;
      event.preventDefault();
      zone.classList.toggle("dropping", kind === "dragover");
      if (kind !== "drop") return;
      if (isFolder(event.dataTransfer)) refuse(view, "pictures.folder");
      else take(view, [...event.dataTransfer.files]);
    });
  }
}

/** Folders are dropped as files of no type, which cannot be read. */
const isFolder = ({ items }) => Boolean(items?.[0]?.webkitGetAsEntry?.()?.isDirectory);

function say({ notice }, key, values) {
  notice.hidden = !key;
  notice.textContent = key ? t(key, values) : "";
}

/**
 * Makes the first of some files the picture, where that can be seen. It is read at once, since a file may be moved
 * before the network asks for it again.
 */
async function take(view, files) {
  const { store, chooser } = view;
  const [file] = files;
  if (!file) return;
  view.newest = file;
  const blob = refusalOf(file) ? null : await readable(file);
  if (view.newest !== file) return; // another one was chosen meanwhile
  chooser.value = ""; // so that the same file can be chosen again
  if (!blob) {
    refuse(view, refusalOf(file) ?? "pictures.unreadable");
    return;
  }
  beSeen(store);
  store.set({ source: { kind: "file", name: file.name ?? "", blob } });
  if (files.length > 1) say(view, "pictures.first", { n: files.length, name: file.name });
}

function refuse(view, key) {
  beSeen(view.store);
  say(view, key);
}

/** Pictures stand beside the network, and so beside the lesson. */
function beSeen(store) {
  if (!["network", "lesson"].includes(store.state.tab)) store.set({ tab: "network" });
}

/** Why a file cannot be the picture, as far as its type tells: an SVG holds shapes, not pixels. */
const refusalOf = ({ type }) =>
  (type && (!type.startsWith("image/") || type.startsWith("image/svg")) ? "pictures.noImage" : null);

const readable = (file) =>
  file.arrayBuffer().then((content) => new Blob([content], { type: file.type })).catch(() => null);
