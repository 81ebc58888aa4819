/** Elements, made without HTML text: names of classes and files stay text, whatever they hold. */

/**
 * An element: h("button", {class: "quiet", onclick: f, data: {tool: "pen"}, disabled: true}, "text", child, children).
 * Properties and children that are undefined, null or false are left out.
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A name from outside the page (a class, a layer, a file), in any script and direction. */
export const name = (text) => h("bdi", { dir: "auto" }, text);

const ICONS = {
  pen: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  eraser: "M4 15l8-9 8 7-6 7H8zM8 11l7 7M8 20h12",
  undo: "M8 5L4 9l4 4M4 9h9a6 6 0 0 1 0 12H9",
  clear: "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13M10 11v6M14 11v6",
  centre: "M12 3v5M12 16v5M3 12h5M16 12h5M10 12h4M12 10v4",
  invert: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  upload: "M12 16V4M7 9l5-5 5 5M4 16v4h16v-4",
  camera: "M4 8h4l2-3h4l2 3h4v11H4zM12 17a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z",
  close: "M6 6l12 12M18 6L6 18",
  play: "M8 5l11 7-11 7z",
  pause: "M8 5v14M16 5v14",
  step: "M6 5l9 7-9 7zM18 5v14",
  share: "M12 15V4M8 8l4-4 4 4M6 12v8h12v-8",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2",
  moon: "M20 14A8 8 0 1 1 10 4a6.5 6.5 0 0 0 10 10z",
  auto: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 4v16",
  reset: "M5 5v5h5M5.5 10A7.5 7.5 0 1 1 5 15",
  off: "M12 4v8M7 7a7 7 0 1 0 10 0",
  edit: "M4 20l1-4L16 5l3 3L8 19z",
  follow: "M5 12h13M13 7l5 5-5 5",
  question: "M9 9a3 3 0 1 1 4 3c-1 .5-1 1-1 2M12 17.5v.5",
  cube: "M12 3l8 4.5v9L12 21l-8-4.5v-9zM12 12l8-4.5M12 12v9M12 12L4 7.5",
};

/** Replaces what is in an element; if one of its buttons had the focus, the one in the same position gets it. */
export function replaceKeepingFocus(element, children) {
  const focused = [...element.querySelectorAll("button")].indexOf(document.activeElement);
  element.replaceChildren(...children);
  if (focused >= 0) element.querySelectorAll("button")[focused]?.focus();
}

/** Sets the accessible name of an element and its tooltip. */
export function setLabel(element, text) {
  element.setAttribute("aria-label", text);
  element.title = text;
}

/** Where a pointer event lies in an element: [x, y], each from 0 (left, top) to 1. */
export function pointIn(element, event) {
  const box = element.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}

/** Gives a canvas a size in CSS pixels, as sharp as the screen. Returns its context, in which a unit is a CSS pixel. */
export function fitCanvas(canvas, width, height) {
  const ratio = devicePixelRatio;
  const [columns, rows] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== columns || canvas.height !== rows) {
    canvas.width = columns;
    canvas.height = rows;
  }
  // Also where the pixels stay the same: zooming the page changes the size of its own pixels.
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

/** One of the page's line icons. Screen readers skip it: it is decoration. */
export function icon(which) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", ICONS[which]);
  svg.append(path);
  return svg;
}

/** A function that runs `draw` once before the next frame, however often it is called until then. */
export function onceAFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}

/** Whether the system asks for reduced motion. */
export const stillness = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Downloads text or a Blob as a file. */
export function saveFile(filename, content, type) {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  h("a", { href: url, download: filename }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

const WIDE = /[\u1100-\u{3fffd}]/u; // characters as wide as Chinese ones

/** How wide a text is, in halves of a Chinese character: about one for each Latin letter. */
export const halvesOf = (text) => [...text].reduce((sum, letter) => sum + (WIDE.test(letter) ? 2 : 1), 0);
