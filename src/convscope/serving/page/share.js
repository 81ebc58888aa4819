/** The menu of what can be taken along: a link, a picture, numbers. */

import { h, icon, saveFile } from "./dom.js";
import { t } from "./i18n.js";
import { allNumbers, networkPicture, shownNumbers } from "./network/save.js";
import { showQr } from "./qr.js";
import { linkOf } from "./state/address.js";
import { isWhole } from "./state/link.js";
import { isTooLarge, pytorchCode } from "./state/pytorch.js";
import { hasWorksheet, printWorksheet } from "./worksheet.js";

/** {element, show()}: a button that opens the menu; `show()` follows the store. */
export function shareMenu(store) {
  const menu = h("div", { class: "menu", role: "menu", hidden: true });
  const button = h("button", { class: "quiet", "aria-haspopup": "menu", "aria-expanded": "false" });
  const element = h("div", { class: "share" }, button, menu);
  const open = (yes) => {
    if (!yes && menu.contains(document.activeElement)) button.focus(); // before it is hidden
    if (yes) menu.replaceChildren(...itemsOf(store, () => open(false)));
    menu.hidden = !yes;
    button.setAttribute("aria-expanded", String(yes));
    if (yes) menu.querySelector("button:not(:disabled)")?.focus();
  };
  button.addEventListener("click", () => open(menu.hidden));
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !menu.hidden) {
      event.preventDefault();
      open(false);
    } else if (moveFocus(menu, event.key)) event.preventDefault();
  });
  document.addEventListener("pointerdown", (event) => element.contains(event.target) || open(false));
  const show = () => {
    button.replaceChildren(icon("share"), h("span", { class: "word" }, t("top.share")));
    button.setAttribute("aria-label", t("top.share"));
  };
  return { element, show };
}

/** Moves the focus up or down in the menu; false for other keys. */
function moveFocus(menu, key) {
  const items = [...menu.querySelectorAll("button:not(:disabled)")];
  const step = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (!step || !items.length) return false;
  items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
  return true;
}

function itemsOf(store, close) {
  const { network, forward, presenter } = store.state;
  const item = (key, possible, onclick) => h("button", { role: "menuitem", disabled: !possible, onclick }, t(key));
  const saving = (save) => async () => {
    await save(store.state);
    close();
  };
  return [
    item("top.link", true, (event) => copyLink(event.currentTarget, store.state)),
    item("top.qr", true, () => {
      close();
      showQr(linkOf(store.state));
    }),
    item(presenter ? "top.presenterOff" : "top.presenter", true, () => {
      close();
      store.set({ presenter: !presenter });
    }),
    item(isTooLarge(store.state) ? "top.pytorchLarge" : "top.pytorch", forward && !isTooLarge(store.state), (event) =>
      copy(event.currentTarget, pytorchCode(store.state), "top.pytorchCopied")),
    item("top.worksheet", hasWorksheet(store.state), () => {
      close();
      printWorksheet(store.state);
    }),
    item("top.picture", network, saving(async ({ classifier }) =>
      saveFile(`${classifier}.png`, await networkPicture(store)))),
    item("top.csv", forward, saving((state) => saveFile(...shownNumbers(state), "text/csv"))),
    item("top.json", forward, saving((state) =>
      saveFile(`${state.classifier}.json`, JSON.stringify(allNumbers(state), null, 1), "application/json"))),
  ];
}

const copyLink = (button, state) =>
  copy(button, linkOf(state), isWhole(state) ? "top.copied" : "top.copiedWithout", "top.copyByHand");

/** The button says what became of it. */
async function copy(button, text, done, otherwise = "top.copyFailed") {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = t(done);
  } catch {
    button.textContent = t(otherwise);
  }
}
