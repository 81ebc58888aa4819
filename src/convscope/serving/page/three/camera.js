/** Where the network is looked at from, and where a point of space lies on the canvas. Pure arithmetic. */

const HIGHEST = 0.42; // pitch where there is room above and below; flatter where there is not
const SQUARE = 0.7; // height for a width, from which on there is
const ENTER = { yaw: 1.4, pitch: 0.05 };
const DISTANCE = 3.2; // of the network's length: less bends the space more

/** Points of space are [x, y, z]: x and y in a layer's plane, z along the axis from the input to the answer. */
export function camera() {
  let home = { yaw: 0.74, pitch: HIGHEST };
  let [angles, target] = [home, home];
  let began = null;
  let [size, zoomed, shifted] = [1, 1, [0, 0]];
  let [middle, half] = [[0, 0], 1];

  const turned = ([x, y, z]) => {
    const { yaw, pitch } = angles;
    const [sy, cy, sp, cp] = [Math.sin(yaw), Math.cos(yaw), Math.sin(pitch), Math.cos(pitch)];
    // Without yaw the axis runs from left to right and the planes are seen from the side; at 90 degrees from the front.
    const [a, depth] = [z * cy + x * sy, z * sy - x * cy];
    return [a, y * cp - depth * sp, y * sp + depth * cp];
  };
  const project = (point) => {
    const [x, y, depth] = turned(point);
    const near = (DISTANCE * half) / (DISTANCE * half + depth);
    const scale = size * zoomed * near;
    return { x: middle[0] + shifted[0] + x * scale, y: middle[1] + shifted[1] + y * scale, depth };
  };

  return {
    project,
    /** Size and middle for everything to be in sight, whatever the room. */
    fit(items, { width, height }) {
      half = Math.max(1, ...items.map(({ z }) => Math.abs(z)));
      middle = [width / 2, height / 2];
      const atHome = angles === home;
      home = { ...home, pitch: HIGHEST * Math.min(Math.max(height / width / SQUARE, 0.4), 1) };
      if (atHome) angles = target = home;
      else if (began !== null) target = home;
      const wanted = { size, zoomed, shifted, angles };
      [size, zoomed, shifted, angles] = [1, 1, [0, 0], home];
      const points = items.flatMap(({ z, wide, tall }) => [[-1, -1], [1, -1], [-1, 1], [1, 1]].map(([a, b]) => project([(a * wide) / 2, (b * tall) / 2, z])));
      const range = (axis) => [Math.min(...points.map((p) => p[axis])), Math.max(...points.map((p) => p[axis]))];
      ({ zoomed, shifted, angles } = wanted);
      if (!points.length || !width || !height) return;
      const [[left, right], [top, bottom]] = [range("x"), range("y")];
      size = Math.min((width - 64) / (right - left), (height - 96) / (bottom - top));
      middle = [width / 2 - ((left + right) / 2 - width / 2) * size, height / 2 + 4 - ((top + bottom) / 2 - height / 2) * size];
    },
    turn(yaw, pitch) {
      target = angles = { yaw: angles.yaw + yaw, pitch: Math.min(Math.max(angles.pitch + pitch, -1.35), 1.35) };
      began = null;
    },
    zoom(by) {
      zoomed = Math.min(Math.max(zoomed * by, 0.4), 12);
    },
    shift(x, y) {
      shifted = [shifted[0] + x, shifted[1] + y];
    },
    reset() {
      angles = target = home;
      [zoomed, shifted, began] = [1, [0, 0], null];
    },
    /** Begins with the first layer seen from the front, and turns the others out behind it. */
    enter() {
      target = home;
      angles = { ...ENTER };
      began = performance.now();
    },
    /** One frame of that; true when nothing moves any more. `time`: how long it takes. */
    settle(time) {
      if (began === null) return true;
      const share = time === Infinity ? 1 : Math.min((performance.now() - began) / time, 1);
      const eased = 1 - (1 - share) ** 3;
      angles = { yaw: ENTER.yaw + (target.yaw - ENTER.yaw) * eased, pitch: ENTER.pitch + (target.pitch - ENTER.pitch) * eased };
      if (share === 1) [began, angles] = [null, target];
      return share === 1;
    },
  };
}
