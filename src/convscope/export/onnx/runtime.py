"""Run an ONNX model in ONNX Runtime, to compare it with the original."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ...errors import ConvScopeError, printable
from ..proof import Run

if TYPE_CHECKING:
    from onnx import ModelProto


def runner(model: ModelProto, input: str) -> Run:
    """Return a function from a batch to the model's outputs, with the pixels that the network got."""
    import onnxruntime
    from onnx import TensorProto, ValueInfoProto

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    outputs = [output.name for output in model.graph.output]
    if input == "image":  # the resized pixels become an output, for the comparison only
        shown = type(model)()
        shown.CopyFrom(model)
        info = ValueInfoProto(name="pixels")
        info.type.tensor_type.elem_type = TensorProto.UINT8
        shown.graph.output.append(info)
        model, outputs = shown, [*outputs, "pixels"]
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as problem:  # ONNX Runtime's errors have no common class
        raise _refused(problem) from problem

    def run(batch: np.ndarray) -> dict[str, Tensor]:
        try:
            results = session.run(outputs, {input: batch})
        except Exception as problem:
            raise _refused(problem, f" at batches of {len(batch)}") from problem
        return dict(zip(outputs, map(torch.from_numpy, results), strict=True))

    return run


def _refused(problem: Exception, when: str = "") -> ConvScopeError:
    return ConvScopeError(f"ONNX Runtime cannot run the exported model{when} ({printable(problem)[:200]})")
