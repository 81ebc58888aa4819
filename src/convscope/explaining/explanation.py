"""Explain one image: check the arguments, compute the findings, and write a folder of pictures and one page."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .. import notebook_html
from ..abstention import Refusal
from ..classifier import Classifier, Prediction
from ..errors import ModelFileError, UsageError, printable
from ..files import check_folder_name, folder_name, free_folder, write_folder_atomically
from ..insight import METHODS
from ..map_colours import enlarged, input_picture, on_paper
from ..pictures import ImageLike
from ..png import png_bytes
from ..suggest import did_you_mean
from ..version import __version__
from .drawings import bars, sheet, stems
from .findings import Findings, Layer, find
from .layers import kind_texts, layer_picture
from .method_texts import METHOD_TEXTS
from .page import gradient_sizes, heat_picture, kernel_picture, render

PAGE = "explain.html"
# The shortest side at which a small picture is written.
MIN_SIDE = 256
# Pictures of an explanation that a notebook shows.
PICTURES_SHOWN = 5


@dataclass(frozen=True)
class Explanation:
    """What `explain` found and where it is written: `page` is the HTML file in `folder`, `files` all names there.

    `layer` is that of the class-activation map (None if the network has no maps), `gradient_sizes` the root mean square
    of the loss's gradient at each layer.
    """

    folder: Path
    page: Path
    files: list[str]
    image: str
    predictions: list[Prediction]
    label: str
    versus: str | None
    layer: str | None
    methods: list[str]
    gradient_sizes: dict[str, float]
    refusal: Refusal | None = None

    def _repr_html_(self) -> str:
        rows = [(p.label, f"{p.probability:.1%}") for p in self.predictions[:5]]
        compared = f", compared with {self.versus}" if self.versus is not None else ""
        caption = f"{self.image}: {self.label} explained{compared}"
        wanted = [("what the network sees", "seen.png"), *((method, f"{method}.png") for method in self.methods)]
        found = [(name, self.folder / file) for name, file in wanted if (self.folder / file).is_file()]
        shown = notebook_html.pictures([(name, path.read_bytes()) for name, path in found[:PICTURES_SHOWN]])
        return notebook_html.table(caption, (), rows, numbers=(1,)) + shown + notebook_html.paragraph([self.page])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "image": self.image,
            "predictions": [vars(prediction) for prediction in self.predictions],
            "abstained": self.refusal is not None,
            **({"reason": self.refusal.reason} if self.refusal else {}),
            "label": self.label,
            "versus": self.versus,
            "layer": self.layer,
            "methods": self.methods,
            "gradient_sizes": self.gradient_sizes,
            "folder": printable(self.folder),
            "page": printable(self.page),
            "files": self.files,
        }


def explain(
    classifier: Classifier | nn.Module,
    image: ImageLike,
    *,
    label: str | None = None,
    versus: str | None = None,
    methods: Sequence[str] | None = None,
    layer: str | None = None,
    output: str | Path = "runs/explain",
    name: str | None = None,
    command: str | None = None,
) -> Explanation:
    """Explain how a classifier predicts the class of an image: pictures and a page in a new folder `output/name`.

    Any network can take the classifier's place, as in `Classifier(network)`.
    `label` and `versus` name the class to explain (default: the most probable) and the one to compare it with (the
    next; of several labels per image none). `methods` are those of `insight.METHODS` (all). `layer` is the layer of the
    class-activation maps (the last layer with maps), of which all maps are shown. `name` is by default made of network
    and image, with -2, -3 ... if it is taken. `command` is shown as the way to reproduce the page. Raises UsageError
    for an unknown class, layer or method, DataError for an image that cannot be used, ModelFileError for a network
    whose output is not finite, OutputError if the folder cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> from convscope import load, load_data
    >>> zero = load_data("mnist-5k").splits["test"].images[0]
    >>> with TemporaryDirectory() as folder:
    ...     found = explain(load("mnist-relu"), zero, methods=["saliency"], output=folder)
    >>> found.label, found.page.name, found.methods
    ('0', 'explain.html', ['saliency'])
    """
    _check_methods(methods)
    check_folder_name(name)
    if not isinstance(classifier, Classifier):
        classifier = Classifier(classifier)
    explained, other = (None if given is None else _class_index(classifier, given) for given in (label, versus))
    title = Path(image).name if isinstance(image, str | Path) else "image"
    pixels = _usable_pixels(classifier, image)
    try:
        findings = find(classifier, pixels, explained, other, methods, layer)
    except ValueError as problem:
        raise UsageError(str(problem)) from problem
    command = command or _python_of(title, label, versus, methods, layer)
    content = _files(findings, f"{title} · {classifier.architecture}", _about(classifier), command)
    folder = free_folder(Path(output), name or _folder_name(classifier.architecture, title))
    _write(folder, content)
    return Explanation(
        folder, folder / PAGE, sorted(content), title, findings.predictions, findings.label.label,
        None if findings.versus is None else findings.versus.label, findings.layer, list(findings.heat.explained),
        dict(zip(*gradient_sizes(findings), strict=True)), findings.refusal,
    )  # fmt: skip


def page_of(classifier: Classifier, image: ImageLike, methods: Sequence[str]) -> tuple[str, int]:
    """Return the page that explains an image, with all pictures inside, and the number of its layers.

    Of every layer it has the strongest maps. DataError for an image that cannot be used, ModelFileError for a network
    whose output is not finite, UsageError for a method that is impossible with it.
    """
    pixels = _usable_pixels(classifier, image)
    try:
        findings = find(classifier, pixels, methods=methods)
    except ValueError as problem:
        raise UsageError(str(problem)) from problem
    title = Path(image).name if isinstance(image, str | Path) else "image"
    command = _python_of(title, None, None, methods, None)
    return render(findings, f"{title} · {classifier.architecture}", _about(classifier), command), len(findings.layers)


def _usable_pixels(classifier: Classifier, image: ImageLike) -> Tensor:
    """Return the network's input for an image; ModelFileError if its output for it is no number."""
    pixels = classifier.pixels(image)
    if not torch.isfinite(classifier.logits(pixels[None])).all():
        raise ModelFileError("the output of this network is NaN or infinite, which cannot be explained: train it again")
    return pixels


