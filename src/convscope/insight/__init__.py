"""Looking inside any `nn.Module`, ours or not."""

from .arithmetic import Arithmetic, arithmetic
from .attribution import MAP_METHODS, METHODS, attribute
from .deconvnet import deconvolve
from .diagram import graph_dot, graph_svg, structure_svg
from .field import Box, field_of, measured_field, seen_by
from .grad_cam import map_layer
from .gradients import gradients
from .graph import Node, Trace
from .kernels import colour_kernels, kernels, layers_with_kernels, tile
from .layer_table import LayerRow, LayerTable, summary
from .maximise import maximise
from .patches import Patch, activating_patches
from .sizes import output_size
from .statistics import LayerStatistics, channel_statistics
from .trace import trace

__all__ = [
    "MAP_METHODS", "METHODS", "Arithmetic", "Box", "LayerRow", "LayerStatistics", "LayerTable", "Node", "Patch",
    "Trace", "activating_patches", "arithmetic", "attribute", "channel_statistics", "colour_kernels", "deconvolve",
    "field_of", "gradients", "graph_dot", "graph_svg", "kernels", "layers_with_kernels", "map_layer", "maximise",
    "measured_field", "output_size", "seen_by", "structure_svg", "summary", "tile", "trace",
]  # fmt: skip
