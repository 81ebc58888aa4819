/** Pictures that are not drawn: a file, a drop, a paste, the camera, an example or a mistake of the validation images. */

import { h, icon, name } from "../dom.js";
import { t } from "../i18n.js";

export function mount(root, store) {
  const notice = h("p", { class: "notice", role: "status", hidden: true });
  const chooser = h("input", { type: "file", accept: "image/*", class: "hidden-input", tabindex: -1 });
  chooser.addEventListener("change", () => take(chooser.files[0]));
  const upload = h("button", { class: "quiet", onclick: () => chooser.click() });
  const camera = h("button", { class: "quiet", onclick: () => openCamera() });
  const stage = h("div", { class: "camera", hidden: true });
  const gallery = h("div", { class: "gallery" });
  root.append(h("div", { class: "row" }, upload, camera, chooser), notice, stage, gallery);

  function say(key) {
    notice.hidden = !key;
    notice.textContent = key ? t(key) : "";
  }
  function take(file) {
    if (!file) return;
    if (file.type && !file.type.startsWith("image/")) {
      say("pictures.noImage");
      return;
    }
    say(null);
    store.set({ source: { kind: "file", name: file.name ?? "", blob: file } });
    chooser.value = "";
  }

  // Anywhere on the page: elsewhere the browser would leave it and show the file.
  const zone = root.closest("[data-drop]") ?? root;
  const hasFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      if (!hasFile(event)) return;
      event.preventDefault();
      zone.classList.toggle("dropping", kind === "dragover");
      if (kind === "drop") {
        store.set({ tab: "network" });
        take(event.dataTransfer.files[0]);
      }
    });
  }
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (file) take(file);
  });

  async function openCamera() {
    let stream;
    say("pictures.cameraAsks");
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch (problem) {
      const known = { NotAllowedError: "pictures.cameraDenied", NotFoundError: "pictures.cameraNone" };
      say(known[problem.name] ?? "pictures.cameraFailed");
      return;
    }
    say(null);
    const video = h("video", { autoplay: true, muted: true, playsInline: true });
    const close = () => {
      stream.getTracks().forEach((track) => track.stop());
      stage.replaceChildren();
      stage.hidden = true;
      camera.focus();
    };
    const shoot = () => {
      const canvas = h("canvas", {});
      const side = Math.min(video.videoWidth, video.videoHeight);
      canvas.width = canvas.height = side;
      const [left, top] = [(video.videoWidth - side) / 2, (video.videoHeight - side) / 2];
      canvas.getContext("2d").drawImage(video, left, top, side, side, 0, 0, side, side);
      canvas.toBlob((blob) => take(blob), "image/png");
      close();
    };
    video.srcObject = stream;
    const take1 = h("button", { class: "primary", onclick: shoot }, t("pictures.shoot"));
    stage.replaceChildren(video, h("div", { class: "row" }, take1,
      h("button", { class: "quiet", onclick: close }, t("pictures.cancel"))));
    stage.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      close();
    });
    stage.hidden = false;
    take1.focus();
  }

  function showGallery() {
    const { examples, source } = store.state;
    const chosen = source?.kind === "example" ? source.id : null;
    const groups = [["pictures.examples", examples.filter(({ kind }) => kind !== "mistake")],
      ["pictures.mistakes", examples.filter(({ kind }) => kind === "mistake")]];
    gallery.replaceChildren(...groups.filter(([, some]) => some.length).map(([key, some]) => h("section", {},
      h("h3", {}, t(key)), h("div", { class: "thumbs" }, some.map((example) => thumb(example, example.id === chosen))))));
  }
  function thumb(example, chosen) {
    const wrong = example.kind === "mistake";
    const label = wrong
      ? t("pictures.mistake", { label: example.label, predicted: example.predicted })
      : t("pictures.example", { title: example.title || example.label || example.id });
    const image = h("img", { src: example.url, alt: "", loading: "lazy" });
    return h("button", { class: "thumb", title: label, "aria-label": label, "aria-pressed": String(chosen),
      onclick: () => store.set({ source: { kind: "example", id: example.id } }) },
    image, wrong ? h("span", { class: "mistake" }, name(example.label), " → ", name(example.predicted)) : null);
  }
  function words() {
    upload.replaceChildren(icon("upload"), t("pictures.upload"));
    camera.replaceChildren(icon("camera"), t("pictures.camera"));
    showGallery();
  }
  store.on(["language"], words);
  store.on(["examples", "source"], showGallery);
  words();
}
