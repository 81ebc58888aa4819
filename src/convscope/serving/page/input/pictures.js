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
  store.on(["source"], () => markChosen(view.examples, store.state));
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
  chooser.addEventListener("change", () => take(view, chooser.files[0]));
  camera.addEventListener("click", () => openCamera(stage, {
    onNotice: (key) => say(view, key), onPicture: (blob) => take(view, blob), onClose: () => camera.focus(),
  }));
  listenToDrops(view, root.closest("[data-drop]") ?? root);
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (file) take(view, file);
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
      view.store.set({ tab: "network" });
      if (isFolder(event.dataTransfer)) say(view, "pictures.folder");
      else take(view, event.dataTransfer.files[0]);
    });
  }
}

/** Folders are dropped as files of no type, which cannot be read. */
const isFolder = ({ items }) => Boolean(items?.[0]?.webkitGetAsEntry?.()?.isDirectory);

function say({ notice }, key) {
  notice.hidden = !key;
  notice.textContent = key ? t(key) : "";
}

/** Makes a file the picture, if it is an image. */
function take(view, file) {
  if (!file) return;
  if (file.type && (!file.type.startsWith("image/") || file.type === "image/svg+xml")) { // shapes, not pixels
    say(view, "pictures.noImage");
    return;
  }
  say(view, null);
  view.store.set({ source: { kind: "file", name: file.name ?? "", blob: file } });
  view.chooser.value = ""; // so that the same file can be chosen again
}
