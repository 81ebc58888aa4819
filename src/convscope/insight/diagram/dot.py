"""The computational graph in DOT, the language of Graphviz."""

from __future__ import annotations

from ..tracing.graph import Trace
from .labels import describe, shape_text

COLOURS = {
    "conv": "lightblue", "linear": "lavender", "pool": "palegreen", "global_pool": "palegreen", "norm": "khaki",
    "activation": "mistyrose", "add": "orange", "concat": "paleturquoise", "multiply": "plum",
}  # fmt: skip


def graph_dot(trace: Trace) -> str:
    """Return every node with its kind and shape, and blocks as clusters; `dot -Tsvg` draws it.

    >>> import torch
    >>> from convscope.insight.tracing.trace import trace
    >>> '"input" -> "0"' in graph_dot(trace(torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3)), torch.zeros(1, 1, 6, 6)))
    True
    """
    graph = trace.graph()
    lines = ["digraph {", "  rankdir=TB; node [shape=box, style=filled, fillcolor=white, fontname=sans];"]
    lines += [
        f"  {_quoted(node.name)} [label={_quoted(node.name, describe(node), shape_text(node.shape))}, "
        f"fillcolor={COLOURS.get(node.kind, 'white')}];"
        for node in trace.nodes
    ]
    inside: dict[str, list[dict[str, object]]] = {}
    for group in graph["groups"]:
        inside.setdefault(group["parent"], []).append(group)
    lines += _clusters("", inside, "  ")
    lines += [f"  {_quoted(source)} -> {_quoted(target)};" for source, target in graph["edges"]]
    return "\n".join([*lines, "}", ""])


def _clusters(parent: str, inside: dict[str, list[dict[str, object]]], indent: str) -> list[str]:
    lines = []
    for group in inside.get(parent, ()):
        name, nodes = str(group["name"]), group["nodes"]
        assert isinstance(nodes, list)
        lines.append(f"{indent}subgraph {_quoted('cluster_' + name)} {{ label={_quoted(name, str(group['type']))};")
        lines += [f"{indent}  {_quoted(node)};" for node in nodes]
        lines += [*_clusters(name, inside, indent + "  "), f"{indent}}}"]
    return lines


def _quoted(*words: str) -> str:
    r"""Return a string of DOT with one line per word: "conv1\n64×56×56"."""
    safe = (word.replace("\\", "\\\\").replace('"', '\\"') for word in words if word)
    return '"' + "\\n".join(safe) + '"'
