// Answer with an exported model in JavaScript: ONNX Runtime and libvips, nothing of ConvScope.
//
// convscope export RUN --format onnx --input image --output model.onnx
// npm install onnxruntime-node wasm-vips
// node predict.mjs model.onnx RUN/classifier/config.json photo.jpg
//
// Probabilities are those of predict.py, from the same pixels. BMP, and more than 8 bits, are left to that.

import { readFileSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-node";
import Vips from "wasm-vips";

const [model, config, ...paths] = process.argv.slice(2);
const { label_names: names, preprocessing } = JSON.parse(readFileSync(config, "utf8"));
const [channels, ...sides] = preprocessing.input_size;
const share = preprocessing.crop_mode === "center" ? preprocessing.crop_pct : 1;
const side = Math.ceil((Math.max(...sides) - 2 * preprocessing.border) / share);
const session = await InferenceSession.create(model);
const vips = await Vips({ print: () => {}, printErr: () => {} }), complete = { fail_on: "truncated" };
for (const path of paths) {
  let picture;
  try {
    picture = decoded(readFileSync(path));
  } catch (problem) {
    console.error(`${path}: ${[problem.message].flat().pop().trim().replaceAll("\n", "; ")}`);
    process.exitCode = 1;
    continue;
  }
  const { pixels, width, height } = picture;
  const image = new Tensor("uint8", channels === 3 ? pixels : gray(pixels), [1, height, width, channels]);
  const { probabilities, unknown } = await session.run({ image });
  const best = probabilities.data.indexOf(Math.max(...probabilities.data));
  console.log(path, names[best], probabilities.data[best].toFixed(6), unknown?.data[0] ? "unknown" : "");
}
vips.shutdown();

/** The pixels of a file, as Pillow has them: RGB, upright, transparency over white, colour profiles left out. */
function decoded(content) {
  const stored = reduced(content) ?? vips.Image.newFromBuffer(content, "", complete);
  if (stored.format !== "uchar") throw new Error("not 8 bits per channel; predict.py reads it");
  const cmyk = stored.interpretation === "cmyk", upright = stored.autorot();
  const shown = cmyk ? upright : upright.colourspace("srgb"), { width, height, bands } = shown;
  const data = shown.writeToMemory(), pixels = new Uint8Array(width * height * 3);
  const ink = (v, k) => ((255 - v) * (255 - k)) / 255, over = (v, alpha) => 255 - ((255 - v) * alpha) / 255;
  for (let i = 0, j = 0; i < pixels.length; i += 3, j += bands)
    for (let c = 0; c < 3; c++)
      pixels[i + c] = bands === 3 ? data[j + c] : Math.round((cmyk ? ink : over)(data[j + c], data[j + 3]));
  return { pixels, width, height };
}

/**
 * A JPEG four or more times as large as the network's input, decoded at a half, a quarter or an eighth of its size, as
 * Pillow's `draft` does; undefined for another file. libvips leaves out what does not fill a pixel at the right and at
 * the bottom: the header is given the sides that the file's blocks of 8 x 8 have, and what is too much is cut off.
 */
function reduced(content) {
  if (content.readUInt16BE(0) !== 0xffd8) return undefined;
  const frame = (at) => (content[at + 1] & 0xf0) === 0xc0 && ![0xc4, 0xc8, 0xcc].includes(content[at + 1]);
  let at = 2;
  while (!frame(at)) at += 2 + content.readUInt16BE(at + 2);
  const [height, width] = [content.readUInt16BE(at + 5), content.readUInt16BE(at + 7)];
  const shrink = [8, 4, 2].find((each) => each <= Math.min(width, height) / (2 * side));
  if (shrink === undefined) return undefined;
  const whole = Buffer.from(content);
  whole.writeUInt16BE(8 * Math.ceil(height / 8), at + 5);
  whole.writeUInt16BE(8 * Math.ceil(width / 8), at + 7);
  const decoded = vips.Image.jpegloadBuffer(whole, { shrink, ...complete });
  return decoded.crop(0, 0, Math.ceil(width / shrink), Math.ceil(height / shrink));
}

function gray(pixels) {  // Pillow's convert("L")
  const value = (_, i) => (19595 * pixels[3 * i] + 38470 * pixels[3 * i + 1] + 7471 * pixels[3 * i + 2] + 32768) >> 16;
  return Uint8Array.from({ length: pixels.length / 3 }, value);
}
