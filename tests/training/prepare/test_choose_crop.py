"""`--crop-mode auto`: long photos are squashed where their centre does not show what matters."""

from __future__ import annotations

import shutil
import time

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import convscope as cs
from convscope.data.datasets import load_data
from convscope.training.hardware.runtime import choose_runtime
from convscope.training.prepare import choose_crop
from convscope.training.prepare.choose_crop import settle_crop
from convscope.training.recipe.recipe import Recipe
from convscope.training.time_budget import Clock

SMALL = """
import torch
class Colours(torch.nn.Module):
    def __init__(self, num_classes=2):
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
        self.last = torch.nn.Linear(8, num_classes)
    def forward(self, images):
        return self.last(self.body(images))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two folders of long photos whose classes differ in colour: of their ends in `ends`, of their middle in `middle`;
    the network and a file of its weights."""
    place, draw = tmp_path_factory.mktemp("crop"), np.random.default_rng(0)
    for where, part in (("ends", slice(0, 12)), ("middle", slice(18, 30))):
        for label in range(2):
            folder = place / where / f"class{label}"
            folder.mkdir(parents=True)
            for number in range(26):
                photo = draw.integers(80, 170, (48, 16, 3), dtype=np.uint8)
                photo[part, :, label] += 60
                if where == "middle":  # where squashing shows something else
                    photo[:14, :, int(draw.integers(2))] += 80
                    photo[34:, :, int(draw.integers(2))] += 80
                Image.fromarray(photo).save(folder / f"{number}.png")
    (place / "colours.py").write_text(SMALL)
    torch.manual_seed(0)
    scope: dict = {}
    exec(SMALL, scope)
    save_file(scope["Colours"](5).state_dict(), place / "colours.safetensors")
    return place


def settled(place, where, monkeypatch, started=None, **fields):
    monkeypatch.setattr(choose_crop, "LEAST", 20)
    own = cs.models.own_card(f"{place / 'colours.py'}:Colours", {})
    settings = {"weights": str(place / "colours.safetensors"), "crop_mode": "auto", "img_size": 32, **fields}
    recipe = Recipe(model=own.name, data=str(place / where), **settings)
    data = load_data(recipe.data)
    return settle_crop(recipe, data, choose_runtime("cpu"), Clock(recipe.time_budget, started), own)


def test_photos_are_squashed_where_the_centre_shows_less(place, monkeypatch):
    recipe, note = settled(place, "ends", monkeypatch)
    assert recipe.crop_mode == "squash" and note.startswith("photos are squashed: loss of a fitted last layer")
    assert "n = 36" in note  # 26 + 26, less the parts that are held out


def test_the_centre_is_kept_where_it_shows_as_much(place, monkeypatch):
    recipe, note = settled(place, "middle", monkeypatch)
    assert recipe.crop_mode == "center" and "the centre of photos is cut out" in note


def test_without_time_or_public_weights_the_centre_is_taken(place, monkeypatch):
    recipe, note = settled(place, "ends", monkeypatch, started=time.perf_counter() - 10, time_budget=1)
    assert (recipe.crop_mode, note) == ("center", "")
    recipe, note = settled(place, "ends", monkeypatch, weights=None)
    assert (recipe.crop_mode, note) == ("center", "")
    assert settled(place, "ends", monkeypatch, crop_mode="pad")[0].crop_mode == "pad"


def test_a_class_too_rare_for_the_sample_is_left_out_of_the_comparison(place, monkeypatch, tmp_path):
    shutil.copytree(place / "ends", tmp_path / "rare")
    (tmp_path / "rare" / "class2").mkdir()
    for number in range(2):
        shutil.copyfile(place / "ends" / "class0" / f"{number}.png", tmp_path / "rare" / "class2" / f"{number}.png")
    monkeypatch.setattr(choose_crop, "MOST", 21)
    recipe, note = settled(place, tmp_path / "rare", monkeypatch)
    assert recipe.crop_mode == "squash" and "n = 2" in note
