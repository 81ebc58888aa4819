"""What Grad-CAM and HiResCAM share: the maps of one layer with the score's gradient there, and the choice of it."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

from ...suggest import did_you_mean
from ..tracing.graph import Trace
from ..tracing.trace import trace
from .class_score import Target, gradient_by, run_observed, score_of_logits, scores_node
from .image_maps import bottlenecks, image_maps, layers_around

# Maps below this side have so few positions, each of which sees nearly the whole image, that they say little about
# where something is.
FINE = 7
# Maps after which so many layers come, and more than before, are those of the beginning: a transformer's patches.
MOST_AFTER = 8


def maps_and_gradient(network: nn.Module, images: Tensor, target: Target, layer: str | None) -> tuple[Tensor, Tensor]:
    """Return the maps of a layer, N x C x H' x W', and the gradient of the score there; ValueError: see `map_layer`."""
    layer = map_layer(trace(network, images[:1], keep=()), layer)
    kept: dict[str, Tensor] = {}

    def observe(name: str, output: Tensor) -> None:
        if name == layer and output.requires_grad:
            # A later layer may work in place (torchvision's ReLU does); a hook's gradient is that of the values here.
            kept["maps"] = output.detach().clone()
            output.register_hook(lambda gradient: kept.update(gradient=gradient))

    pixels, logits = run_observed(network, images, observe)
    gradient_by(score_of_logits(logits, target), pixels)
    if "gradient" not in kept:
        raise ValueError(f"the answer does not depend on '{layer}': choose another layer")
    if len(kept["maps"]) != len(images):
        raise ValueError(f"'{layer}' takes {len(kept['maps'])} of {len(images)} images at once: give one image")
    return kept["maps"], kept["gradient"]


def as_heat_map(weighted: Tensor, images: Tensor, target: Target) -> Tensor:
    """Return N x C x H' x W' summed over channels and enlarged bilinearly to the images' size: N x H x W.

    What speaks against the class is left out, unless two classes are compared.
    """
    heat = weighted.sum(1, keepdim=True)
    if target.others is None:
        heat = heat.relu()
    return F.interpolate(heat, images.shape[2:], mode="bilinear", align_corners=False)[:, 0]


def map_layer(trace: Trace, layer: str | None = None) -> str:
    """Return the layer that a class-activation map is made from: the last one whose maps are fine enough to point.

    That is 7 x 7 positions or more, as at the end of the networks for 224 pixels, behind norm and activation; where
    there are none, more than one position. Of parallel branches it is where they were joined, if the maps there have
    the same size: a branch knows only its part of the answer. A given `layer` is returned if it gives maps; else
    ValueError names similar layers. ValueError too if the last maps stand at the network's beginning, as in a vision
    transformer, whose attention mixes the places: they would point badly.

    >>> import torch
    >>> from convscope.insight.tracing.trace import trace
    >>> body = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU())
    >>> network = torch.nn.Sequential(*body, torch.nn.Flatten(), torch.nn.Linear(200, 3))
    >>> map_layer(trace(network, torch.zeros(1, 1, 12, 12)))
    '1'
    """
    on_way = trace.before(scores_node(trace)) if trace.answers else set()
    maps = image_maps(trace)
    names = [node.name for node in maps if node.name in on_way] or [node.name for node in maps]
    if layer is not None:
        if layer in names:
            return layer
        choices = f"choose one of {', '.join(names[-6:]) or 'another network'}"
        if any(node.name == layer for node in trace.nodes):
            raise ValueError(f"'{layer}' gives no maps: {choices}")
        raise ValueError(f"unknown layer '{layer}': {did_you_mean(layer, names, choices, cutoff=0.4)}")
    sizes = {name: trace.node(name).shape[1:] for name in names}
    fine = [name for name in names if min(sizes[name]) >= FINE and trace.node(name).kind != "conv"]
    large = fine or [name for name in names if math.prod(sizes[name]) > 1]
    if not large:
        raise ValueError("no layer of this network gives maps: choose another method, such as saliency")
    before, after = layers_around(trace, trace.node(names[-1]))
    if after > max(before, MOST_AFTER):
        raise ValueError(
            f"'{names[-1]}' gives the last maps of this network, and {after} layers come after it: choose another "
            "method, such as saliency, or give that layer"
        )
    whole = [name for name in large if sizes[name] == sizes[large[-1]] and name in bottlenecks(trace, on_way)]
    return whole[-1] if whole else large[-1]
