"""The input size where `--img-size` does not give it, the network for it, and the line that says so."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

import convscope as cs
from convscope.data.default_augment import kind_of
from convscope.data.split import Data, Split
from convscope.models.cifar_fast import CifarFast
from convscope.training.hardware.runtime import choose_runtime
from convscope.training.prepare.img_size import LARGE, SIZES, typical_side
from convscope.training.prepare.settle_recipe import settle_recipe
from convscope.training.time_budget import Clock


def photos(folder, side: int, count: int = 6) -> Data:
    """Gradients, one way round or the other."""
    for name, angle in (("left", 0), ("right", 180)):
        (folder / name).mkdir(parents=True)
        image = Image.linear_gradient("L").rotate(angle).resize((side * 4 // 3, side)).convert("RGB")
        for i in range(count):
            image.save(folder / name / f"{i}.jpg")
    return cs.load_data(folder)


def many(side: int, count: int) -> Data:
    """A data set that says it has many images; nobody looks at them."""
    pixels = np.broadcast_to(np.uint8(0), (count, side, side, 3))
    return Data("many", ["a", "b"], {"train": Split(pixels, np.arange(count) % 2, [""] * count)}, 3)


def chosen(data: Data, budget: float | None = None, **given) -> tuple[cs.Recipe, str]:
    given |= {"time_budget": budget} if budget else {}
    return settle_recipe("fast", data, given, choose_runtime("cpu", "float32"), Clock(budget))


@pytest.mark.parametrize("side", [20, 32, 48, 64])
def test_small_photos_are_shown_as_they_are(tmp_path, side):
    data = photos(tmp_path / "photos", side)
    recipe, why = chosen(data)
    assert typical_side(data.splits["train"]) == side
    assert (recipe.model, recipe.img_size, recipe.model_args) == ("cifar_fast", max(side, 32), {})
    assert why == f"cifar_fast at {max(side, 32)} pixels: 8 photos of about {side} to train on, 1,000 epochs"


@pytest.mark.parametrize(
    ("side", "count", "size"), [(500, 8, 128), (100, 8, 96), (500, 15_000, 96), (500, 50_000, 64), (70, 8, 64)]
)
def test_large_photos_get_a_size_by_their_number(side, count, size):
    recipe, why = chosen(many(side, count))
    assert recipe.img_size == size and recipe.model_args == LARGE
    assert why.startswith(f"cifar_fast at {size} pixels: {count:,} photos of about {side} to train on, ")


def test_more_time_never_makes_them_smaller():
    sizes = [chosen(many(500, 400), budget)[0].img_size for budget in (2, 60, 1e6)]
    assert sizes == sorted(sizes) and sizes[0] == SIZES[-1] and sizes[-1] == SIZES[0]
    assert chosen(many(500, 400), 60)[1].endswith("for 60 seconds in all")


def test_networks_learn_side_by_side_where_one_would_know_few_photos_by_heart():
    def members(count: int, budget: float | None, **given) -> int:
        recipe, why = chosen(many(32, count), budget, **given)
        number = recipe.model_args.get("members", 1)
        assert (f"{number} networks learn side by side and answer together" in why) == (number > 1 and not given)
        return number

    assert members(400, 1e6) == 5
    assert members(400, 2) == members(400, None) == members(6000, 1e6) == 1
    assert members(400, 1e6, model_args={"members": 2}) == 2 and members(400, 1e6, epochs=9) == 1
    assert chosen(many(500, 400), 1e6)[0].model_args == LARGE | {"members": 5}
    assert chosen(many(500, 400), model_args={"width": 0.5})[0].model_args == LARGE | {"width": 0.5}
    assert chosen(many(32, 400), 1e6, model="cifar_fast")[0].model_args == {}


def test_what_was_given_is_not_chosen():
    recipe, why = chosen(many(500, 400), img_size=40)
    assert recipe.img_size == 40 and recipe.model_args == {} and why == ""
    assert chosen(many(500, 400), model="resnet20")[1] == ""


def test_a_centre_crop_that_leaves_little_is_said():
    def wide(height: int, width: int) -> Data:
        pixels = np.broadcast_to(np.uint8(0), (40, height, width, 3))
        return Data("wide", ["a", "b"], {"train": Split(pixels, np.arange(40) % 2, [""] * 40)}, 3)

    line = "the centre of the images is cut out, 25% of the usual one: --crop-mode pad or squash shows all of it"
    assert line in chosen(wide(64, 256))[1] and line in chosen(wide(256, 64), model="resnet20")[1]
    assert "crop" not in chosen(wide(64, 120))[1]
    assert "crop" not in chosen(wide(64, 256), crop_mode="center")[1]  # asked for
    assert "crop" not in chosen(wide(64, 256), crop_mode="squash")[1]


def test_few_photos_are_seen_more_often_and_never_twice_alike():
    few, enough = many(32, 400), many(32, 6000)
    assert (kind_of(few), kind_of(enough)) == ("few-photos", "photos")
    assert chosen(few)[0].epochs > 100 and "trivial-augment" in chosen(few)[0].augment
    assert chosen(enough)[0].epochs <= 100


def test_a_file_that_is_no_photo_has_no_say(tmp_path):
    folder = tmp_path / "photos"
    photos(folder, 40)
    (folder / "left" / "0.jpg").write_bytes(b"no photo")
    assert typical_side(cs.load_data(folder).splits["train"]) == 40


@pytest.mark.parametrize(("stride", "blocks", "smallest"), [(1, 3, 9), (2, 4, 34), (4, 2, 20)])
def test_the_network_for_larger_photos(stride, blocks, smallest):
    network = CifarFast(num_classes=4, stride=stride, blocks=blocks)
    assert network(torch.zeros(2, 3, smallest, smallest)).shape == (2, 4)
    with pytest.raises(ValueError, match=f"at least {smallest} x {smallest}"):
        network(torch.zeros(2, 3, smallest - 1, smallest))
    assert list(network.stages.values())[-1] == (256 if blocks > 1 else 64, stride * 2**blocks)
    images = torch.randn(40, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    network.prepare(images)
    # Without the frame of zeros that the layer adds where patches lie apart.
    seen = F.conv2d(images, network.whiten.weight, stride=stride).transpose(0, 1).flatten(1).double()
    half = len(seen) // 2
    torch.testing.assert_close(seen[half:], -seen[:half])
    moments = seen[:half] @ seen[:half].T / seen.shape[1]
    torch.testing.assert_close(moments, torch.eye(half, dtype=torch.float64), atol=1e-2, rtol=0)


def test_a_folder_of_large_photos_needs_nothing_said(tmp_path, capsys):
    photos(tmp_path / "photos", 150)
    run = cs.train(tmp_path / "photos", epochs=1, output=tmp_path / "runs")
    assert "cifar_fast at 128 pixels: 8 photos of about 150 to train on, 1 epochs" in capsys.readouterr().err
    assert run.classifier.preprocess.input_size[1:] == (128, 128)
    assert run.classifier.model_args["stride"] == 2 and cs.load(run.folder).model_args == run.classifier.model_args


def test_the_machine_is_measured_in_a_given_precision_too():
    given = {"time_budget": 60, "precision": "bf16"}
    recipe, _ = settle_recipe("fast", many(500, 3000), given, choose_runtime("cpu", "bf16"), Clock(60))
    assert recipe.img_size in SIZES
