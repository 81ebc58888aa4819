"""Which heat maps point best is measured once for each classifier, on its own examples."""

from __future__ import annotations

import pytest

from convscope.serving.pointing import MEASURED, MOST_SECONDS, SLOW, MeasuredMethods, measure_methods


def test_the_methods_are_ordered_by_what_was_measured(client, service, digits_run):
    answer = client.get("/api/methods").json()["measured"]
    rows, random = answer["methods"], answer["random"]
    assert {row["method"] for row in rows} <= set(MEASURED) and 1 <= answer["images"] <= 6
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)
    assert all(row["score"] == pytest.approx(row["insertion"] - row["deletion"]) for row in rows)
    assert rows[0]["score"] > random["score"] + 0.2  # it does point
    served = service.registry.get(None)
    examples = service.examples.of(served)
    assert client.get("/api/methods").json()["measured"] == answer and "pending" not in answer
    assert measure_methods(served, served.network(user="test"), [], 1) is None
    few = measure_methods(served, served.network(user="test"), examples, 0)
    assert few is not None and few["images"] == 1


def test_a_slow_network_is_measured_part_after_part(service, monkeypatch):
    served = service.registry.get(None)
    network, examples = served.network(user="test"), service.examples.of(served)
    monkeypatch.setattr("convscope.serving.pointing._seconds_of_pass", lambda *_: MOST_SECONDS / SLOW.passes)
    assert measure_methods(served, network, examples) is None  # whoever cannot wait gets nothing
    known = MeasuredMethods()
    answers = [known.of(served, network, lambda: examples)]
    assert answers[0] == {"images": 0, "methods": [], "random": None, "pending": True, "of": SLOW.images}
    while answers[-1].get("pending"):
        answers.append(known.of(served, network, lambda: examples))
    # One method on one image at a time, the random order among them.
    assert len(answers) - 1 >= SLOW.images * (1 + len(SLOW.methods))
    assert [answer["images"] for answer in answers] == sorted(answer["images"] for answer in answers)
    rows = answers[-1]["methods"]
    assert answers[-1]["images"] == SLOW.images and {row["method"] for row in rows} == set(SLOW.methods)
    assert rows[0]["score"] == max(row["score"] for row in rows)
    assert known.of(served, network, list) == answers[-1]  # it is done once


def test_a_network_that_would_keep_even_one_method_waiting_is_not_measured(service, monkeypatch):
    served = service.registry.get(None)
    monkeypatch.setattr("convscope.serving.pointing.MOST_SECONDS", 1e-6)
    network, examples = served.network(user="test"), service.examples.of(served)
    assert measure_methods(served, network, examples) is None
    assert MeasuredMethods().of(served, network, lambda: examples) is None


def test_a_measurement_that_was_abandoned_begins_anew(service, monkeypatch):
    served = service.registry.get(None)
    network, examples = served.network(user="test"), service.examples.of(served)
    known = MeasuredMethods()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("convscope.serving.pointing.pointing", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        known.of(served, network, lambda: examples)
    answer = known.of(served, network, lambda: examples)
    assert answer is not None and answer["images"] >= 1
