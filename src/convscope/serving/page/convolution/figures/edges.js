/** Lines with arrowheads between elements, drawn behind them: forward, or backward where gradients go. */

const SVG = "http://www.w3.org/2000/svg";
const HEAD = 6; // pixels of an arrowhead

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
    element.replaceChildren(...edges.flatMap(({ from, to, isBack }) => {
      const [start, end] = [from, to].map((one) => one.getBoundingClientRect());
      const [x1, y1] = [start.right - frame.left, start.top - frame.top + start.height / 2];
      const [x2, y2] = [end.left - frame.left, end.top - frame.top + end.height / 2];
      return [line([x1, y1], [x2, y2], isBack), head(isBack ? [x1, y1] : [x2, y2], isBack)];
    }));
  }
  function show(where, list) {
    if (within !== where) sizes.observe(where);
    [within, edges] = [where, list];
    draw();
  }
  return { element, show };
}

function line([x1, y1], [x2, y2], isBack) {
  const middle = (x1 + x2) / 2;
  const curve = `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
  return svg("path", { d: curve, class: isBack ? "edge back" : "edge" });
}

function head([x, y], isBack) {
  const side = isBack ? HEAD : -HEAD;
  return svg("path", { d: `M${x + side} ${y - HEAD / 1.5}L${x} ${y}L${x + side} ${y + HEAD / 1.5}z`,
    class: isBack ? "arrowhead back" : "arrowhead" });
}
