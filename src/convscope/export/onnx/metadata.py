"""Write what an ONNX model says about itself into its metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...classifier import Classifier
from ...onnx_graph import MADE_FROM
from ...version import __version__
from ..description import description

if TYPE_CHECKING:
    from onnx import ModelProto


def describe(model: ModelProto, classifier: Classifier, input: str, made_from: str | None = None) -> str:
    """Write labels, task, preprocessing and recipe into the model's metadata; return the recipe.

    `made_from` is the digest of the bundle from which the model was made.
    """
    values = description(classifier, input)
    if made_from is not None:
        values[MADE_FROM] = made_from
    del model.metadata_props[:]
    for key, value in values.items():
        model.metadata_props.add(key=key, value=value)
    model.producer_name, model.producer_version = "convscope", __version__
    model.doc_string = f"{classifier.architecture}, {len(classifier.class_names)} classes. {values['recipe']}"
    return values["recipe"]
