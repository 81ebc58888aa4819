/** The link as a QR code, large enough for a class to take it from the projector. */

import { h, icon, setLabel } from "./dom.js";
import { t } from "./i18n.js";
import { qrCode } from "./state/qr.js";

const QUIET = 4; // light modules around a code
const LOCAL = ["127.0.0.1", "localhost", "[::1]", ""];

/** Shows the code of `link` until it is closed. */
export function showQr(link) {
  const code = qrCode(link);
  const close = h("button", { class: "tool", onclick: () => dialog.close() }, icon("close"));
  setLabel(close, t("qr.close"));
  const isLocal = LOCAL.includes(new URL(link).hostname);
  const dialog = h("dialog", { class: "qr", "aria-label": t("qr.title") },
    h("header", {}, h("h2", {}, t("qr.title")), close),
    code ? picture(code) : h("p", { class: "problem" }, t("qr.long")),
    isLocal && h("p", { class: "notice" }, t("qr.local")),
    h("p", { class: "soft link", tabindex: 0 }, link));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
}

/** Dark on light in both themes, which is what cameras expect. */
function picture({ size, isDark }) {
  const side = size + 2 * QUIET;
  const scale = Math.max(Math.floor(Math.min(innerWidth - 64, innerHeight - 240) / side), 2);
  const canvas = h("canvas", { role: "img", "aria-label": t("qr.title"), width: side * scale, height: side * scale });
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = "#000";
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      if (isDark(x, y)) context.fillRect((x + QUIET) * scale, (y + QUIET) * scale, scale, scale);
    }
  }
  return canvas;
}
