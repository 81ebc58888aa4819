"""Copied as PyTorch, a value of every kind of layer is the one that the page shows: its program is run as it is."""

from __future__ import annotations

import contextlib
import io
import random
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from convscope.serving.classifiers import ServedClassifier, serve_target
from convscope.serving.inspector import Inspector
from convscope.serving.sessions import Session, TraceCache
from convscope.serving.what_if import WhatIf
from convscope.target import Target

HERE = Path(__file__).parent
OWN = HERE / "every_kind.py"
WINDOWS = HERE.parent / "tokens.py"
TORCHVISION = """import torchvision
def swin(): return torchvision.models.swin_t()
def vit(): return torchvision.models.vit_b_16()
"""
COVER = {"occlude": [{"row": 5, "column": 5, "radius": 3}], "pixels": [{"row": 0, "column": 1, "values": [9, 8, 7]}]}
GRAY = {"occlude": COVER["occlude"], "pixels": [{"row": 0, "column": 1, "values": [9]}]}
THREE, FIVE = [[1, 0, -1], [0.5, 0, 0], [0, 0, -2]], [[0.5] * 5] * 5
# What is opened, how large its picture is, and what is changed.
NETWORKS: dict[str, tuple[str, int | None, dict[str, Any]]] = {
    "every-kind": (f"{OWN}:EveryKind", 16, {}),
    "every-kind-changed": (
        f"{OWN}:EveryKind", 16,
        {**COVER, "channels_off": {"conv": [1], "prelu": [0, 2]},
         "kernels": [{"layer": "grouped", "map": 5, "input": 6, "values": THREE},
                     {"layer": "last", "map": 1, "input": 3, "values": [[2.5]]}]},
    ),
    "tokens": (f"{OWN}:EveryToken", 16, {}),
    "tokens-changed": (f"{OWN}:EveryToken", 16, {"channels_off": {"norm": [3], "dense": [0, 7]}}),
    "windows": (f"{WINDOWS}:Windows", 8, {"channels_off": {"each": [2], "wide": [5]}}),
    "mnist-lenet5": ("mnist-lenet5", None, {"kernels": [{"layer": "C3", "map": 2, "input": 3, "values": FIVE}]}),
    "mnist-relu": ("mnist-relu", None, {**GRAY, "channels_off": {"features.0": [1]}}),
}  # fmt: skip
LARGE = ["resnet18", "densenet121", "inception_v3", "efficientnet_b0", "swin", "vit"]

PROGRAMS = """async ({ network, entry, seen, whatif, places }) => {
  const { pytorchCode } = await import(new URL("state/pytorch.js", location.href));
  network.byName = new Map(network.nodes.map((node) => [node.name, node]));
  seen.data = Uint8Array.from(seen.data);
  const state = { network, classifiers: [entry], classifier: entry.id, whatif, epoch: null, forward: { seen } };
  return places.map((selected) => pytorchCode({ ...state, selected }));
}"""


@pytest.mark.parametrize("name", [*NETWORKS, *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)])
def test_every_copied_program_prints_the_value_of_the_page(name, visit, mnist, tmp_path, monkeypatch):
    source, size, changes = NETWORKS.get(name, (name, None, {}))
    if name in ("swin", "vit"):
        (tmp_path / "theirs.py").write_text(TORCHVISION)
        source = f"theirs.py:{name}"
    monkeypatch.chdir(tmp_path if name in LARGE else Path(source.rpartition(":")[0] or ".").parent)
    served = serve_target(Target(source, img_size=size), torch.device("cpu"))
    inspector = Inspector("quick", TraceCache())
    pixels = torch.randint(0, 256, (1, *served.classifier.preprocess.input_size), dtype=torch.uint8)
    session = Session(served, None, pixels, None).with_what_if(WhatIf.model_validate(changes))
    places = places_of_every_kind(served)
    page = visit(mnist)
    programs = page.evaluate(PROGRAMS, question(served, session, places))
    by_hand = 0
    for place, program in zip(places, programs, strict=True):
        printed = run(program)
        expected = inspector.arithmetic(session, place["layer"], place["map"], place["y"], place["x"])
        own = next(float(value) for said, value in printed.items() if said.startswith(f"{place['layer']} ("))
        near = 1e-5 * max(1, float(inspector.trace(session).output(place["layer"]).double().abs().max()))
        assert own == pytest.approx(expected["network_value"], abs=near), place
        if "worked out by hand" in printed:
            by_hand += 1
            assert float(printed["worked out by hand"]) == pytest.approx(own, abs=20 * near), place
    assert by_hand


def places_of_every_kind(served: ServedClassifier) -> list[dict[str, Any]]:
    """A random place in one layer of each sort, as they differ for the program."""
    drawn = random.Random(4)
    sorts: dict[str, list[dict[str, Any]]] = {}
    for node in served.graph["nodes"][1:]:
        shown = [node.get(key) for key in ("kind", "type", "tokens", "last", "windows")]
        settings = {**node["attributes"], "kernel_size": None, "table": None}
        sorts.setdefault(f"{shown} {len(node['shape'])} {bool(node['module'])} {settings}", []).append(node)
    places = []
    for nodes in sorts.values():
        node = drawn.choice(nodes)
        map, y, x = (drawn.randrange(size) for size in (*node["shape"], 1, 1)[:3])
        places.append({"layer": node["name"], "map": map, "y": y, "x": x})
    return places


def question(served: ServedClassifier, session: Session, places: list[dict[str, Any]]) -> dict[str, Any]:
    seen = session.what_if.apply_to_pixels(session.pixels)[0]
    channels, height, width = seen.shape
    shown = {"channels": channels, "height": height, "width": width, "data": seen.flatten().tolist()}
    changes = session.what_if.model_dump()
    return {"network": served.graph, "entry": served.entry(), "seen": shown, "whatif": changes, "places": places}


known: dict[str, dict[str, Any]] = {}


def run(program: str) -> dict[str, str]:
    """What a program prints, by what stands before the colon; what programs begin with alike runs once."""
    beginning, value, rest = program.partition("\nvalue = traced.output")
    with contextlib.redirect_stdout(io.StringIO()) as out:
        if beginning not in known:
            known.clear()
            known[beginning] = {}
            exec(compile(beginning, "program", "exec"), known[beginning])
        exec(compile(value + rest, "program", "exec"), known[beginning])
    lines = out.getvalue().splitlines()
    return {match[1]: match[2].strip() for line in lines if (match := re.match(r"(.*): (.*)", line))}
