"""Explaining one image: what was asked for is checked, looked at, and written as a folder of pictures and one page."""

from __future__ import annotations

import contextlib
import difflib
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..classifier import Classifier, ImageLike, Prediction, as_image
from ..data.image_file import UnreadableImage
from ..errors import DataError, ModelFileError, UsageError, printable
from ..files import check_folder_name, free_folder, write_folder_atomically
from ..insight import METHODS
from .colours import enlarged, on_paper, photograph, png
from .drawings import bars, sheet, stems
from .findings import Findings, look
from .layers import kind_words, picture
from .page import heat_picture, kernel_picture, render
from .words import METHODS as WORDS

PAGE = "explain.html"
# The shortest side at which a small picture is written.
SIDE = 256


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
    versus: str
    layer: str | None
    methods: list[str]
    gradient_sizes: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "image": self.image,
            "predictions": [vars(prediction) for prediction in self.predictions],
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
    classifier: Classifier,
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
    """Draw what a classifier sees in an image and why it answers as it does, into a new folder `output/name`.

    `label` and `versus` are names of classes: the one that is explained (the likeliest) and the one that it is compared
    with (the next). `methods` are those of `insight.METHODS` (all); `layer` is where the class-activation map is made
    (the last layer with maps), and all of whose maps are shown. The folder is by default named after network and image,
    with -2, -3 ... if the name is taken. `command` is what the page says makes it again. Raises UsageError for a class,
    layer or method that is not there, DataError for an image that cannot be used, ModelFileError for a network that
    gives no finite answer, OutputError if it cannot be written.
    """
    _check_methods(methods)
    check_folder_name(name)
    one, two = (None if given is None else _class_index(classifier, given) for given in (label, versus))
    title = Path(image).name if isinstance(image, str | Path) else "image"
    try:
        pixels = classifier.preprocess.pixels(as_image(image))
    except UnreadableImage as problem:
        raise DataError(f"{printable(title)}: {problem}") from problem
    if not torch.isfinite(classifier.logits(pixels[None])).all():
        raise ModelFileError("this network answers with NaN or infinite numbers: nothing to explain; train it again")
    try:
        found = look(classifier, pixels, one, two, methods, layer)
    except ValueError as problem:
        raise UsageError(str(problem)) from problem
    command = command or _python_of(title, label, versus, methods, layer)
    content = _files(found, f"{title} · {classifier.architecture}", _about(classifier), command)
    folder = free_folder(Path(output), name or _folder_name(classifier.architecture, title))
    _write(folder, content)
    sizes = {each.node.name: each.gradient_size for each in found.layers}
    return Explanation(
        folder, folder / PAGE, sorted(content), title, found.predictions, found.label.label, found.versus.label,
        found.layer, list(found.heat), sizes,
    )  # fmt: skip


def _files(found: Findings, title: str, about: dict[str, Any], command: str) -> dict[str, bytes]:
    """The content of every file by its name in the folder."""
    files: dict[str, Any] = {"seen.png": png(enlarged(photograph(found.pixels), SIDE))}
    rows = [(p.label, p.probability) for p in found.predictions[:10]]
    files["probabilities.svg"] = bars(title, rows)
    files["gradients.svg"] = stems(
        [layer.node.name for layer in found.layers], [layer.gradient_size for layer in found.layers]
    )
    for method, heat in found.heat.items():
        image, limit = heat_picture(found, method, heat)
        files[f"{method}.png"] = png(enlarged(on_paper(image), SIDE))
        files[f"{method}.svg"] = sheet(f"{WORDS[method].en} · {found.label.label}", title, image, limit)
    for method, heat in found.against.items():
        image, limit = heat_picture(found, method, heat)
        versus = f"{found.label.label} − {found.versus.label}"
        files[f"versus-{method}.svg"] = sheet(f"{WORDS[method].en} · {versus}", title, image, limit)
    if found.kernels is not None:
        image, ends = kernel_picture(found)
        shape = " × ".join(map(str, found.kernels.shape))
        files["kernels.png"] = png(enlarged(on_paper(image), SIDE))
        files["kernels.svg"] = sheet(found.kernels.layer, shape, image, ends)
    width = len(str(len(found.layers)))
    for i, layer in enumerate(found.layers, 1):
        node = layer.node
        note = f"{kind_words(node)[0]} · {' × '.join(map(str, node.shape))}"
        if layer.numbers:
            note += f" · maps {', '.join(map(str, layer.numbers))}"
        safe = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in node.name)[:80]
        drawing = sheet(f"{node.name} · {title}", note, picture(layer, layer.maps, layer.limit), layer.limit)
        files[f"layers/{i:0{width}d}-{safe}.svg"] = drawing
    files["network.svg"] = found.diagram
    files[PAGE] = render(found, title, about, command)
    return {
        name: text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")
        for name, text in files.items()
    }


def _write(folder: Path, content: dict[str, bytes]) -> None:
    """Fill the empty folder that was just made, all at once; it goes again if that fails."""

    def write(place: Path) -> None:
        for name, data in content.items():
            (place / name).parent.mkdir(exist_ok=True)
            (place / name).write_bytes(data)

    try:
        write_folder_atomically(folder, write)
    except BaseException:
        with contextlib.suppress(OSError):
            folder.rmdir()
        raise


def _check_methods(methods: Sequence[str] | None) -> None:
    for method in methods or ():
        if method not in METHODS:
            near = difflib.get_close_matches(method, METHODS, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(METHODS)}"
            raise UsageError(f"unknown method '{printable(method)}': {hint}")


def _class_index(classifier: Classifier, label: str) -> int:
    names = classifier.class_names
    if label not in names:
        near = difflib.get_close_matches(label, names, n=3, cutoff=0.5)
        shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
        hint = f"did you mean {' or '.join(near)}?" if near else f"it knows {shown}"
        raise UsageError(f"this classifier has no class '{printable(label)}': {printable(hint)}")
    return names.index(label)


def _folder_name(architecture: str, title: str) -> str:
    """Network and image, without signs that file systems or shells stumble over."""
    stem = re.sub(r"[^\w-]+", "_", printable(Path(title).stem)).strip("_")
    return f"{architecture}-{stem[:60] or 'image'}"


def _about(classifier: Classifier) -> dict[str, Any]:
    from ..version import __version__

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


def command_of(run: str, image: str, options: dict[str, Any]) -> str:
    """The command line that makes an explanation again."""
    words = ["convscope", "explain", run, image]
    for key, value in options.items():
        for item in value if isinstance(value, list) else [value]:
            words += [f"--{key}", str(item)] if item is not None else []
    return shlex.join(words)
