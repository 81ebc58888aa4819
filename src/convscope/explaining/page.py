"""The explain page: one self-contained HTML page about one image, with the prediction, heat maps and all layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..html_page import render_page
from ..kernel_picture import Kernels, kernel_picture
from ..map_colours import coloured, input_picture, over_image, scale_limit
from ..png import png_url
from .drawings import number, stems
from .findings import Findings, Layer
from .layers import gradient_limit, group_layers, kind_texts, layer_picture, settings
from .method_texts import METHOD_TEXTS

TEMPLATE, STYLE = (Path(__file__).with_name(name) for name in ("explain.html.j2", "explain.css"))
# Maps of single pixels are drawn without the image; their scale ignores outliers, which would make the rest pale.
PIXEL_METHODS, PIXEL_QUANTILE = ("guided-backprop", "integrated-gradients", "saliency", "deconvnet"), 0.995
# Up to this many layers are all shown at once; with more, the reader opens the blocks.
MAX_OPEN_LAYERS = 24


def render(findings: Findings, title: str, about: dict[str, Any], command: str) -> str:
    """Return the page as text, with style and pictures inside; `about` has architecture, parameters and versions."""
    heat = findings.heat
    return render_page(
        TEMPLATE,
        STYLE,
        title=title,
        findings=findings,
        about=about,
        command=command,
        number=number,
        input=png_url(input_picture(findings.pixels)),
        texts=METHOD_TEXTS,
        explained={method: heat_figure(findings, method, values) for method, values in heat.explained.items()},
        compared=[
            (method, heat_figure(findings, method, heat.versus[method]), heat_figure(findings, method, difference))
            for method, difference in heat.difference.items()
        ],
        groups=[(group.name, [_layer(layer) for layer in group.layers]) for group in group_layers(findings.layers)],
        open_all=len(findings.layers) <= MAX_OPEN_LAYERS,
        selected=None if findings.selected is None else _layer(findings.selected, 16),
        kernels=None if findings.kernels is None else kernel_figure(findings.kernels),
        stems=stems(*gradient_sizes(findings)),
    )


def heat_picture(findings: Findings, method: str, heat: np.ndarray) -> tuple[Image.Image, float]:
    """Return the picture of a heat map, and the end of its scale."""
    by_pixel = method in PIXEL_METHODS
    limit = scale_limit(heat, PIXEL_QUANTILE if by_pixel else 1.0)
    return (coloured(heat, limit) if by_pixel else over_image(heat, limit, findings.pixels)), limit


def heat_figure(findings: Findings, method: str, heat: np.ndarray) -> dict[str, Any]:
    """Return a heat map for the template."""
    image, limit = heat_picture(findings, method, heat)
    return {"picture": png_url(image), "limit": limit, "signed": bool((heat < 0).any())}


def kernel_figure(kernels: Kernels) -> dict[str, Any]:
    """Return the first kernels for the template."""
    image, limit = kernel_picture(kernels)
    return {"picture": png_url(image), "limit": limit, "layer": kernels.layer, "shape": kernels.shape}


def gradient_sizes(findings: Findings) -> tuple[list[str], list[float]]:
    """Return the names of the layers and the root mean square of the gradient at each."""
    return [layer.node.name for layer in findings.layers], [layer.gradient_size for layer in findings.layers]


def _layer(layer: Layer, columns: int = 8) -> dict[str, Any]:
    limit = gradient_limit(layer)
    return {
        "name": layer.node.name,
        "kind": kind_texts(layer.node),
        "settings": settings(layer.node),
        "shape": " × ".join(map(str, layer.node.shape)),
        "numbers": layer.numbers,
        "vector": layer.is_vector,
        "maps": png_url(layer_picture(layer, layer.maps, layer.limit, columns)),
        "low": layer.low,
        "high": layer.high,
        "limit": layer.limit,
        "gradient": png_url(layer_picture(layer, layer.gradient, limit, columns)),
        "gradient_limit": limit,
    }
