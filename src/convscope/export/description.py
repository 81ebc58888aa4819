"""What an exported model says about itself: its labels, its task, and how an image becomes its input."""

from __future__ import annotations

import json

from ..classifier import Classifier
from ..data.preprocess import Preprocess

# Between the steps of a recipe; none of them has it inside.
BETWEEN_STEPS = "; "


def description(classifier: Classifier, input: str) -> dict[str, str]:
    """Return labels, task, preprocessing and thresholds of an exported model, and its `recipe` in words."""
    task, abstention = classifier.task, classifier.abstention
    values = {
        "labels": json.dumps(classifier.class_names, ensure_ascii=False),
        "task": "multi-label" if task.multi_label else "single-label",
        "preprocessing": json.dumps(classifier.preprocess.to_dict()),
        "input": input,
        "recipe": resizing_recipe(classifier.preprocess, input),
        "draft": json.dumps(_draft(classifier.preprocess)),
        "architecture": classifier.architecture,
    }
    if task.thresholds is not None:
        values["thresholds"] = json.dumps(list(task.thresholds))
    if abstention.refuses:
        values |= {"temperature": repr(abstention.temperature or 1.0), "threshold": repr(abstention.threshold)}
    if abstention.familiar is not None:
        values["farthest"] = repr(abstention.familiar.farthest)
    return values


def resizing_recipe(preprocess: Preprocess, input: str) -> str:
    """Return in words how an image becomes the model's input, exactly enough to do it with Pillow elsewhere."""
    channels, height, width = preprocess.input_size
    mode = "gray (Pillow's convert('L'))" if channels == 1 else "RGB"
    steps = [
        f"decode a JPEG at reduced size if it is much larger: Pillow's draft(None, {_draft(preprocess)})",
        f"turn the image upright (EXIF), put transparency over white, make it {mode} with 8 bits",
    ]
    if preprocess.levels is not None:
        steps.append(f"where it has more than 8 bits per channel, {preprocess.levels} is black to white")
    if input == "image":
        steps.append(f"give it as uint8 N x H x W x {channels} of any H and W. All else is in the model.")
        return BETWEEN_STEPS.join(steps)
    steps += _steps_to_fit(preprocess)
    if preprocess.superpixels:
        steps.append(f"reduce it to about {preprocess.superpixels} superpixels (SLIC of scikit-image)")
    steps.append(f"give it as uint8 N x {channels} x {height} x {width}. Normalisation is in the model.")
    return BETWEEN_STEPS.join(steps)


def _draft(preprocess: Preprocess) -> list[int]:
    """Return the size that a JPEG is decoded for, as Pillow's `Image.draft` takes it; see `image_file.decode`."""
    return [2 * preprocess.longest_side] * 2


def _steps_to_fit(preprocess: Preprocess) -> list[str]:
    channels, height, width = preprocess.input_size
    h, w = height - 2 * preprocess.border, width - 2 * preprocess.border
    how = f"resize(resample={preprocess.interpolation.upper()})"
    if preprocess.crop_mode == "squash":
        steps = [f"Pillow's {how} to {h} x {w} (height x width)"]
    elif preprocess.crop_mode == "pad":
        steps = [
            f"with s = min({w} / W, {h} / H), Pillow's {how} to round(H * s) x round(W * s), at least 1, with black "
            f"bars to {h} x {w} (the smaller half above and left)"
        ]
    else:
        pct = f" / {preprocess.crop_pct:g}" if preprocess.crop_pct != 1 else ""
        steps = [
            f"with s = max({w} / W, {h} / H){pct}, Pillow's {how} to {h} x {w} (height x width) of the centred box "
            f"{w} / s wide and {h} / s high, not rounded"
        ]
        if channels == 3 and preprocess.interpolation != "nearest":  # a training shrinks colour pictures with torch
            steps.append(
                f"but if the box, within the image, is both wider than {w} and higher than {h}, round its edges to "
                "whole pixels (halves to even), cut it out with crop(), and resize that"
            )
    if preprocess.border:
        steps.append(f"add {preprocess.border} black pixels on each side")
    return steps
