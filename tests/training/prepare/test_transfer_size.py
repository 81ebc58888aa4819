"""The input size of a training that starts from public weights: smaller where little time would not show all photos."""

from __future__ import annotations

import numpy as np
import pytest

from convscope.data.split import Data, Split
from convscope.messages.translate import translated
from convscope.training.hardware.runtime import choose_runtime
from convscope.training.prepare import transfer_size
from convscope.training.prepare.transfer_size import settle_size
from convscope.training.recipe.recipe import Recipe
from convscope.training.time_budget import Clock

RUNTIME = choose_runtime("cpu", "bf16", "channels-last")


@pytest.fixture(autouse=True)
def large_photos(monkeypatch):
    monkeypatch.setattr(transfer_size, "typical_side", lambda _: 400)


def files(count: int) -> Data:
    """A data set that says it has many photos; nobody opens them."""
    train = Split([None] * count, np.arange(count) % 2, [""] * count)
    return Data("many", ["a", "b"], {"train": train}, 3)


def settled(count: int, seconds: float | None, **given) -> tuple[Recipe, str]:
    recipe = Recipe(model="resnet18", **{"weights": "resnet18.pth", "time_budget": seconds} | given)
    return settle_size(recipe, files(count), RUNTIME, Clock(recipe.time_budget))


@pytest.mark.parametrize(("milliseconds", "size"), [(2, 224), (3, 160), (6, 128), (9, 96), (90, 96)])
def test_the_largest_size_at_which_all_photos_are_seen(monkeypatch, milliseconds, size):
    monkeypatch.setattr(transfer_size, "available_cores", lambda: 16)
    monkeypatch.setattr(transfer_size, "seconds_per_image", lambda *_, **__: milliseconds / 1000)
    recipe, note = settled(10_000, 60)
    assert (recipe.img_size or 224) == size
    expected = f"images at {size} pixels: the features of 10,000 photos at the weights' 224 would take about "
    assert not note if size == 224 else note == f"{expected}{10 * milliseconds} s (--img-size)"


@pytest.mark.parametrize(("side", "milliseconds", "given", "size"), [
    (32, 5, {}, 224), (32, 10, {}, 160), (32, 20, {}, 128), (32, 40, {}, 96),
    (32, 200, {}, 224),  # too few epochs at any size
    (130, 10, {}, 160), (200, 10, {}, 224),  # nothing of the photos is lost
    (32, 10, {"freeze": True}, 224),
])  # fmt: skip
def test_small_photos_are_enlarged_as_far_as_there_is_time_for_epochs(monkeypatch, side, milliseconds, given, size):
    monkeypatch.setattr(transfer_size, "typical_side", lambda _: side)
    monkeypatch.setattr(transfer_size, "seconds_per_image", lambda *_, **__: milliseconds / 1000)
    recipe, note = settled(400, 180, **given)
    assert (recipe.img_size or 224) == size
    reason = f"photos of about {side} enlarged to the weights' 224 would leave time for few epochs"
    assert note == ("" if size == 224 else f"images at {size} pixels: {reason} (--img-size)")


def test_the_machine_is_measured():
    assert settled(100_000, 10)[0].img_size == 96 and settled(2, 600)[0].img_size is None


@pytest.mark.parametrize("given", [{"time_budget": None}, {"img_size": 224}, {"weights": None}])
def test_what_is_given_or_has_no_limit_stays(given):
    recipe, note = settled(100_000, 10, **given)
    assert recipe == Recipe(model="resnet18", **{"weights": "resnet18.pth", "time_budget": 10} | given) and not note


def test_the_line_has_its_chinese(monkeypatch):
    monkeypatch.setattr(transfer_size, "seconds_per_image", lambda *_, **__: 0.01)
    monkeypatch.setenv("CONVSCOPE_LANG", "zh")
    assert translated(settled(10_000, 60)[1]).startswith("图像尺寸取 96 像素")
