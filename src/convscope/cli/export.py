"""`convscope export`."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import UsageError, printable
from ..files import check_file_name
from ..messages.translate import language, translated
from .output import print_json, say
from .parameters import Json
from .target_options import Target, with_target_options

if TYPE_CHECKING:
    from ..export.onnx.export import Exported

Option = typer.Option


class ExportFormat(str, Enum):
    """What a classifier can be exported to."""

    onnx = "onnx"
    triton = "triton"
    torch = "torch"


class Precision(str, Enum):
    """In how many bits an exported model computes."""

    float32 = "float32"
    int8 = "int8"


class ExportInput(str, Enum):
    """What an exported model takes."""

    pixels = "pixels"
    image = "image"


@with_target_options
def export_command(
    target: Target,
    format: Annotated[
        ExportFormat,
        Option(
            help="onnx: one file. triton: a model repository for Triton Inference Server, with that file in it. "
            "torch: a program for torch.export.load, which needs neither ConvScope nor the network's code."
        ),
    ] = ExportFormat.onnx,
    input: Annotated[
        ExportInput,
        Option(
            help="Input of the model: pixels in the network's size (resizing stays outside; its metadata says "
            "how), or an image of any height and width (resizing is inside)."
        ),
    ] = ExportInput.pixels,
    precision: Annotated[
        Precision,
        Option(
            help="int8 computes in 8 bits. It is written only if it is faster here and changes at most 1 % of the "
            "answers to the run's validation images; both figures are printed."
        ),
    ] = Precision.float32,
    output: Annotated[
        str | None,
        Option(
            help="The file to write. Default: model.onnx (model-image.onnx, model.pt2) in the bundle's folder. For "
            "triton, the repository's folder, by default model_repository.",
            metavar="FILE",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Write one ONNX file that gives the same answers, checked first.

    It holds normalisation, probabilities, labels and preprocessing, and takes batches of any size. It is compared on
    validation images of the run; if an answer differs, nothing is written.
    """
    exported = _export(target, format, input, precision, output)
    if json:
        print_json({"run": target.source, "format": format.value, **exported.to_dict()})
        return
    _tell(exported)


def _export(
    target: Target, format: ExportFormat, input: ExportInput, precision: Precision, output: str | None
) -> Exported:
    """Write the file, compared first on validation images of the run, else on bundled ones."""
    from ..export.onnx.export import export_run
    from ..export.torch_program import export_torch
    from ..export.triton import export_triton
    from ..serving.examples import PHOTO_FOLDER

    photos = sorted(PHOTO_FOLDER.glob("*.jpg"))
    if output is not None and format != ExportFormat.triton:
        check_file_name(Path(output))
    if format != ExportFormat.onnx and precision != Precision.float32:
        raise UsageError("--precision int8 is for --format onnx: leave it out")
    if format == ExportFormat.torch:
        if input != ExportInput.pixels:
            raise UsageError("--input image is for --format onnx and triton: leave it out")
        return export_torch(target, output, photos=photos)
    if format == ExportFormat.triton:
        return export_triton(target, output, input=input.value, photos=photos)
    return export_run(target, output, input=input.value, precision=precision.value, photos=photos)


def _tell(exported: Exported) -> None:
    """Print what was written and how it compares with the classifier."""
    from ..export.description import BETWEEN_STEPS

    proof = exported.proof
    say(f"model      {printable(exported.path)} ({exported.size / 1e6:.2f} MB, by {exported.exporter})")
    mark = BETWEEN_STEPS if language(sys.stdout) == "en" else "；"
    steps = mark.join(translated(step, sys.stdout) for step in exported.recipe.split(BETWEEN_STEPS))
    say(f"input      {exported.input}: {steps}")
    batches = ", ".join(map(str, proof.batches))
    say(f"compared   {proof.n} {proof.origin}, in batches of {batches}, in {exported.engine}")
    say(f"           same answer for {proof.same_answer} of {proof.n}, largest difference of a probability "
               f"{proof.difference:.2g}")  # fmt: skip
    if proof.pixel_difference is not None:
        say(f"           largest difference of a resized pixel {proof.pixel_difference} of 255")
    if exported.gain is not None:
        gain = exported.gain
        say(f"int8       {gain.speed:.1f} times as fast on this machine; another answer for {gain.changed} of {gain.n}")
    if exported.runtimes is not None:
        _tell_runtimes(exported.runtimes)


def _tell_runtimes(choice: dict[str, Any]) -> None:
    """Print how fast each runtime is, which is chosen, and why others are not."""
    folders, service = choice["runtime"].values()
    n = choice["images"]
    say(f"runtime    {folders} for whole folders, {service} for the service; compared on {n} images:")
    for name, found in choice["measured"].items():
        rates = [f"{rate:,.0f}" for rate in found.get("images_per_second", {}).values()]
        if rates:
            say(f"           {name}: {rates[0]} images/s one by one, {rates[-1]} in batches")
        if found["refused"]:
            say(f"           {name}: refused, {translated(found['refused'], sys.stdout)}")
