"""8-bit arithmetic: a model whose convolutions compute with int8, judged by its speed here and by its answers."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ...classifier import Classifier
from ...errors import ConvScopeError, printable
from ..quiet import quiet

if TYPE_CHECKING:
    from onnx import ModelProto
    from onnxruntime import InferenceSession

# Images whose activations give the ranges of the 8 bits, and the least number of others on which answers are compared.
CALIBRATION, FEWEST_JUDGED, MOST_JUDGED = 100, 100, 400
# What makes 8 bits worth it: at most this share of the answers changes, and the model is this many times as fast.
MOST_CHANGED, LEAST_SPEED = 0.01, 1.2
OPERATIONS = ["Conv", "Gemm", "MatMul", "Add", "MaxPool", "AveragePool", "GlobalAveragePool", "Relu", "Concat"]
BATCH, ROUNDS = 8, 5


@dataclass(frozen=True)
class Gain:
    """What 8 bits gain and cost: how many times as fast, and how many of `n` images get another answer.

    The accuracy on those images changes by at most the share `changed` / `n`.
    """

    speed: float
    changed: int
    n: int

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return asdict(self)


def to_int8(model: ModelProto, classifier: Classifier, pixels: np.ndarray) -> tuple[ModelProto, Gain]:
    """Return a model that takes `pixels` with its weights and activations in 8 bits, and what that gains.

    `pixels` are those of real images, uint8 N x C x H x W. ConvScopeError if there are too few of them, if the model is
    not faster on this machine, or if it changes too many answers.
    """
    least = CALIBRATION + FEWEST_JUDGED
    if len(pixels) < least:
        raise ConvScopeError(f"--precision int8 needs {least} images of the run's data, and found {len(pixels)}")
    small = _quantized(model, pixels[:CALIBRATION])
    judged = pixels[CALIBRATION:]
    before, after = _session(model), _session(small)
    speed = _speed(before, after, judged)
    gain = Gain(speed, _changed(after, classifier, judged), len(judged))
    if gain.changed > MOST_CHANGED * gain.n:
        raise ConvScopeError(
            f"int8 gives {gain.changed} of {gain.n} images another answer, more than {MOST_CHANGED:.0%} of them "
            f"({speed:.1f} times as fast)"
        )
    if speed < LEAST_SPEED:
        raise ConvScopeError(
            f"int8 is not worth it on this machine: {speed:.1f} times as fast, less than {LEAST_SPEED} "
            f"({gain.changed} of {gain.n} images get another answer)"
        )
    return small, gain


def _quantized(model: ModelProto, pixels: np.ndarray) -> ModelProto:
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quant_pre_process,
        quantize_static,
    )

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.batches: Iterator[np.ndarray] = iter(np.array_split(pixels, len(pixels) // BATCH))

        def get_next(self) -> dict[str, np.ndarray] | None:
            batch = next(self.batches, None)
            return None if batch is None else {"pixels": batch}

    with tempfile.TemporaryDirectory() as name, quiet():
        plain, prepared, result = (Path(name) / f"{part}.onnx" for part in ("plain", "prepared", "int8"))
        onnx.save(model, plain)
        try:
            quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
            quantize_static(
                str(prepared), str(result), Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
                activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, op_types_to_quantize=OPERATIONS,
                nodes_to_exclude=_in_float64(onnx.load(prepared)),
            )  # fmt: skip
            return onnx.load(result)
        except Exception as problem:  # whatever the converter raises for an operation that it does not know
            raise ConvScopeError(f"this network cannot be converted to int8 ({printable(problem)[:150]})") from problem


def _in_float64(model: ModelProto) -> list[str]:
    """Return the names of the nodes that compute in float64, where distances need every digit."""
    from onnx import TensorProto, shape_inference

    graph = shape_inference.infer_shapes(model).graph
    wide = {v.name for v in (*graph.value_info, *graph.output) if v.type.tensor_type.elem_type == TensorProto.DOUBLE}
    return [node.name for node in graph.node if wide & {*node.input, *node.output}]


def _session(model: ModelProto) -> InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _speed(before: InferenceSession, after: InferenceSession, pixels: np.ndarray) -> float:
    """Return how many times as fast `after` is: the ratio of the least processor times, measured in turn."""
    batch, times = pixels[:BATCH], {id(before): [0.0], id(after): [0.0]}
    for _ in range(ROUNDS):
        for session in (before, after):
            start = time.process_time()
            session.run(["probabilities"], {"pixels": batch})
            times[id(session)].append(time.process_time() - start)
    # Without the first round, in which memory is reserved.
    return min(times[id(before)][2:]) / max(min(times[id(after)][2:]), 1e-9)


def _changed(session: InferenceSession, classifier: Classifier, pixels: np.ndarray) -> int:
    """Return the number of images that get another class, or other labels, than from the original."""
    changed = 0
    for start in range(0, len(pixels), BATCH):
        part = pixels[start : start + BATCH]
        (got,) = session.run(["probabilities"], {"pixels": part})
        expected = classifier.task.probabilities(classifier.logits(torch.from_numpy(part)))
        same = classifier.task.selected(torch.from_numpy(got)) == classifier.task.selected(expected)
        changed += int((~same.all(1)).sum())
    return changed
