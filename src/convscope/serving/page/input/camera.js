/** The camera: its picture in the page, and a button that takes the square in the middle of it. */

import { h } from "../dom.js";
import { t } from "../i18n.js";

const FAILURES = { NotAllowedError: "pictures.cameraDenied", NotFoundError: "pictures.cameraNone" };

/** Opens it in `stage`. `onNotice(key or null)`, `onPicture(blob)` and `onClose()` say what comes of it. */
export async function openCamera(stage, { onNotice, onPicture, onClose }) {
  let stream;
  onNotice("pictures.cameraAsks");
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch (problem) {
    onNotice(FAILURES[problem.name] ?? "pictures.cameraFailed");
    return;
  }
  onNotice(null);
  const close = () => {
    stream.getTracks().forEach((track) => track.stop());
    stage.replaceChildren();
    stage.hidden = true;
    onClose();
  };
  const video = h("video", { autoplay: true, muted: true, playsInline: true });
  video.srcObject = stream;
  const shoot = () => {
    squareOf(video).toBlob(onPicture, "image/png");
    close();
  };
  show(stage, video, shoot, close);
}

function show(stage, video, shoot, close) {
  const shutter = h("button", { class: "primary", onclick: shoot }, t("pictures.shoot"));
  const cancel = h("button", { class: "quiet", onclick: close }, t("pictures.cancel"));
  stage.replaceChildren(video, h("div", { class: "row" }, shutter, cancel));
  stage.onkeydown = (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  };
  stage.hidden = false;
  shutter.focus();
}

/** The square in the middle of a video, as a canvas. */
function squareOf(video) {
  const side = Math.min(video.videoWidth, video.videoHeight);
  const canvas = h("canvas", { width: side, height: side });
  const [left, top] = [(video.videoWidth - side) / 2, (video.videoHeight - side) / 2];
  canvas.getContext("2d").drawImage(video, left, top, side, side, 0, 0, side, side);
  return canvas;
}
