"""Show a network in a notebook: the page as one file, in a frame of its own, with nothing to start."""

from __future__ import annotations

import html
import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from ...classifier import Classifier
from ...errors import ConvScopeError, ModelFileError, UsageError
from ...explaining.explanation import page_of
from ...files import write_atomically
from ...opening import Opened
from ...target import Target
from ..classifiers import ServedClassifier, serve_target
from ..shared_weights import copy_modules
from .share import MAX_MB, TooLargeError, share_served

log = logging.getLogger("convscope")
HEIGHT = 800
# The heat map of a page without its network, where there are feature maps and where there are none: quick ones.
METHOD_OF_MAPS, METHOD_WITHOUT = "hires-cam", "saliency"
# A frame's own address is about:srcdoc, but what is relative is resolved against the notebook's: made absolute, the
# page may write its state behind the "#".
_ADDRESS = """<script>
for (const name of ["replaceState", "pushState"]) {
  const write = history[name].bind(history);
  history[name] = (state, title, url) => write(state, title, location.href.split("#")[0] + url);
}
</script>
"""


class Shown:
    """The page with a network inside, as a notebook displays it; `page` is the HTML text of the file."""

    def __init__(self, name: str, page: str, height: int):
        self.name, self.page, self.height = name, page, height

    def save(self, path: str | Path) -> Path:
        """Write the page as one HTML file, which opens anywhere, offline."""
        write_atomically(Path(path), self.page.encode())
        return Path(path)

    def _repr_html_(self) -> str:
        framed = self.page.replace("<script", f"{_ADDRESS}<script", 1)
        return (
            f'<iframe title="{html.escape(self.name)} · ConvScope" srcdoc="{html.escape(framed)}" width="100%" '
            f'height="{self.height}" style="border: 0" allow="camera"></iframe>'
        )

    def __repr__(self) -> str:
        size = len(self.page.encode()) / 1e6
        return f"<{self.name}: a page of {size:.1f} MB; outside of a notebook .save('page.html') and open that file>"


def show(model: Any, image: Any = None, *, height: int = HEIGHT, max_mb: float | None = None) -> Shown:
    """Return the page with a network inside, which a notebook displays in a frame `height` pixels high.

    `model` is any module (what is assumed of it is said in a warning), a classifier, or the path or the name of a run
    or bundle. `image`, a path, a PIL image or a uint8 array, is what the page shows first. The page has at most
    `max_mb` (in units of 10^6 bytes; without it 16, and no epochs that make a small page larger than 1). Of a network
    that is larger, or has something that the page's engine lacks, the page has the strongest maps of each layer for
    that image, and a warning says so. UsageError for a `model`, an `image`, a `height` or a `max_mb` that cannot be
    used.

    >>> show("mnist-relu")
    <mnist-relu: a page of 1.0 MB; outside of a notebook .save('page.html') and open that file>
    """
    if isinstance(height, bool) or not isinstance(height, int) or height < 1:
        raise UsageError(f"height must be a whole number of pixels, not {height!r}")
    served = _served(model)
    with tempfile.TemporaryDirectory() as folder:
        images = [] if image is None else [_file_of(image, Path(folder))]
        try:
            path = share_served(served, Path(folder) / "page.html", images, max_mb).path
        except (ModelFileError, TooLargeError) as problem:
            if not images:
                raise type(problem)(f"{problem}; with an image, cs.show(network, image) shows its maps") from problem
            return Shown(served.id, _recorded(served, images[0], max_mb, str(problem)), height)
        return Shown(served.id, path.read_text(encoding="utf-8"), height)


def _recorded(served: ServedClassifier, image: str, max_mb: float | None, reason: str) -> str:
    """Return the page of one image, with the strongest maps of every layer, where the network itself cannot travel."""
    try:
        page, layers = page_of(served.classifier, image, [METHOD_OF_MAPS])
    except UsageError:  # this network has no such map
        page, layers = page_of(served.classifier, image, [METHOD_WITHOUT])
    size = len(page.encode()) / 1e6
    if size > (MAX_MB if max_mb is None else max_mb):
        raise UsageError(
            f"{reason}; and the maps of this image, in {layers} layers, need {size:.1f} MB: give a larger max_mb"
        )
    log.warning(
        "%s: shown by the strongest maps of %d layers for this image alone, %.1f MB, without the network: %s",
        served.id, layers, size, reason,
    )  # fmt: skip
    return page


def _served(model: Any) -> ServedClassifier:
    cpu = torch.device("cpu")
    if isinstance(model, str | Path):
        return serve_target(Target(str(model)), cpu)
    if not isinstance(model, Classifier | nn.Module):
        raise UsageError(f"show takes a module, a classifier, or the path or name of a run, not {type(model).__name__}")
    given = model if isinstance(model, Classifier) else Classifier(model)
    # The modules are copied: the person's own stay on their device and in their mode.
    network = copy_modules(given.network).to(cpu).eval()
    classifier = Classifier(
        network, given.class_names, given.preprocess, given.architecture, given.model_args, given.metrics, given.task
    )
    return ServedClassifier.of(Opened(classifier, given.architecture), cpu)


def _file_of(image: Any, folder: Path) -> str:
    """Return the path of an image, written as a file if it is none."""
    if isinstance(image, str | Path):
        return str(image)
    try:
        if isinstance(image, np.ndarray) and image.dtype == np.uint8:
            image = Image.fromarray(image)
        if isinstance(image, Image.Image):
            image.save(folder / "image.png")
            return str(folder / "image.png")
    except (TypeError, ValueError, OSError, ConvScopeError) as problem:
        raise UsageError(f"image cannot be written as a picture: {problem}") from problem
    raise UsageError(f"image must be a path, a PIL image or a uint8 array, not {type(image).__name__}")
