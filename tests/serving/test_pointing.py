"""Which heat maps point best is measured once for each classifier, on its own examples."""

from __future__ import annotations

import pytest

from convscope.serving.pointing import MEASURED, measure_methods


def test_the_methods_are_ordered_by_what_was_measured(client, service, digits_run):
    answer = client.get("/api/methods").json()["measured"]
    rows, random = answer["methods"], answer["random"]
    assert {row["method"] for row in rows} <= set(MEASURED) and 1 <= answer["images"] <= 6
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)
    assert all(row["score"] == pytest.approx(row["insertion"] - row["deletion"]) for row in rows)
    assert rows[0]["score"] > random["score"] + 0.2  # it does point
    served = service.registry.get(None)
    examples = service.examples.of(served)
    before = service.methods.by_source[served.source]
    assert client.get("/api/methods").json()["measured"] == before
    assert measure_methods(served, served.network(user="test"), [], 1) is None
    few = measure_methods(served, served.network(user="test"), examples, 0)
    assert few is not None and few["images"] == 1


def test_a_network_that_would_keep_heat_maps_waiting_is_not_measured(service, monkeypatch):
    served = service.registry.get(None)
    monkeypatch.setattr("convscope.serving.pointing.MOST_SECONDS", 1e-6)
    assert measure_methods(served, served.network(user="test"), service.examples.of(served)) is None
