"""Networks for the page's engine (`serving/page/engine/`): a graph as JSON and one block of weights."""

from .network import EngineNetwork, describe_network
from .weights import PRECISIONS

__all__ = ["PRECISIONS", "EngineNetwork", "describe_network"]
