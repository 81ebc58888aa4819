"""The computational graph as text for Graphviz."""

from __future__ import annotations

from ..tracing.graph import Trace
from .labels import describe, shape_words

COLOURS = {
    "conv": "lightblue", "linear": "lavender", "pool": "palegreen", "global_pool": "palegreen", "norm": "khaki",
    "activation": "mistyrose", "add": "orange", "concat": "paleturquoise", "multiply": "plum",
}  # fmt: skip


def graph_dot(trace: Trace) -> str:
    """Every node with its kind and shape, blocks as clusters; for `dot -Tsvg`."""
    graph = trace.graph()
    lines = ["digraph {", "  rankdir=TB; node [shape=box, style=filled, fillcolor=white, fontname=sans];"]
    lines += [
        f"  {_quoted(node.name)} [label={_quoted(node.name, describe(node), shape_words(node.shape))}, "
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
    r"""One string of DOT, a line a word: "conv1\n64×56×56"."""
    safe = (word.replace("\\", "\\\\").replace('"', '\\"') for word in words if word)
    return '"' + "\\n".join(safe) + '"'
