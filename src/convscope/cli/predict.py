"""`convscope predict`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..data.decoding.progress_bar import ProgressBar
from ..data.skipped import report_skipped
from ..errors import DataError, UsageError, printable
from ..messages.translate import phrase
from .image_arguments import STDIN, find_images
from .output import print_json, say
from .parameters import CsvSafe, Device, SetCoverage, Strict
from .predictions import WRITERS, Format, Writer
from .predictions_file import PredictionsFile, file_format, identity_of
from .target_options import Target, with_target_options

if TYPE_CHECKING:
    from ..classifier import Classifier
    from ..predictor import Predictor

Option = typer.Option
# So many images are answered before anybody would look at a progress bar.
FEW = 50
# Formats that print each answer as it comes, where a progress bar would be in the way.
STREAMED = (Format.csv, Format.jsonl)


class Runtime(str, Enum):
    """What computes the answers."""

    auto = "auto"
    onnx = "onnx"
    torch = "torch"


@with_target_options
def predict_command(
    target: Target,
    images: Annotated[
        list[str],
        typer.Argument(
            help="Image files, folders, patterns such as 'photos/*.jpg', or - for standard input (one image, or one "
            "path per line).",
            metavar="IMAGES",
        ),
    ],
    topk: Annotated[int, Option(help="Number of classes to show per image.", min=1, metavar="N")] = 3,
    set_coverage: SetCoverage = None,
    format: Annotated[Format, Option(help="Output format; jsonl is one JSON document per line.")] = Format.table,
    json: Annotated[bool, Option("--json", help="Same as --format json.")] = False,
    csv_safe: CsvSafe = False,
    device: Device = "auto",
    runtime: Annotated[
        Runtime,
        Option(
            help="Runtime that computes the answers: onnx is ONNX Runtime with the model that `convscope export "
            "RUN` left in the bundle, and starts several times faster than torch; auto takes it if it is "
            "there, for more than 50 images by the runtime that the export found the quickest."
        ),
    ] = Runtime.auto,
    output: Annotated[
        str | None,
        Option(
            help="Write the predictions into this .csv or .jsonl file as they come. If the command is stopped, the "
            "same command goes on from there.",
            metavar="FILE",
        ),
    ] = None,
    strict: Strict = False,
) -> None:
    """Predict the class or the labels of each image."""
    kind = Format.json if json else format
    file_kind = None if output is None else file_format(output, kind)
    classifier = _open(target, device, runtime)
    classifier.least_of_sets(set_coverage)  # before anything is read
    sources = list(find_images(images))
    if runtime == Runtime.auto and len(sources) > FEW:
        classifier = _quickest(classifier)
    names, task = classifier.class_names, classifier.task
    writer = WRITERS[file_kind or kind](topk, len(names), task.multi_label, csv_safe, classifier.runtime, set_coverage)
    if output is None:
        _print(classifier, sources, writer, strict, show=not (kind in STREAMED and sys.stdout.isatty()))
    else:
        file = PredictionsFile(Path(output), writer, identity_of(target, *map(str, (topk, csv_safe, set_coverage))))
        _save(classifier, sources, file, strict, json=kind == Format.json)


def _print(
    classifier: Classifier | Predictor, sources: Sequence[Path | bytes], writer: Writer, strict: bool, show: bool
) -> None:
    writer.begin()
    written, skipped = _predict(classifier, sources, writer, show)
    writer.close(skipped)
    if not written:
        raise _none_of(sources, skipped)
    report_skipped(skipped, strict)


def _save(
    classifier: Classifier | Predictor, sources: Sequence[Path | bytes], file: PredictionsFile, strict: bool, json: bool
) -> None:
    with file:
        written, skipped = _predict(classifier, file.left_of(sources), file.writer, show=True)
        if not written + file.resumed:  # before the file gets its name
            raise _none_of(sources, skipped)
    if json:
        reasons = [{"path": path, "reason": reason} for path, reason in skipped]
        counts = {"written": written, "resumed": file.resumed, "skipped": reasons}
        print_json({"runtime": classifier.runtime, "output": str(file.path), **counts})
    else:
        before = f", after {file.resumed:,} of an earlier call" if file.resumed else ""
        typer.echo(f"{printable(file.path)}: {written:,} predictions{before}")
    report_skipped(skipped, strict)


def _none_of(sources: Sequence[Path | bytes], skipped: Sequence[tuple[str, str]]) -> DataError:
    """Return the error if no image could be used; each of several is logged."""
    if len(sources) == 1 and skipped:
        path, reason = skipped[0]
        return DataError(f"{printable(path)}: {reason}")
    report_skipped(skipped)
    return DataError(f"none of the {len(sources)} files could be read as an image")


def _predict(
    classifier: Classifier | Predictor, sources: Sequence[Path | bytes], writer: Writer, show: bool
) -> tuple[int, list[tuple[str, str]]]:
    """Write a row for each image; return their number, and path and reason of each image that cannot be used."""
    written, skipped = 0, []
    with ProgressBar(show and len(sources) > FEW, len(sources), phrase("predicting")) as bar:
        for result in classifier.predict_each(sources, writer.topk, writer.set_coverage):
            bar.advance(1)
            path = STDIN if isinstance(result.image, bytes) else str(result.image)
            if not result.predictions:
                skipped.append((path, result.reason))
                continue
            ranked = [vars(prediction) for prediction in result.predictions]
            refusal = result.refusal
            row = {"path": path, **ranked[0], "abstained": refusal is not None, "topk": ranked[: writer.topk]}
            if refusal is not None:
                row["reason"] = refusal.reason
            if classifier.task.multi_label:
                row["labels"] = [entry for entry in ranked if entry["selected"]]
            if writer.set_coverage is not None:
                row |= {"set_coverage": writer.set_coverage, "set": [entry for entry in ranked if entry["in_set"]]}
            writer.write(row)
            written += 1
    return written, skipped


def _open(target: Target, device: str, runtime: Runtime) -> Classifier | Predictor:
    """Return what answers: without torch if there is a graph, and nothing is asked for that needs the network."""
    plain = device in ("auto", "cpu") and not target.given()
    if runtime == Runtime.onnx:
        if not plain:
            raise UsageError("--runtime onnx takes the run or bundle alone, and computes on the CPU")
        from ..predictor import open_predictor

        return open_predictor(target.source)
    if runtime == Runtime.auto and plain:
        from ..predictor import find_predictor

        if (found := find_predictor(target.source)) is not None:
            return found
    from ..devices import choose_device
    from ..opening import open_target

    classifier = open_target(target).classifier
    classifier.network.to(choose_device(device))
    if runtime == Runtime.auto and plain and sys.stderr.isatty() and _lacks_graph(target.source):
        source = printable(target.source)
        say(f"torch answers; after `convscope export {source}` the same command takes a quarter of the time", err=True)
    return classifier


def _quickest(classifier: Classifier | Predictor) -> Classifier | Predictor:
    """Return the same by the runtime that was chosen when it was exported, which is said, if it answers from a graph.

    Only for many images: another runtime takes longer to begin.
    """
    from ..predictor import Predictor

    if not isinstance(classifier, Predictor):
        return classifier
    from ..quickest import FOLDERS, quickest

    chosen = quickest(classifier, FOLDERS)
    if chosen is not classifier:
        say(f"{chosen.runtime} answers", err=True)
    return chosen


def _lacks_graph(source: str) -> bool:
    """Return whether a source is the folder of a bundle that was not exported."""
    from ..bundle_config import find_bundle, is_bundle
    from ..onnx_graph import graph_of

    if not is_bundle(source):
        return False
    bundle = find_bundle(source)
    return bundle.is_dir() and graph_of(bundle) is None
