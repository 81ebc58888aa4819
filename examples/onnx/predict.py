"""Answer with an exported model: ONNX Runtime, NumPy and Pillow, nothing of ConvScope.

convscope export RUN --format onnx --input image --output model.onnx
python predict.py model.onnx photo.jpg
"""

import json
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
known = session.get_modelmeta().custom_metadata_map
levels = json.loads(known["preprocessing"])  # perhaps with `black` and `white`
outputs = [output.name for output in session.get_outputs()]  # perhaps with `unknown`
gray = session.get_inputs()[0].shape[3] == 1
for path in sys.argv[2:]:
    picture = Image.open(path)
    if "draft" in known:  # a much larger JPEG is decoded at reduced size
        picture.draft(None, json.loads(known["draft"]))
    picture = ImageOps.exif_transpose(picture)
    if picture.mode[0] in "IF":  # more than 8 bits, which Pillow would cut off at 255
        values = np.asarray(picture, np.float64)
        if "white" not in levels and (picture.mode == "F" or 0 < values.max() < 64 * 257):
            sys.exit(f"{path}: more than 8 bits per channel, whose range is unknown")
        low, high = levels.get("black", 0), levels.get("white", 65535)
        values = (values.clip(low, high) - low) * 255 / (high - low)
        picture = Image.fromarray(np.rint(values).astype(np.uint8))
    picture = picture.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    picture = Image.alpha_composite(white, picture).convert("RGB").convert("L" if gray else "RGB")
    pixels = np.asarray(picture).reshape(1, picture.height, picture.width, -1)
    answer = dict(zip(outputs, session.run(outputs, {"image": pixels}), strict=True))
    best = int(answer["probabilities"][0].argmax())
    unknown = "unknown" if answer.get("unknown", [False])[0] else ""
    print(path, json.loads(known["labels"])[best], f"{answer['probabilities'][0, best]:.6f}", unknown)
