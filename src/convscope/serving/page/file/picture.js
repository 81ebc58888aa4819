/** Any picture that the browser can read, as pixels: upright, transparency over white, colour profiles ignored. */

import { Failure } from "../state/failure.js";

const UNREADABLE = {
  en: "The browser cannot read this picture. Save it as JPEG or PNG.",
  zh: "浏览器无法读取该图像。请将其保存为 JPEG 或 PNG 格式。",
};
const AS_STORED = { imageOrientation: "from-image", premultiplyAlpha: "none", colorSpaceConversion: "none" };

/** A Blob or a canvas as { width, height, data }: red, green, blue, and opaque. */
export async function decode(image) {
  if (!(image instanceof Blob)) return image.getContext("2d").getImageData(0, 0, image.width, image.height);
  let bitmap;
  try {
    bitmap = await createImageBitmap(image, AS_STORED);
  } catch {
    throw new Failure(415, UNREADABLE);
  }
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
