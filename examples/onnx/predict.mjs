// Answer with an exported model in JavaScript: ONNX Runtime and sharp, nothing of ConvScope.
//
// convscope export RUN --format onnx --input image --output model.onnx
// npm install onnxruntime-node sharp
// node predict.mjs model.onnx RUN/classifier/config.json photo.jpg
//
// Probabilities are those of `convscope predict` within 0.0005; of a JPEG four or more times as large as the network's
// input within 0.005, since sharp cannot decode one at reduced size. predict.py can, and reads more than 8 bits.

import { readFileSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-node";
import sharp from "sharp";

const [model, config, ...paths] = process.argv.slice(2);
const { label_names: names, preprocessing } = JSON.parse(readFileSync(config, "utf8"));
const [channels, ...sides] = preprocessing.input_size;
const share = preprocessing.crop_mode === "center" ? preprocessing.crop_pct : 1;
const side = Math.ceil((Math.max(...sides) - 2 * preprocessing.border) / share);
const session = await InferenceSession.create(model);
for (const path of paths) {
  const { pixels, width, height } = await decoded(path);
  const image = new Tensor("uint8", channels === 3 ? pixels : gray(pixels), [1, height, width, channels]);
  const { probabilities, unknown } = await session.run({ image });
  const best = probabilities.data.indexOf(Math.max(...probabilities.data));
  console.log(path, names[best], probabilities.data[best].toFixed(6), unknown?.data[0] ? "unknown" : "");
}

/** The pixels of a file, as Pillow has them: RGB, upright, transparency over white, colour profiles left out. */
async function decoded(path) {
  const { format, space, depth } = await sharp(path).metadata();
  if (depth !== "uchar") throw new Error(`${path}: not 8 bits per channel; predict.py reads it`);
  const cmyk = space === "cmyk", picture = sharp(path, { ignoreIcc: true, autoOrient: true });
  const four = cmyk
    ? picture.pipelineColourspace("cmyk").toColourspace("cmyk")
    : picture.toColourspace("srgb").ensureAlpha();
  const { data, info: { width, height } } = await four.raw().toBuffer({ resolveWithObject: true });
  const shown = cmyk ? (v, k) => ((255 - v) * (255 - k)) / 255 : (v, alpha) => 255 - ((255 - v) * alpha) / 255;
  const pixels = new Uint8Array(width * height * 3);
  for (let i = 0, j = 0; i < pixels.length; i += 3, j += 4)
    for (let c = 0; c < 3; c++) pixels[i + c] = Math.round(shown(data[j + c], data[j + 3]));
  const times = format === "jpeg" ? Math.floor(Math.min(width, height) / (2 * side)) : 1;
  return averaged(pixels, width, height, [8, 4, 2].find((each) => each <= times) ?? 1);
}

/** Each square of `scale` x `scale` pixels as one: nearly what a JPEG has that is decoded at reduced size. */
function averaged(pixels, width, height, scale) {
  const w = Math.ceil(width / scale), h = Math.ceil(height / scale);
  const sums = new Float64Array(w * h * 3), counts = new Float64Array(w * h * 3);
  for (let i = 0; i < pixels.length; i++) {
    const x = Math.floor(i / 3) % width, y = Math.floor(i / 3 / width);
    const to = (Math.floor(y / scale) * w + Math.floor(x / scale)) * 3 + (i % 3);
    sums[to] += pixels[i];
    counts[to] += 1;
  }
  return { pixels: Uint8Array.from(sums, (sum, i) => Math.round(sum / counts[i])), width: w, height: h };
}

function gray(pixels) {  // Pillow's convert("L")
  const value = (_, i) => (19595 * pixels[3 * i] + 38470 * pixels[3 * i + 1] + 7471 * pixels[3 * i + 2] + 32768) >> 16;
  return Uint8Array.from({ length: pixels.length / 3 }, value);
}