def _files(findings: Findings, title: str, about: dict[str, Any], command: str) -> dict[str, bytes]:
    """Return the content of every file by its name in the folder."""
    pictures = {"seen.png": png_bytes(enlarged(input_picture(findings.pixels), MIN_SIDE))}
    drawings = {
        "probabilities.svg": bars(title, [(p.label, p.probability) for p in findings.predictions[:10]]),
        "gradients.svg": stems(*gradient_sizes(findings)),
        "network.svg": findings.diagram,
        PAGE: render(findings, title, about, command),
    }
    for method, heat in findings.heat.explained.items():
        image, limit = heat_picture(findings, method, heat)
        pictures[f"{method}.png"] = png_bytes(enlarged(on_paper(image), MIN_SIDE))
        heading = f"{METHOD_TEXTS[method].name_en} · {findings.label.label}"
        drawings[f"{method}.svg"] = sheet(heading, title, image, limit)
    versus = findings.versus.label if findings.versus else ""
    for method, heat in findings.heat.difference.items():
        image, limit = heat_picture(findings, method, heat)
        heading = f"{METHOD_TEXTS[method].name_en} · {findings.label.label} − {versus}"
        drawings[f"versus-{method}.svg"] = sheet(heading, title, image, limit)
    if findings.kernels is not None:
        image, end = kernel_picture(findings.kernels)
        shape = " × ".join(map(str, findings.kernels.shape))
        pictures["kernels.png"] = png_bytes(enlarged(on_paper(image), MIN_SIDE))
        drawings["kernels.svg"] = sheet(findings.kernels.layer, shape, image, end)
    width = len(str(len(findings.layers)))
    for i, layer in enumerate(findings.layers, 1):
        drawings[f"layers/{i:0{width}d}-{_safe_name(layer.node.name)}.svg"] = _layer_sheet(layer, title)
    return pictures | {name: text.encode("utf-8", "backslashreplace") for name, text in drawings.items()}


def _layer_sheet(layer: Layer, title: str) -> str:
    node = layer.node
    note = f"{kind_texts(node)[0]} · {' × '.join(map(str, node.shape))}"
    if layer.numbers:
        note += f" · maps {', '.join(map(str, layer.numbers))}"
    return sheet(f"{node.name} · {title}", note, layer_picture(layer, layer.maps, layer.limit), layer.limit)


def _safe_name(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name)[:80]


def _write(folder: Path, content: dict[str, bytes]) -> None:
    """Fill the empty folder that was just made, all at once; remove it if that fails."""

    def write(target: Path) -> None:
        for name, data in content.items():
            (target / name).parent.mkdir(exist_ok=True)
            (target / name).write_bytes(data)

    try:
        write_folder_atomically(folder, write)
    except BaseException:
        with contextlib.suppress(OSError):
            folder.rmdir()
        raise


def _check_methods(methods: Sequence[str] | None) -> None:
    for method in methods or ():
        if method not in METHODS:
            hint = did_you_mean(method, METHODS, f"choose from {', '.join(METHODS)}", most=1)
            raise UsageError(f"unknown method '{printable(method)}': {hint}")


def _class_index(classifier: Classifier, label: str) -> int:
    names = classifier.class_names
    if label not in names:
        known = ", ".join(map(printable, names[:10])) + (", ..." if len(names) > 10 else "")
        hint = did_you_mean(label, names, f"it knows {known}")
        raise UsageError(f"this classifier has no class '{printable(label)}': {hint}")
    return names.index(label)


def _folder_name(architecture: str, title: str) -> str:
    """Return a name made of network and image, without characters that are special in file systems or shells."""
    stem = re.sub(r"[^\w-]+", "_", printable(Path(title).stem)).strip("_")
    return f"{folder_name(architecture)}-{stem[:60] or 'image'}"


def _about(classifier: Classifier) -> dict[str, Any]:
    channels, height, width = classifier.preprocess.input_size
    return {
        "architecture": classifier.architecture,
        "parameters": sum(p.numel() for p in classifier.network.parameters()),
        "input": f"{channels} × {height} × {width}",
        "torch": torch.__version__,
        "convscope": __version__,
        "device": str(classifier.device),
    }


def _python_of(
    title: str, label: str | None, versus: str | None, methods: Sequence[str] | None, layer: str | None
) -> str:
    given = {"label": label, "versus": versus, "methods": methods and list(methods), "layer": layer}
    options = "".join(f", {key}={value!r}" for key, value in given.items() if value is not None)
    return f"cs.explain(classifier, {title!r}{options})"


def command_of(given: Sequence[str], options: dict[str, Any]) -> str:
    """Return the command line that reproduces an explanation of what was `given` first."""
    words = ["convscope", "explain", *given]
    for key, value in options.items():
        for item in value if isinstance(value, list) else [value]:
            words += [f"--{key}", str(item)] if item is not None else []
    return shlex.join(words)
