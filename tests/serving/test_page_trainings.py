"""Trainings from the page: nothing unless the host allows it, and nothing but what is offered."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from convscope.serving.http.errors import HttpError
from convscope.serving.page_trainings import PageTrainings, TrainingWish

from .conftest import run_in_thread

DIGITS = {"data": "digits", "network": "lenet_relu"}


def refusal(trainings: PageTrainings, **wish) -> HttpError:
    with pytest.raises(HttpError) as refused:
        run_in_thread(trainings.start(TrainingWish(**{**DIGITS, **wish})))
    assert trainings.started == 0 and trainings.running is None
    return refused.value


def test_a_service_trains_nothing_unless_its_host_says_so(client, service):
    assert client.get("/api/training").json() == {"seconds": 0, "data": [], "networks": []}
    answer = client.post("/api/training", json=DIGITS)
    assert answer.status_code == 403
    assert "serve --train" in answer.json()["error"]["en"]
    assert service.trainings.running is None


def test_only_what_is_offered_can_be_trained(client, service, digits_run):
    trainings = PageTrainings(service.registry, seconds=20)
    offer = trainings.offer()
    assert offer["data"][0] == "digits"  # of the run that is served
    assert "mnist-5k" in offer["data"] and "lenet_relu" in offer["networks"]
    own = offer["own"][service.registry.current]
    assert own["data"] == "digits" and own["network"] in offer["networks"]
    assert refusal(trainings, data="/etc").status == 422
    assert refusal(trainings, network="mynet.py:CNN").status == 422
    for epochs in (0, 51):
        assert client.post("/api/training", json={**DIGITS, "epochs": epochs}).status_code == 422
    assert client.post("/api/training", json={**DIGITS, "output": "/tmp"}).status_code == 422


def test_a_second_training_waits_for_the_first(service):
    trainings = PageTrainings(service.registry, seconds=20, starting=True)
    assert refusal(trainings).status == 409


def test_a_training_that_fails_says_why(service, tmp_path):
    trainings = PageTrainings(service.registry, seconds=20)

    async def scene() -> None:
        trainings._launch(TrainingWish(data=str(tmp_path / "gone"), network="lenet_relu"))
        place = Path(trainings.folder.name)
        await trainings._first_weights(place / "trained-here-1", place / "trained-here-1.log", lambda: False)

    with pytest.raises(HttpError, match="gone"):
        run_in_thread(asyncio.wait_for(scene(), 120))
    trainings.close()
