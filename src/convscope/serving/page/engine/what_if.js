/** What if: the network with maps switched off and kernels edited, the image with discs covered and pixels replaced. */

import { editKernel, weightOf } from "./kernels.js";

/** A copy of the network with `channels_off` and `kernels`; the network itself if there are none. */
export function changedNetwork(network, { channels_off: off = {}, kernels = [] }) {
  if (!kernels.length && !Object.values(off).some((maps) => maps.length)) return network;
  const edited = new Set(kernels.map(({ layer }) => weightOf(network, layer)?.tensor));
  const changed = network.copy(edited);
  for (const edit of kernels) {
    if (!editKernel(changed, edit)) {
      throw new RangeError(`${edit.layer} has no kernel of this size from map ${edit.input} to map ${edit.map}`);
    }
  }
  for (const [layer, maps] of Object.entries(off)) {
    const node = network.nodes.get(layer);
    if (!node || maps.some((map) => map >= node.shape[0])) throw new RangeError(`${layer} has no such map`);
    if (maps.length) changed.channelsOff.set(node.value, maps);
  }
  return changed;
}

/** The pixels (uint8, C x H x W) with the discs { row, column, radius } filled with the image's mean colour. */
export function covered(pixels, [channels, height, width], discs = []) {
  if (!discs.length) return pixels;
  const result = pixels.slice();
  const area = height * width;
  for (let c = 0; c < channels; c += 1) {
    const own = pixels.subarray(c * area, (c + 1) * area);
    const mean = Math.round(own.reduce((sum, value) => sum + value, 0) / area);
    for (let i = 0; i < area; i += 1) {
      const [y, x] = [Math.floor(i / width), i % width];
      const isCovered = discs.some(({ row, column, radius }) => (y - row) ** 2 + (x - column) ** 2 <= radius ** 2);
      if (isCovered) result[c * area + i] = mean;
    }
  }
  return result;
}

/** The pixels with those of `edits` [{ row, column, values }] replaced, a value for each colour. */
export function replaced(pixels, [channels, height, width], edits = []) {
  if (!edits.length) return pixels;
  const result = pixels.slice();
  for (const { row, column, values } of edits) {
    if (row >= height || column >= width || values.length !== channels) throw new RangeError("there is no such pixel");
    values.forEach((value, c) => (result[(c * height + row) * width + column] = value));
  }
  return result;
}
