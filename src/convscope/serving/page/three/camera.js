/** Where the network is looked at from, and where a point of space lies on the canvas. Pure arithmetic. */

const HIGHEST = 0.42; // pitch in a room that is tall enough; a flatter room gets a flatter view
const TALL_ENOUGH = 0.7; // height for a width of 1
const STEEPEST = 1.35;
const ZOOM = [0.4, 12];
const ENTRANCE = { yaw: 1.4, pitch: 0.05 }; // the first layer, nearly from the front
const DISTANCE = 3.2; // of the network's length: from nearer by, space looks more bent
const MARGIN = [64, 96]; // pixels of the room that stay free: across, down

const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

/**
 * A camera that turns around the origin. Points of space are [x, y, z]: x and y in a layer's plane, z along the axis
 * from the input to the answer.
 */
export function camera() {
  let home = { yaw: 0.66, pitch: HIGHEST };
  let [angles, target] = [home, home];
  let enteredAt = null; // when the entrance began, while it lasts
  let [zoomed, shifted] = [1, [0, 0]];
  let frame = { size: 1, middle: [0, 0], half: 1 };

  return {
    /** {x, y} on the canvas, and `depth`: larger is farther away. */
    project(point) {
      const { x, y, depth } = seenFrom(angles, frame.half, point);
      const [scale, [left, top]] = [frame.size * zoomed, frame.middle];
      return { x: left + shifted[0] + x * scale, y: top + shifted[1] + y * scale, depth };
    },
    /** Brings all items into sight of a room {width, height} as they are seen from home. */
    fit(items, room) {
      const atHome = angles === home;
      home = { ...home, pitch: HIGHEST * clamp(room.height / room.width / TALL_ENOUGH, 0.4, 1) };
      if (atHome) angles = target = home;
      else if (enteredAt !== null) target = home;
      frame = frameOf(items, room, home);
    },
    turn(yaw, pitch) {
      target = angles = { yaw: angles.yaw + yaw, pitch: clamp(angles.pitch + pitch, -STEEPEST, STEEPEST) };
      enteredAt = null;
    },
    zoom(factor) {
      zoomed = clamp(zoomed * factor, ...ZOOM);
    },
    shift(x, y) {
      shifted = [shifted[0] + x, shifted[1] + y];
    },
    reset() {
      angles = target = home;
      [zoomed, shifted, enteredAt] = [1, [0, 0], null];
    },
    /** Begins the entrance: from the front of the first layer the camera turns to where all are seen. */
    enter() {
      target = home;
      angles = { ...ENTRANCE };
      enteredAt = performance.now();
    },
    /** Moves the entrance on, which takes `time` milliseconds; true when nothing moves any more. */
    settle(time) {
      if (enteredAt === null) return true;
      const share = time > 0 ? Math.min((performance.now() - enteredAt) / time, 1) : 1;
      angles = between(ENTRANCE, target, 1 - (1 - share) ** 3);
      if (share === 1) [enteredAt, angles] = [null, target];
      return share === 1;
    },
  };
}

function between(from, to, share) {
  return { yaw: from.yaw + (to.yaw - from.yaw) * share, pitch: from.pitch + (to.pitch - from.pitch) * share };
}

/**
 * A point in perspective, from a camera at `angles` whose distance goes with `half`, half the network's length. Without
 * yaw the axis runs from left to right and planes are seen from the side; at 90 degrees from the front.
 */
function seenFrom({ yaw, pitch }, half, [x, y, z]) {
  const [sinYaw, cosYaw, sinPitch, cosPitch] = [Math.sin(yaw), Math.cos(yaw), Math.sin(pitch), Math.cos(pitch)];
  const [across, away] = [z * cosYaw + x * sinYaw, z * sinYaw - x * cosYaw];
  const depth = y * sinPitch + away * cosPitch;
  const near = (DISTANCE * half) / (DISTANCE * half + depth);
  return { x: across * near, y: (y * cosPitch - away * sinPitch) * near, depth };
}

/** {size, middle, half} with which all corners of the items' planes lie within a room. */
function frameOf(items, { width, height }, angles) {
  const half = Math.max(1, ...items.map(({ z }) => Math.abs(z)));
  const corners = [[-1, -1], [1, -1], [-1, 1], [1, 1]];
  const points = items.flatMap(({ z, wide, tall }) => corners
    .map(([a, b]) => seenFrom(angles, half, [(a * wide) / 2, (b * tall) / 2, z])));
  if (!points.length || !width || !height) return { size: 1, middle: [width / 2, height / 2], half };
  const range = (axis) => [Math.min(...points.map((p) => p[axis])), Math.max(...points.map((p) => p[axis]))];
  const [[left, right], [top, bottom]] = [range("x"), range("y")];
  const size = Math.min((width - MARGIN[0]) / (right - left), (height - MARGIN[1]) / (bottom - top));
  const middle = [width / 2 - ((left + right) / 2) * size, height / 2 + 4 - ((top + bottom) / 2) * size];
  return { size, middle, half };
}
