"""Look inside any `nn.Module`: trace it, explain its answers and show its layers, kernels and receptive fields.

>>> import torch
>>> from convscope import create_model
>>> network, images = create_model("lenet_relu"), torch.rand(2, 1, 32, 32)
>>> attribute(network, images, "saliency", label=[3, 5]).shape
torch.Size([2, 32, 32])
"""

from .activating_patches import Patch, activating_patches
from .activation_maximisation import maximise
from .arithmetic import Arithmetic, arithmetic
from .attribution.attribute import MAP_METHODS, METHODS, attribute
from .attribution.class_activation import map_layer
from .attribution.deconvnet import deconvolve
from .channel_statistics import LayerStatistics, channel_statistics
from .diagram import graph_dot, graph_svg, structure_svg
from .distributions import Distribution, distributions
from .kernels import colour_kernels, kernels, layers_with_kernels, tile
from .layer_gradients import gradients
from .layer_rows import LayerRow
from .layer_table import LayerTable, summary
from .output_size import output_size
from .receptive_field import Box, field_of, measured_field, seen_by
from .tracing.graph import Node, Trace
from .tracing.trace import trace

__all__ = [
    "MAP_METHODS", "METHODS", "Arithmetic", "Box", "Distribution", "LayerRow", "LayerStatistics", "LayerTable",
    "Node", "Patch", "Trace", "activating_patches", "arithmetic", "attribute", "channel_statistics", "colour_kernels",
    "deconvolve", "distributions", "field_of", "gradients", "graph_dot", "graph_svg", "kernels",
    "layers_with_kernels", "map_layer", "maximise", "measured_field", "output_size", "seen_by", "structure_svg",
    "summary", "tile", "trace",
]  # fmt: skip
