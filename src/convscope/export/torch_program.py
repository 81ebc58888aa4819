"""Export a classifier to a program of torch.export, which needs neither ConvScope nor the network's code."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..classifier import Classifier
from ..errors import ConvScopeError, printable
from ..files import write_atomically
from ..graph_network import GraphNetwork
from ..opening import open_target
from ..run_folder import run_of_bundle
from ..target import Target
from .answering import Answering
from .description import description
from .images import Images, images_for_proof, own_images
from .onnx.export import Exported, output_of
from .proof import Run, prove
from .quiet import quiet

FILE, DESCRIPTION = "model.pt2", "convscope.json"


def export_torch(source: str | Target, output: str | Path | None = None, *, photos: Sequence[Path] = ()) -> Exported:
    """Export the classifier `source`, a run, a bundle or a network, as `open_target` takes it, for torch.export.load.

    It is compared on the images of `export_run`. Without `output` the file is written into the bundle's folder, for all
    others into the current one.
    """
    opened = open_target(source)
    own = own_images(None if opened.bundle is None else run_of_bundle(opened.bundle))
    images = images_for_proof(opened.classifier, own, photos)
    return export_program(opened.classifier, output_of(opened, FILE) if output is None else output, images)


def export_program(classifier: Classifier, output: str | Path, images: Images | None = None) -> Exported:
    """Write `classifier` as a program to the file `output`, once it is proven to give the same answers.

    `torch.export.load(FILE).module()` takes `pixels`, uint8 N x C x H x W in the network's size, and returns a dict
    with what the ONNX model has: `probabilities` and `logits`, N x classes, and what is "unknown". Labels and
    preprocessing are JSON in the extra file `convscope.json`. ConvScopeError if the program answers differently or
    cannot be made; nothing is written then.
    """
    if isinstance(classifier.network, GraphNetwork):
        classifier.network.need_code()
    images = images or images_for_proof(classifier)
    classifier.network.eval()
    about = description(classifier, "pixels")
    try:
        content = _program(classifier, json.dumps(about, ensure_ascii=False))
        proof = prove(_runner(content), classifier, images, "pixels")
    except ConvScopeError as problem:
        raise ConvScopeError(f"no file was written: {problem}") from problem
    write_atomically(Path(output), content)
    return Exported(Path(output), len(content), "pixels", about["recipe"], "torch.export", proof, engine="PyTorch")


class _Named(torch.nn.Module):
    """`Answering` whose outputs have their names."""

    def __init__(self, classifier: Classifier):
        super().__init__()
        self.answering = Answering(classifier)

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        return dict(zip(self.answering.names, self.answering(pixels), strict=True))


def _program(classifier: Classifier, about: str) -> bytes:
    """Return the program's file; ConvScopeError with the reason if torch.export cannot follow the network."""
    example = torch.zeros(2, *classifier.preprocess.input_size, dtype=torch.uint8, device=classifier.device)
    shapes = {"pixels": {0: torch.export.Dim.DYNAMIC}}
    buffer = io.BytesIO()
    with quiet(), torch.no_grad():
        try:
            program = torch.export.export(_Named(classifier).eval(), (example,), dynamic_shapes=shapes, strict=False)
            for module in program.graph_module.modules():
                for node in module.graph.nodes if isinstance(module, torch.fx.GraphModule) else ():
                    node.meta.pop("stack_trace", None)  # lines of source code and paths of this machine
            torch.export.save(program, buffer, extra_files={DESCRIPTION: about})
        except Exception as problem:  # whatever a network's own code or the exporter raises
            raise _refused("cannot export this network", problem) from problem
    return buffer.getvalue()


def _runner(content: bytes) -> Run:
    """Return a function from a batch to the outputs of the program as it is read from its file."""
    with quiet():
        module = torch.export.load(io.BytesIO(content)).module()

    def run(batch: np.ndarray) -> dict[str, Tensor]:
        try:
            with torch.no_grad():
                return module(torch.from_numpy(np.ascontiguousarray(batch)))
        except Exception as problem:  # such as a batch that the program does not take
            raise _refused(f"cannot run the program at batches of {len(batch)}", problem) from problem

    return run


def _refused(what: str, problem: Exception) -> ConvScopeError:
    lines = [line for line in str(problem).splitlines() if line.strip()] or [""]
    return ConvScopeError(f"{what} ({type(problem).__name__}: {printable(lines[0])[:200]})")
