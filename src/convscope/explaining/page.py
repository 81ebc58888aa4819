"""One self-contained HTML file about one image: the answer, the reasons, every layer, the way back."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from ..errors import printable
from ..insight import tile
from .colours import address, coloured, limit_of, over_image, photograph
from .drawings import number, percent, stems
from .findings import Findings, Layer
from .layers import gradient_limit, kind_words, picture, runs_of, settings
from .words import METHODS

# Maps that follow single pixels are shown on paper; a few outliers must not make all the rest pale.
FINE, FINE_SHARE = ("guided-backprop", "integrated-gradients", "saliency", "deconvnet"), 0.995
# Up to so many layers all are shown at once; of more, the blocks open on demand.
OPEN_LAYERS = 24


def render(found: Findings, title: str, about: dict[str, Any], command: str) -> str:
    """The page as text; style and pictures are inside. `about` holds architecture, parameters and versions."""
    from jinja2 import Environment, StrictUndefined

    place = files(__package__)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"shown": printable, "percent": percent, "number": number}
    template = environment.from_string((place / "explain.html.j2").read_text(encoding="utf-8"))
    return template.render(
        style=(place / "explain.css").read_text(encoding="utf-8"),
        found=found,
        title=title,
        about=about,
        command=command,
        seen=address(photograph(found.pixels)),
        words=METHODS,
        reasons={method: heat_figure(found, method, heat) for method, heat in found.heat.items()},
        compared=[
            (method, heat_figure(found, method, found.alone[method]), heat_figure(found, method, heat))
            for method, heat in found.against.items()
        ],
        runs=[(run.name, [_layer(layer) for layer in run.layers]) for run in runs_of(found.layers)],
        open_all=len(found.layers) <= OPEN_LAYERS,
        chosen=None if found.chosen is None else _layer(found.chosen, 16),
        kernels=None if found.kernels is None else kernel_figure(found),
        stems=stems([layer.node.name for layer in found.layers], [layer.gradient_size for layer in found.layers]),
    )


def heat_picture(found: Findings, method: str, heat: Any) -> tuple[Any, float]:
    """The picture of a heat map, and the end of its scale."""
    fine = method in FINE
    limit = limit_of(heat, FINE_SHARE if fine else 1.0)
    return (coloured(heat, limit) if fine else over_image(heat, limit, found.pixels)), limit


def heat_figure(found: Findings, method: str, heat: Any) -> dict[str, Any]:
    """What the template needs of a heat map."""
    image, limit = heat_picture(found, method, heat)
    return {"picture": address(image), "limit": limit, "signed": bool((heat < 0).any())}


def kernel_picture(found: Findings) -> tuple[Any, float | None]:
    """The first kernels side by side, and the end of their scale (None for colours)."""
    assert found.kernels is not None
    array = found.kernels.pictures
    if not found.kernels.in_colour:
        limit = limit_of(array)
        return coloured(tile(array), limit), limit
    from PIL import Image

    coloured_tiles = tile(array, fill=-1.0)
    picture = Image.fromarray((coloured_tiles.clip(0, 1) * 255).round().astype("uint8")).convert("RGBA")
    picture.putalpha(Image.fromarray(((coloured_tiles[..., 0] >= 0) * 255).astype("uint8")))
    return picture, None


def kernel_figure(found: Findings) -> dict[str, Any]:
    """What the template needs of the first kernels."""
    image, limit = kernel_picture(found)
    kernels = found.kernels
    assert kernels is not None
    return {"picture": address(image), "limit": limit, "layer": kernels.layer, "shape": kernels.shape}


def _layer(layer: Layer, columns: int = 8) -> dict[str, Any]:
    limit = gradient_limit(layer)
    return {
        "name": layer.node.name,
        "kind": kind_words(layer.node),
        "settings": settings(layer.node),
        "shape": " × ".join(map(str, layer.node.shape)),
        "numbers": layer.numbers,
        "vector": layer.is_vector,
        "maps": address(picture(layer, layer.maps, layer.limit, columns)),
        "low": layer.low,
        "high": layer.high,
        "limit": layer.limit,
        "gradient": address(picture(layer, layer.gradient, limit, columns)),
        "gradient_limit": limit,
        "gradient_size": layer.gradient_size,
    }
