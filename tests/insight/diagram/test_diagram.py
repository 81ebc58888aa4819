"""Pictures of networks: what is in them, and that nothing lies on anything else."""

from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree

import pytest
import torch
import torchvision
from torch import nn

import convscope as cs
from convscope.insight import graph_dot, graph_svg, structure_svg, trace
from convscope.insight.diagram.boxes import Frame, build
from convscope.insight.diagram.layout import arrange

NETWORKS = {
    "lenet5": lambda: (cs.create_model("lenet5"), (1, 32, 32)),
    "resnet18": lambda: (torchvision.models.resnet18(), (3, 64, 64)),
    "googlenet": lambda: (torchvision.models.googlenet(init_weights=False), (3, 64, 64)),
    "densenet121": lambda: (torchvision.models.densenet121(), (3, 64, 64)),
    "mobilenet_v3_small": lambda: (torchvision.models.mobilenet_v3_small(), (3, 64, 64)),
}


@pytest.fixture(scope="module", params=NETWORKS)
def traced(request):
    network, size = NETWORKS[request.param]()
    return trace(network, torch.zeros(1, *size), keep=[])


@pytest.mark.parametrize("most", [90, None])
def test_nothing_overlaps(traced, most):
    root = arrange(build(traced, most)).root
    assert sum(1 for box in root.boxes() for _ in box.nodes) == len(traced.nodes)
    if most is not None:
        assert sum(1 for _ in root.boxes()) <= most
    for frame in (root, *root.frames()):
        for child in frame.children:
            assert frame.x <= child.x and child.x + child.width <= frame.x + frame.width + 0.1
            assert frame.y <= child.y and child.y + child.height <= frame.y + frame.height
        for a, b in combinations(frame.children, 2):
            beside = a.x + a.width <= b.x or b.x + b.width <= a.x
            assert beside or a.y + a.height <= b.y or b.y + b.height <= a.y
    assert isinstance(root, Frame)


def test_svg_says_what_the_network_is(traced):
    for svg in (structure_svg(traced), graph_svg(traced)):
        document = ElementTree.fromstring(svg)
        text = " ".join(document.itertext())
        assert f"{len(traced.nodes) - 1} operations" in text
        tips = "\n".join(title.text for title in document.iter("{http://www.w3.org/2000/svg}title"))
        assert all(f"{node.name}: " in tips for node in traced.nodes)
        assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    arrows = [path for path in ElementTree.fromstring(graph_svg(traced)).iter() if path.get("marker-end")]
    assert len(arrows) == len({(source, node.name) for node in traced.nodes for source in node.inputs})


def test_residual_paths_are_drawn():
    t = trace(torchvision.models.resnet18(), torch.zeros(1, 3, 64, 64), keep=[])
    svg = structure_svg(t)
    assert svg.count('class="path-add"') == 16 and "layer2.0" in svg and "BasicBlock" in svg
    assert "conv 3×3, stride 2" in svg and "128×8×8" in svg


def test_dot(traced):
    dot = graph_dot(traced)
    assert dot.count("{") == dot.count("}") and dot.count(" -> ") == sum(len(n.inputs) for n in traced.nodes)


def test_names_are_escaped():
    class Quote(nn.Module):
        def forward(self, x):
            return x + 1

    Quote.__name__ = 'A<b>"&'
    t = trace(nn.Sequential(Quote()), torch.zeros(1, 1, 2, 2))
    ElementTree.fromstring(structure_svg(t))
    assert 'label="0\\nadd' in graph_dot(t) or '"0' in graph_dot(t)
