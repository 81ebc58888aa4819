"""Looking inside any `nn.Module`, ours or not."""

from .layer_table import LayerRow, LayerTable, summary

__all__ = ["LayerRow", "LayerTable", "summary"]
