/** Curves over the epochs, drawn as SVG: two lines, axes with words, a mark at the epoch that is looked at. */

import { h } from "../dom.js";
import { t } from "../i18n.js";

const TALL = 224;
const WIDTHS = [300, 900]; // letters keep their size, whatever the room
const EDGE = { left: 72, right: 84, top: 16, bottom: 44 };

function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Round numbers from 0 or `least` to at least `most`, about `wanted` of them. */
export function ticks(least, most, wanted = 5) {
  const span = most - least || 1;
  const rough = span / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough * 0.999);
  const first = Math.floor(least / step + 1e-9) * step;
  const count = Math.ceil((most - first) / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, i) => Number((first + i * step).toPrecision(12)));
}

/** `lines`: [{key, name, className, end}] of columns; `onEpoch(epoch)` when somebody points at one. */
export function curves({ title, yTitle, lines, percent, onEpoch }) {
  const figure = h("figure", { class: "curves" });
  let wide = 560;

  function show({ rows, epoch, epochs, running }) {
    wide = Math.min(Math.max((figure.clientWidth || 592) - 34, WIDTHS[0]), WIDTHS[1]);
    const drawn = lines.map((line) => ({ ...line, points: rows.filter((row) => Number.isFinite(row[line.key])).map((row) => [row.epoch, row[line.key]]) }))
      .filter(({ points }) => points.length);
    const values = drawn.flatMap(({ points }) => points.map(([, value]) => value));
    const last = Math.max(1, ...rows.map((row) => row.epoch), ...epochs);
    const high = percent ? 1 : Math.max(...values, 0.1);
    const low = percent ? Math.min(0.9, ...values) : 0;
    const yTicks = ticks(percent ? Math.floor(low * 10) / 10 : 0, high);
    const [bottom, top] = [yTicks[0], yTicks.at(-1)];
    const x = (value) => EDGE.left + (value / last) * (wide - EDGE.left - EDGE.right);
    const y = (value) => TALL - EDGE.bottom - ((value - bottom) / (top - bottom)) * (TALL - EDGE.top - EDGE.bottom);
    const text = (value) => (percent ? `${Math.round(value * 100)} %` : String(value));
    const parts = [];
    for (const tick of yTicks) {
      parts.push(svg("line", { class: "grid", x1: x(0), x2: x(last), y1: y(tick), y2: y(tick) }),
        svg("text", { class: "tick", x: EDGE.left - 8, y: y(tick) + 4, "text-anchor": "end" }, text(tick)));
    }
    for (const tick of ticks(0, last, wide < 400 ? 4 : 8).filter((n) => Number.isInteger(n) && n <= last)) {
      parts.push(svg("text", { class: "tick", x: x(tick), y: TALL - EDGE.bottom + 18, "text-anchor": "middle" }, String(tick)));
    }
    parts.push(svg("text", { class: "axis", x: x(last / 2), y: TALL - 6, "text-anchor": "middle" }, t("training.epoch")),
      svg("text", { class: "axis", transform: `translate(14 ${y((bottom + top) / 2)}) rotate(-90)`, "text-anchor": "middle" }, yTitle()));
    const at = epoch ?? null;
    if (at !== null) parts.push(svg("line", { class: "here", x1: x(at), x2: x(at), y1: EDGE.top, y2: TALL - EDGE.bottom }));
    const ends = drawn.map(({ points }) => y(points.at(-1)[1]));
    const shift = ends.length > 1 && Math.abs(ends[0] - ends[1]) < 15 ? (ends[0] <= ends[1] ? [-8, 8] : [8, -8]) : [0, 0];
    drawn.forEach(({ name, className, points }, i) => {
      parts.push(svg("polyline", { class: `curve ${className}`, points: points.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(" ") }));
      for (const [a, b] of points.length < 40 ? points : points.slice(-1)) parts.push(svg("circle", { class: `dot ${className}`, cx: x(a), cy: y(b), r: a === at ? 5 : 2.5 }));
      const [a, b] = points.at(-1);
      parts.push(svg("text", { class: `end ${className}`, x: x(a) + 10, y: y(b) + 4 + shift[i] }, name()));
    });
    const picture = svg("svg", { viewBox: `0 0 ${wide} ${TALL}`, role: "img", "aria-label": summary(drawn, text) }, ...parts);
    picture.addEventListener("pointerdown", (event) => pick(event, last));
    picture.addEventListener("pointermove", (event) => event.buttons === 1 && pick(event, last));
    figure.classList.toggle("running", Boolean(running));
    figure.replaceChildren(h("figcaption", {}, h("b", {}, title()), ...reading(drawn, at)), picture);
  }
  function pick(event, last) {
    const box = figure.querySelector("svg").getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * wide;
    onEpoch(((at - EDGE.left) / (wide - EDGE.left - EDGE.right)) * last);
  }
  const exact = (value) => (percent ? `${(value * 100).toFixed(1)} %` : value.toPrecision(3));
  const reading = (drawn, at) => drawn.map(({ name, className, points }) => {
    const point = at === null ? points.at(-1) : points.find(([a]) => a === at);
    return h("span", { class: `value ${className}` }, `${name()} ${point ? exact(point[1]) : "–"}`);
  });
  const summary = (drawn, text) => `${title()}. ${drawn.map(({ name, points }) => `${name()}: ${text(Number(points[0][1].toPrecision(3)))} → ${text(Number(points.at(-1)[1].toPrecision(3)))}`).join("; ")}`;
  return { element: figure, show };
}
