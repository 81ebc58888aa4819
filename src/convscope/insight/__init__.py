"""Looking inside any `nn.Module`, ours or not."""

from .graph import Node, Trace
from .layer_table import LayerRow, LayerTable, summary
from .trace import trace

__all__ = ["LayerRow", "LayerTable", "Node", "Trace", "summary", "trace"]
