"""A model repository for Triton Inference Server: the ONNX model, its labels and what Triton must know of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..bundle_config import find_bundle, is_bundle
from ..errors import OutputError, printable
from ..files import folder_name, write_atomically
from ..run_folder import run_of_bundle
from ..target import Target, as_target
from .onnx.export import Exported, export_run

if TYPE_CHECKING:
    from onnx import ValueInfoProto

REPOSITORY, MAX_BATCH = "model_repository", 32
# What ONNX calls the types of inputs and outputs, and Triton.
TYPES = {"UINT8": "TYPE_UINT8", "FLOAT": "TYPE_FP32", "DOUBLE": "TYPE_FP64", "BOOL": "TYPE_BOOL"}


def export_triton(
    source: str | Target, output: str | Path | None = None, *, input: str = "pixels", photos: Sequence[Path] = ()
) -> Exported:
    """Write the classifier `source` as a model into the repository `output`, and return what was exported.

    The model is compared before it is written, as by `export_run`. OutputError if the repository is no folder.
    """
    import onnx

    repository = Path(output or REPOSITORY)
    if repository.exists() and not repository.is_dir():
        raise OutputError(f"{printable(repository)} is no folder: name one for the model repository")
    name = _name_of(as_target(source).source)
    folder = repository / name
    exported = export_run(source, folder / "1" / "model.onnx", input=input, photos=photos)
    model = onnx.load(exported.path)
    labels = json.loads(next(entry.value for entry in model.metadata_props if entry.key == "labels"))
    write_atomically(folder / "labels.txt", "".join(f"{printable(label)}\n" for label in labels).encode())
    config = config_of(name, list(model.graph.input), list(model.graph.output))
    write_atomically(folder / "config.pbtxt", config.encode())
    return replace(exported, path=folder)


def _name_of(source: str) -> str:
    """Return the name of a run, a bundle or a network, fit for a folder."""
    if not is_bundle(source):
        return folder_name(source)
    bundle = find_bundle(source)
    run = run_of_bundle(bundle)
    return folder_name((run.path if run else bundle).resolve().name.removesuffix(".zip")) or "classifier"


def config_of(name: str, inputs: list[ValueInfoProto], outputs: list[ValueInfoProto]) -> str:
    """Return Triton's configuration of an ONNX model whose inputs and outputs begin with the batch."""
    lines = [f"name: {json.dumps(name)}", 'backend: "onnxruntime"', f"max_batch_size: {MAX_BATCH}"]
    for kind, values in (("input", inputs), ("output", outputs)):
        lines += [f"{kind} [", ",\n".join(_tensor(value) for value in values), "]"]
    # Requests that arrive while the model computes go through it together.
    lines += ["dynamic_batching { }"]
    return "\n".join(lines) + "\n"


def _tensor(value: ValueInfoProto) -> str:
    from onnx import TensorProto

    kind = TYPES[TensorProto.DataType.Name(value.type.tensor_type.elem_type)]
    sizes = [size.dim_value or -1 for size in value.type.tensor_type.shape.dim][1:]
    dims = f"dims: [ {', '.join(map(str, sizes or [1]))} ]" + ("" if sizes else " reshape: { shape: [ ] }")
    labels = ' label_filename: "labels.txt"' if value.name == "probabilities" else ""
    return f"  {{ name: {json.dumps(value.name)} data_type: {kind} {dims}{labels} }}"
