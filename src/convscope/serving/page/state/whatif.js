/** Changes of network or picture, as PATCH /api/what-if takes them: {channels_off, kernels, occlude, pixels}. */

export const NO_CHANGES = Object.freeze({ channels_off: {}, kernels: [], occlude: [], pixels: [] });

/** How many changes there are; all that covers the picture is one, and so are all changed pixels. */
export function countChanges({ channels_off: off, kernels, occlude, pixels = [] }) {
  const maps = Object.values(off).reduce((sum, some) => sum + some.length, 0);
  return maps + kernels.length + (occlude.length ? 1 : 0) + (pixels.length ? 1 : 0);
}

export const isOff = ({ channels_off: off }, layer, map) => Boolean(off[layer]?.includes(map));

/** `whatif` with one map of a layer switched off, or on again. */
export function withMapToggled(whatif, layer, map) {
  const { [layer]: maps = [], ...others } = whatif.channels_off;
  const now = maps.includes(map) ? maps.filter((other) => other !== map) : [...maps, map];
  return { ...whatif, channels_off: now.length ? { ...others, [layer]: now } : others };
}

/** The kernel between two maps is named by {layer, map, input}; `input` counts the layer's input maps. */
const sameKernel = (a, b) => a.layer === b.layer && a.map === b.map && a.input === b.input;

export const hasKernel = (whatif, place) => whatif.kernels.some((entry) => sameKernel(entry, place));

/** `whatif` with one kernel replaced by `values`, an array of rows. */
export function withKernel(whatif, place, values) {
  return { ...whatif, kernels: [...withoutKernel(whatif, place).kernels, { ...place, values }] };
}

export function withoutKernel(whatif, place) {
  return { ...whatif, kernels: whatif.kernels.filter((entry) => !sameKernel(entry, place)) };
}

/** `whatif` with one more covered circle {row, column, radius}, in pixels of the network's input. */
export const withCircle = (whatif, circle) => ({ ...whatif, occlude: [...whatif.occlude, circle] });

/** `whatif` with more pixels {row, column, values} of the network's input replaced: 0 to 255, one for each colour. */
export const withPixels = (whatif, pixels) => ({ ...whatif, pixels: [...whatif.pixels, ...pixels] });
