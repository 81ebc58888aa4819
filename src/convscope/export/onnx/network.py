"""Turn a classifier's network into an ONNX model: uint8 pixels in, logits, probabilities and what is unknown out."""

from __future__ import annotations

import contextlib
import io
import logging
import math
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ...abstention import InputsOf
from ...classifier import Classifier
from ...errors import ConvScopeError, printable
from .unknown import Unknown

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 18
OUTPUTS = ("probabilities", "logits")
# What one file of the Protocol Buffers that ONNX uses can hold.
MAX_BYTES = 2**31 - 1
# Both ways that torch has, in the order in which they are tried.
EXPORTERS = {"torch.export": True, "torch.jit.trace": False}


class _WithoutDivisors(TorchFunctionMode):
    """Computes average pooling with a divisor of one's own (LeNet-5's sums) as the plain mean, times a number.

    Both exporters leave the divisor out without a word.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is not torch.nn.functional.avg_pool2d:
            return func(*args, **kwargs)
        names = ("input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")
        given = dict(zip(names, args, strict=False)) | kwargs
        divisor = given.pop("divisor_override", None)
        if divisor is None or given.get("ceil_mode"):
            return func(*args, **kwargs)
        size = given["kernel_size"]
        area = math.prod(size) if isinstance(size, Sequence) else size**2
        return func(**given | {"count_include_pad": True}) * (area / divisor)


class Answering(nn.Module):
    """A classifier from pixels to answers: normalisation, network, softmax or sigmoid, as `Classifier` has them.

    With what its bundle knows about that, also which answers should be "unknown".
    """

    def __init__(self, classifier: Classifier):
        super().__init__()
        self.network, self.task, self.preprocess = classifier.network, classifier.task, classifier.preprocess
        abstention = classifier.abstention
        self.familiar = abstention.familiar
        self.unknown = Unknown(abstention, classifier.device) if abstention.refuses else None
        self.names = [*OUTPUTS, *(self.unknown.names if self.unknown is not None else [])]

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Return what `names` lists of uint8 pixels N x C x H x W: probabilities and logits are N x classes."""
        inputs = None if self.familiar is None else InputsOf(self.network, self.familiar.layer)
        with _WithoutDivisors():
            logits = (inputs or self.network)(self.preprocess.normalize(pixels)).float()
        further = () if self.unknown is None else self.unknown(logits, None if inputs is None else inputs.features)
        return self.task.probabilities(logits), logits, *further


def to_onnx(classifier: Classifier, exporter: str) -> ModelProto:
    """Return the ONNX model that one of `EXPORTERS` makes: `pixels` -> `Answering.names`, any batch size.

    ConvScopeError with the reason if it makes none.
    """
    import onnx

    weights = [*classifier.network.parameters(), *classifier.network.buffers()]
    size = sum(tensor.numel() * tensor.element_size() for tensor in weights)
    if size > MAX_BYTES:
        raise ConvScopeError(
            f"the network's weights take {size / 1e9:.1f} GB: an ONNX model in one file holds at most 2 GB"
        )
    module = Answering(classifier).eval()
    # Two images, since an exporter may take a batch of one for a constant.
    example = torch.zeros(2, *classifier.preprocess.input_size, dtype=torch.uint8, device=classifier.device)
    dynamo = EXPORTERS[exporter]
    batch = {0: torch.export.Dim("batch")} if dynamo else {0: "batch"}
    axes: dict[str, Any] = (
        {"dynamic_shapes": {"pixels": batch}}
        if dynamo
        else {"dynamic_axes": dict.fromkeys(("pixels", *module.names), batch)}
    )
    with tempfile.TemporaryDirectory() as folder, quiet(), torch.no_grad():
        path = Path(folder) / "model.onnx"
        try:
            torch.onnx.export(
                module, (example,), str(path), dynamo=dynamo, opset_version=OPSET, input_names=["pixels"],
                output_names=module.names, external_data=False, verbose=False, **axes,
            )  # fmt: skip
            return without_notes(onnx.load(path))
        except Exception as problem:  # whatever a network's own code or the exporter raises
            lines = [line for line in str(problem).splitlines() if line.strip()] or [""]
            reason = f"{type(problem).__name__}: {printable(lines[0])[:200]}"
            raise ConvScopeError(f"{exporter} cannot export this network ({reason})") from problem


def without_notes(model: ModelProto) -> ModelProto:
    """Remove what the exporters note about their own work: among it lines of source code and paths of this machine."""
    graph = model.graph
    parts: list[Any] = [model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer]
    for part in parts:
        del part.metadata_props[:]
        part.doc_string = ""
    return model


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the exporters' notes on their own progress away from the user."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    # Of a network that it cannot export, the older one prints the whole graph on stdout, also if its log is disabled.
    log, torch._C._jit_onnx_log = torch._C._jit_onnx_log, lambda *_: None
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            with contextlib.redirect_stderr(io.StringIO()):
                yield
    finally:
        torch._C._jit_onnx_log = log
        logging.disable(before)
