"""Export a classifier to one ONNX file that has been compared with it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...bundle_config import BUNDLED
from ...classifier import Classifier
from ...errors import ConvScopeError, UsageError, require_extra
from ...files import folder_name, write_atomically
from ...graph_network import GraphNetwork
from ...onnx_graph import GRAPH, digest_of_bundle
from ...opening import Opened, open_target
from ...predictor import open_predictor
from ...quickest import FEWEST, MOST, measure, write_choice
from ...run_folder import run_of_bundle
from ...sessions import other_runtimes
from ...target import Target
from ..images import Images, images_for_proof, own_images, pixels_for_judging
from ..proof import Proof, prove
from .metadata import describe
from .network import EXPORTERS, MAX_BYTES, to_onnx
from .quantizing import CALIBRATION, MOST_JUDGED, Gain, to_int8
from .resizing import put_before
from .runtime import runner

if TYPE_CHECKING:
    import numpy as np
    from onnx import ModelProto

log = logging.getLogger("convscope")
INPUTS, PRECISIONS = ("pixels", "image"), ("float32", "int8")
# The names of the file in a bundle's folder.
FILES = {"pixels": GRAPH, "image": "model-image.onnx"}


@dataclass(frozen=True)
class Exported:
    """A file that was written: what goes in and how (`recipe`), which of torch's exporters made it, and the proof.

    `engine` computed the compared answers. `gain` is what int8 gains and costs; the proof is then that of the model
    from which it was converted. `runtimes` says which of several runtimes will answer (see `quickest.measure`).
    """

    path: Path
    size: int
    input: str
    recipe: str
    exporter: str
    proof: Proof
    gain: Gain | None = None
    engine: str = "ONNX Runtime"
    runtimes: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the values that `--json` prints."""
        return {
            "output": str(self.path),
            "bytes": self.size,
            "input": self.input,
            "recipe": self.recipe,
            "exporter": self.exporter,
            "compared": self.proof.to_dict(),
            **({} if self.gain is None else {"int8": self.gain.to_dict()}),
            **({} if self.runtimes is None else {"runtimes": self.runtimes}),
        }


def export_run(
    source: str | Target,
    output: str | Path | None = None,
    *,
    input: str = "pixels",
    precision: str = "float32",
    photos: Sequence[Path] = (),
) -> Exported:
    """Export the classifier `source`, a run, a bundle or a network, as `open_target` takes it.

    It is compared on validation images of the run, or else on bundled digits or on `photos`. Without `output` the file
    is written into the bundle's folder, for all others into the current one.
    """
    _check_input(input)
    if precision not in PRECISIONS:
        raise UsageError(f"--precision must be {' or '.join(PRECISIONS)}, not '{precision}'")
    opened = open_target(source)
    bundle = opened.bundle
    if output is None:
        output = output_of(opened, FILES[input].replace(".onnx", "-int8.onnx" if precision == "int8" else ".onnx"))
    classifier = opened.classifier
    own = own_images(None if bundle is None else run_of_bundle(bundle))
    images, judged, made_from = images_for_proof(classifier, own, photos), None, None
    if precision == "int8":
        judged = pixels_for_judging(classifier, own, CALIBRATION + MOST_JUDGED)
    elif bundle is not None and bundle.is_dir():
        made_from = digest_of_bundle(bundle)
    exported = export_onnx(classifier, output, input=input, images=images, made_from=made_from, judged=judged)
    if bundle is None or made_from is None or Path(output) != bundle / GRAPH:
        return exported
    return replace(exported, runtimes=_choose(bundle, classifier, own))


def _choose(bundle: Path, classifier: Classifier, own: Sequence[Any]) -> dict[str, Any] | None:
    """Measure which runtime answers soonest with the graph beside a bundle, and keep it there; None if there is one."""
    others = other_runtimes()
    choice = None
    if others:
        pixels = pixels_for_judging(classifier, own, MOST)
        if len(pixels) >= FEWEST:
            choice = measure(open_predictor(bundle), pixels, others)
        else:
            log.warning(
                "ONNX Runtime answers: to choose another runtime, %d images of the run's data are needed, and %d were "
                "found", FEWEST, len(pixels),
            )  # fmt: skip
    write_choice(bundle, choice)
    return choice


def output_of(opened: Opened, file: str) -> Path:
    """Return where the exported `file`, such as `model.onnx`, is written by default: `NAME.onnx` if in no bundle."""
    bundle = opened.bundle
    if bundle is not None and bundle.is_dir() and bundle.parent != BUNDLED:
        return bundle / file
    name = opened.name if bundle is None else bundle.stem
    return Path(f"{folder_name(name)}{file.removeprefix('model')}")


def export_onnx(
    classifier: Classifier,
    output: str | Path,
    *,
    input: str = "pixels",
    images: Images | None = None,
    made_from: str | None = None,
    judged: np.ndarray | None = None,
) -> Exported:
    """Write `classifier` as an ONNX model to the file `output`, once it is proven to give the same answers.

    The model has `input` `pixels`, uint8 N x C x H x W in the network's size, or `image`, uint8 N x H x W x C of any H
    and W, and the outputs `probabilities` and `logits`, N x classes; of a classifier that may answer "unknown", also
    `confidence`, `distance` and `unknown`, N each (see `Unknown`). `made_from` is the digest of the bundle. With
    `judged`, pixels of real images, uint8 N x C x H x W, the model is then converted to int8 (see `to_int8`).
    ConvScopeError if the model answers differently or cannot be made; nothing is written then.
    """
    _check_input(input)
    if input == "image" and classifier.preprocess.superpixels:
        raise UsageError("--input image cannot hold the superpixels of this classifier: use --input pixels")
    if isinstance(classifier.network, GraphNetwork):
        classifier.network.need_code()
    images = images or images_for_proof(classifier)
    classifier.network.eval()
    problems = []
    for exporter in EXPORTERS:
        try:
            plain = to_onnx(classifier, exporter)
            model = type(plain)()
            model.CopyFrom(plain)
            recipe = _complete(model, classifier, input, made_from)
            proof = prove(runner(model, input), classifier, images, input)
        except ConvScopeError as problem:
            problems.append(f"{exporter}: {problem}")
            continue
        gain = None
        if judged is not None:
            model, gain = to_int8(plain, classifier, judged)
            recipe = _complete(model, classifier, input, None)
        content = model.SerializeToString()
        write_atomically(Path(output), content)
        return Exported(Path(output), len(content), input, recipe, exporter, proof, gain)
    raise ConvScopeError(f"no file was written: {'; '.join(problems)}")


def _complete(model: ModelProto, classifier: Classifier, input: str, made_from: str | None) -> str:
    """Add to a model what the exporter does not know; return the recipe of its input."""
    if input == "image":
        put_before(model, classifier.preprocess)
    recipe = describe(model, classifier, input, made_from)
    if model.ByteSize() > MAX_BYTES:
        raise ConvScopeError(f"{model.ByteSize() / 1e9:.1f} GB: an ONNX model in one file holds at most 2 GB")
    return recipe


def _check_input(input: str) -> None:
    if input not in INPUTS:
        raise UsageError(f"--input must be {' or '.join(INPUTS)}, not '{input}'")
    for package in ("onnx", "onnxruntime", "onnxscript"):
        require_extra("onnx", package, f"export to ONNX needs {package}")
