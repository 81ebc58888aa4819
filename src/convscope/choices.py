"""The names that options accept, apart from the code behind them: `--help` lists them without importing torch.

`tests/test_choices.py` compares each with the table of functions that it stands for.
"""

from __future__ import annotations

PRECISIONS = ("auto", "bf16", "fp16", "float32")
LAYOUTS = ("auto", "contiguous", "channels-last")
FOLDER_ROLES = ("auto", "classes", "splits", "innermost")
LABEL_TYPES = ("auto", "single", "multi")
UNCERTAIN = ("auto", "yes", "no")
KINDS = ("auto", "digits", "photos")
CROP_MODES = ("center", "pad", "squash")
# Of a recipe: auto is decided on a part of the training photos where a training starts from public weights.
CROP_CHOICES = ("auto", *CROP_MODES)
SAMPLERS = ("shuffle", "balanced")
MULTI_LABEL_MONITORS = ("val/map", "val/micro_f1", "val/macro_f1")
TTA_VIEWS = ("none", "flip", "shift", "flip-shift", "five-crop", "ten-crop")
CLASSICAL_HEADS = ("svm", "logistic", "knn", "tree")
AUGMENTATION_NAMES = (
    "flip", "alternating-flip", "shift", "crop", "random-crop", "resized-crop", "rotate", "affine", "elastic",
    "brightness", "contrast", "saturation", "hue", "lighting", "erase", "cutout", "trivial-augment", "rand-augment",
)  # fmt: skip
ATTRIBUTION_METHODS = (
    "grad-cam", "hires-cam", "guided-backprop", "integrated-gradients", "saliency", "occlusion", "deconvnet",
)  # fmt: skip

# How exactly a page that is one file keeps the weights, from the coarsest to the finest.
WEIGHTS_PRECISIONS = ("8bit", "half", "full")
