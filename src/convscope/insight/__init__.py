"""Looking inside any `nn.Module`, ours or not."""

from .arithmetic import Arithmetic, arithmetic
from .attribution import METHODS, attribute
from .deconvnet import deconvolve
from .grad_cam import map_layer
from .gradients import gradients
from .graph import Node, Trace
from .kernels import colour_kernels, kernels, layers_with_kernels, tile
from .layer_table import LayerRow, LayerTable, summary
from .maximise import maximise
from .statistics import LayerStatistics, channel_statistics
from .trace import trace

__all__ = [
    "METHODS", "Arithmetic", "LayerRow", "LayerStatistics", "LayerTable", "Node", "Trace", "arithmetic", "attribute",
    "channel_statistics", "colour_kernels", "deconvolve", "gradients", "kernels", "layers_with_kernels", "map_layer", "maximise",
    "summary", "tile", "trace",
]  # fmt: skip
