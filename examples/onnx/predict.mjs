// Answer with an exported model in JavaScript: ONNX Runtime and sharp, nothing of ConvScope.
//
// convscope export RUN --format onnx --input image --output model.onnx
// npm install onnxruntime-node sharp
// node predict.mjs model.onnx labels.txt photo.jpg    (labels.txt lies in the run folder)

import { readFileSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-node";
import sharp from "sharp";

const [model, labels, ...paths] = process.argv.slice(2);
const names = readFileSync(labels, "utf8").trimEnd().split("\n");
const session = await InferenceSession.create(model);
const channels = session.inputMetadata[0].shape[3];
for (const path of paths) {
  // Upright, transparency over white, 8 bits per channel.
  const upright = sharp(path).rotate().flatten({ background: "white" }).toColourspace("srgb");
  const { data, info } = await upright.raw().toBuffer({ resolveWithObject: true });
  let pixels = new Uint8Array(data);
  if (channels === 1 && info.channels === 3) {  // Pillow's gray
    const gray = (_, i) => (19595 * data[3 * i] + 38470 * data[3 * i + 1] + 7471 * data[3 * i + 2] + 32768) >> 16;
    pixels = Uint8Array.from({ length: info.width * info.height }, gray);
  }
  const image = new Tensor("uint8", pixels, [1, info.height, info.width, channels]);
  const { probabilities, unknown } = await session.run({ image });
  const best = probabilities.data.indexOf(Math.max(...probabilities.data));
  console.log(path, names[best], probabilities.data[best].toFixed(6), unknown?.data[0] ? "unknown" : "");
}
