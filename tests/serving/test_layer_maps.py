"""A transformer's layers as maps: every value has one place, and is computed from values at their places."""

from __future__ import annotations

import pytest
import torch

from convscope.classifier import Classifier
from convscope.data.preprocess import Preprocess
from convscope.insight import trace
from convscope.opening import Opened
from convscope.serving.classifiers import ServedClassifier
from convscope.serving.inspector import Inspector
from convscope.serving.layer_maps import in_maps, layer_maps
from convscope.serving.sessions import Session, TraceCache
from convscope.serving.what_if import WhatIf

from .tokens import Tokens, Windows

SIZE = (3, 8, 8)


def only(network: type[torch.nn.Module]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("served", [network], indirect=True)


@pytest.fixture(scope="module", params=[Tokens, Windows])
def served(request: pytest.FixtureRequest) -> ServedClassifier:
    torch.manual_seed(3)
    classifier = Classifier(request.param().eval(), list("abcd"), Preprocess(SIZE, (0.5,) * 3, (0.5,) * 3))
    return ServedClassifier.of(Opened(classifier, "tokens"), torch.device("cpu"))


@pytest.fixture(scope="module")
def session(served: ServedClassifier) -> Session:
    return Session(served, None, torch.randint(0, 256, (1, *SIZE), dtype=torch.uint8), None)


@pytest.fixture(scope="module")
def inspector() -> Inspector:
    return Inspector("quick", TraceCache())


@only(Tokens)
def test_features_are_maps_of_the_patches_below_the_class_token(served, session, inspector):
    traced = inspector.trace(session)
    shapes = {node["name"]: (node["shape"], node.get("tokens")) for node in served.graph["nodes"]}
    tokens = {"axis": 0, "prefix": 1}
    assert shapes["norm"] == ([8, 3, 4], tokens) and shapes["wide"] == ([12, 3, 4], tokens)
    assert shapes["flatten"] == ([8, 2, 4], {"axis": 1, "prefix": 0}) and shapes["transpose"][0] == [8, 2, 4]
    patches = traced.output("patches")[0]
    for name in ("flatten", "transpose"):
        assert torch.equal(served.layer_maps[name].planes(traced.output(name)[0]), patches)
    joined = served.layer_maps["cat"].planes(traced.output("cat")[0])
    assert torch.equal(joined[:, 1:], patches)
    assert torch.equal(joined[:, 0], served.classifier.network.token.detach()[0, 0, :, None].expand(-1, 4))
    parts = [(len(maps.table), maps.windows) for maps in served.layer_maps.values() if len(maps.table) > 3]
    assert parts == [(4, False), (5, True)]  # parts of all heads, before and after they take the place of the images


def test_each_value_is_computed_from_values_at_their_places(served, session, inspector):
    traced = inspector.trace(session)
    planes = {name: in_maps(served.layer_maps, name, traced.output(name)) for name in served.layer_maps}
    for name, maps in served.layer_maps.items():
        count, rows, columns = maps.shape
        for place in {(0, 0, 0), (count - 1, rows - 1, columns - 1), (count // 2, rows - 1, columns // 2)}:
            found = inspector.arithmetic(session, name, *place)
            assert found["value"] == pytest.approx(float(planes[name][place]), abs=1e-5), (name, place)
            assert planes[name][tuple(found["index"])] == planes[name][place]
            assert maps.place(maps.position(*place)) in ([*place], [place[0], place[1], 0])
            for term in found["terms"]:
                if term["input"] in planes:
                    assert term["value"] == pytest.approx(float(planes[term["input"]][tuple(term["index"])])), name


@only(Tokens)
def test_a_feature_that_is_switched_off_is_zero_for_all_tokens(served, session, inspector):
    changed = session.with_what_if(WhatIf(channels_off={"wide": [5]}))
    wide = inspector.trace(changed).output("wide")[0]
    assert not wide[:, 5].any() and wide[:, [0, 4, 6, 11]].all()
    rows = {row["layer"]: row for row in inspector.health(changed)["layers"]}
    assert (rows["wide"]["channels"], rows["wide"]["dead"]) == (12, 1)


@only(Windows)
def test_maps_that_the_code_keeps_last_are_maps_and_windows_tables(served, session, inspector):
    traced = inspector.trace(session)
    shown = {node["name"]: node for node in served.graph["nodes"]}
    for name in ("permute", "norm", "roll", "reshape_2", "add", "getitem", "cat", "wide"):
        output = traced.output(name)[0]
        assert shown[name]["last"] and torch.equal(served.layer_maps[name].planes(output), output.permute(2, 0, 1)), (
            name
        )
    assert shown["norm"]["shape"] == [6, 4, 4] and shown["wide"]["shape"] == [12, 2, 2]
    assert shown["each"]["windows"] and shown["each"]["shape"] == [4, 4, 6]
    assert not {"patches", "permute_4"} & set(served.layer_maps)  # before and after, the maps come first
    changed = session.with_what_if(WhatIf(channels_off={"each": [2], "wide": [5]}))
    assert not inspector.trace(changed).output("each")[2].any()
    assert not inspector.trace(changed).output("wide")[..., 5].any()


def test_a_table_that_is_no_tokens_is_one_map():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 40), torch.nn.Unflatten(1, (8, 5)))
    found = layer_maps(trace(network, torch.rand(1, 3, 2, 2)).nodes)
    assert [maps.to_dict() for maps in found.values()] == [{"shape": [1, 8, 5], "table": [8, 5], "tokens": None}]
