"""Turn a classifier's network into an ONNX model: uint8 pixels in, logits, probabilities and what is unknown out."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ...classifier import Classifier
from ...errors import ConvScopeError, printable
from ..answering import Answering
from ..quiet import quiet

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 18
# What one file of the Protocol Buffers that ONNX uses can hold.
MAX_BYTES = 2**31 - 1
# Both ways that torch has, in the order in which they are tried.
EXPORTERS = {"torch.export": True, "torch.jit.trace": False}


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
