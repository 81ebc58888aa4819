/** The figures of the convolution tab beside its single kernel: how each begins, and how it travels in a link. */

import { COLOUR } from "./colour.js";
import { GRAPH } from "./graph.js";
import { SATURATION } from "./saturation.js";
import { VOLUME } from "./volume.js";

const FIGURES = { volume: VOLUME, colour: COLOUR, saturation: SATURATION, graph: GRAPH };
const SIGN = "~"; // between the texts of a figure in a link

export const KINDS = Object.keys(FIGURES);
export const initialOf = (kind) => FIGURES[kind].INITIAL;

/** A figure that is shown: {element, show(), stop()}; `place` is {settings(), change(settings), store}. */
export const createFigure = (kind, place) => FIGURES[kind].create(place);

/** The settings of a figure as text for a link. */
export const writeFigure = (settings) => [settings.kind, ...FIGURES[settings.kind].write(settings)].join(SIGN);

/** The settings that a text stands for, those of the beginning for a name alone; null if it cannot be read. */
export function readFigure(text) {
  const [kind, ...parts] = text.split(SIGN);
  if (!Object.hasOwn(FIGURES, kind)) return null;
  return parts.length ? FIGURES[kind].read(parts) : FIGURES[kind].INITIAL;
}
