/** Lines with arrowheads between elements, drawn behind them: forward, or backward where gradients go. */

const SVG = "http://www.w3.org/2000/svg";
const HEAD = 6; // pixels of an arrowhead
const NEXT = 60; // pixels to the next column at most; what leads farther goes over the nodes in between
const [FIRST_LANE, LANE, BEND] = [22, 8, 18]; // pixels from the top to the first such line, between two, of its bends

function svg(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** `show(within, edges)` draws `edges` [{from, to, isBack}] in the coordinates of `within`, and again with its size. */
export function edgeLines() {
  const element = svg("svg", { class: "edges", "aria-hidden": "true" });
  let [within, edges] = [null, []];
  const sizes = new ResizeObserver(() => draw());

  function draw() {
    const frame = within.getBoundingClientRect();
    if (!frame.width) return;
    element.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
    Object.assign(element.style, { width: `${frame.width}px`, height: `${frame.height}px` });
    let lanes = 0;
    element.replaceChildren(...edges.flatMap(({ from, to, isBack }) => {
      const [start, end] = [from, to].map((one) => one.getBoundingClientRect());
      const [x1, y1] = [start.right - frame.left, start.top - frame.top + start.height / 2];
      const [x2, y2] = [end.left - frame.left, end.top - frame.top + end.height / 2];
      const lane = x2 - x1 > NEXT ? FIRST_LANE - LANE * lanes++ : null;
      return [line([x1, y1], [x2, y2], isBack, lane), head(isBack ? [x1, y1] : [x2, y2], isBack)];
    }));
  }
  function show(where, list) {
    if (within !== where) sizes.observe(where);
    [within, edges] = [where, list];
    draw();
  }
  return { element, show };
}

function line([x1, y1], [x2, y2], isBack, lane) {
  const middle = (x1 + x2) / 2;
  const [a, b] = [x1 + BEND, x2 - BEND];
  const over = `C${a} ${y1} ${x1} ${lane} ${a + BEND} ${lane}L${b - BEND} ${lane}C${x2} ${lane} ${b} ${y2} ${x2} ${y2}`;
  const curve = `M${x1} ${y1}${lane === null ? `C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}` : over}`;
  return svg("path", { d: curve, class: isBack ? "edge back" : "edge" });
}

function head([x, y], isBack) {
  const side = isBack ? HEAD : -HEAD;
  return svg("path", { d: `M${x + side} ${y - HEAD / 1.5}L${x} ${y}L${x + side} ${y + HEAD / 1.5}z`,
    class: isBack ? "arrowhead back" : "arrowhead" });
}
