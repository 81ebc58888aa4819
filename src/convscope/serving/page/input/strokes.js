/** Strokes of a drawing: {tool, points} with [x, y] from 0 to 1 of the board, and how they look. */

const WIDTH = { pen: 0.085, eraser: 0.16 }; // of the board; a pen of 2.4 pixels on MNIST's 28
const NEAR = 0.006; // a point closer to the last one is left out
const BOARD = 224; // pixels of the picture that is sent: so many that the server's resizing decides how it looks
const FILLED = 20 / 28; // of the board that a centred drawing fills, as MNIST's digits do
const LARGEST_SCALE = 3; // of a centred drawing: a dot stays small

/** Coordinates lie on the grid of those in links, so that a link holds exactly what was drawn. */
export const GRID = 36 ** 2 - 1;
const onGrid = (v) => Math.round(Math.min(Math.max(v, 0), 1) * GRID) / GRID;

/** Adds a point unless it lies on the last one. Returns whether it did. */
export function addPoint(points, x, y) {
  const last = points.at(-1);
  if (last && Math.hypot(last[0] - x, last[1] - y) < NEAR) return false;
  points.push([onGrid(x), onGrid(y)]);
  return true;
}

/** Paints strokes over the whole board: light on dark for `ink` "chalk", dark on light for "ink". */
export function paintStrokes(context, size, strokes, ink) {
  const [ground, line] = ink === "ink" ? ["#fff", "#000"] : ["#000", "#fff"];
  context.fillStyle = ground;
  context.fillRect(0, 0, size, size);
  context.lineCap = context.lineJoin = "round";
  for (const { tool, points } of strokes) {
    context.strokeStyle = tool === "eraser" ? ground : line;
    context.lineWidth = WIDTH[tool] * size;
    context.beginPath();
    const [first, ...rest] = points.map(([x, y]) => [x * size, y * size]);
    context.moveTo(...first);
    if (!rest.length) context.lineTo(first[0] + 0.01, first[1]);
    rest.forEach((point, i) => {
      // Through the middles of neighbouring points, with the points themselves as handles: no corners.
      const next = rest[i + 1];
      if (next) context.quadraticCurveTo(...point, (point[0] + next[0]) / 2, (point[1] + next[1]) / 2);
      else context.lineTo(...point);
    });
    context.stroke();
  }
}

/** The board as a canvas. */
export function boardPicture({ strokes, ink }) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = BOARD;
  paintStrokes(canvas.getContext("2d", { willReadFrequently: true }), BOARD, strokes, ink);
  return canvas;
}

/** Strokes moved and scaled so that the drawing fills the middle of the board. */
export function centred(strokes) {
  const points = strokes.filter(({ tool }) => tool === "pen").flatMap(({ points: some }) => some);
  if (!points.length) return strokes;
  const range = (axis) => [Math.min(...points.map((p) => p[axis])), Math.max(...points.map((p) => p[axis]))];
  const [[left, right], [top, bottom]] = [range(0), range(1)];
  const inner = FILLED - WIDTH.pen;
  const scale = Math.min(inner / Math.max(right - left, bottom - top, 0.02), LARGEST_SCALE);
  const move = ([x, y]) => [0.5 + (x - (left + right) / 2) * scale, 0.5 + (y - (top + bottom) / 2) * scale].map(onGrid);
  return strokes.map((stroke) => ({ ...stroke, points: stroke.points.map(move) }));
}
