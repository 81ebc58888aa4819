"""Networks of timm by name: its outputs, its way to prepare pictures, bundles, and what may be missing."""

from __future__ import annotations

import json
import sys

import pytest
import timm
import torch
from huggingface_hub import constants
from PIL import Image
from safetensors.torch import save_file

import convscope as cs
from convscope.cli import main
from convscope.data.split import Data, Split
from convscope.models import arguments_for, find_card, find_preparation
from convscope.models.tools.head import find_head
from convscope.models.tools.timm_networks import list_timm, timm_card, timm_weights
from convscope.training.prepare.prepare_data import prepare_data

# timm's own network for tests: 0.5 million parameters.
NAME = "timm:test_resnet"


def pictures() -> torch.Tensor:
    return torch.randn(2, 3, 160, 160, generator=torch.Generator().manual_seed(0))


def test_it_is_timms_network():
    network = cs.create_model(NAME, num_classes=7).eval()
    theirs = timm.create_model("test_resnet", num_classes=7).eval()
    theirs.load_state_dict(network.state_dict())
    assert torch.equal(network(pictures()), theirs(pictures()))
    assert find_head(network, pictures()) == ["fc"] == list(timm_weights(NAME).head)
    assert cs.create_model(NAME, num_classes=2, in_channels=1)(torch.zeros(2, 1, 64, 64)).shape == (2, 2)


@pytest.mark.parametrize("name", ["timm:test_resnet", "timm:test_vit", "timm:resnet18", "timm:convnext_atto"])
def test_its_card_says_what_timm_says(name):
    card, settings = find_card(name), timm.models.get_pretrained_cfg(name.removeprefix("timm:"))
    assert card.input_size == settings.input_size and card.family == "timm" and card.year is None
    assert card.url == f"https://huggingface.co/{settings.hf_hub_id}"
    weights = find_preparation(name, pretrained=False)
    assert (weights.mean, weights.std, weights.interpolation) == (settings.mean, settings.std, settings.interpolation)
    assert weights.crop / weights.resize == pytest.approx(settings.crop_pct, abs=0.003)


def test_networks_of_one_size_are_built_for_it():
    assert arguments_for("timm:test_vit", (3, 96, 96), num_classes=3)["img_size"] == 96
    assert "img_size" not in arguments_for(NAME, (3, 96, 96), num_classes=3)
    with torch.device("meta"):
        vit = cs.create_model("timm:test_vit", num_classes=3, img_size=96)
        assert vit(torch.empty(1, 3, 96, 96)).shape == (1, 3)


def test_pictures_are_prepared_as_timm_prepares_them():
    gradient = Image.linear_gradient("L").resize((300, 220))
    image = Image.merge("RGB", (gradient, gradient.rotate(180), gradient.transpose(Image.Transpose.FLIP_TOP_BOTTOM)))
    pixels = torch.randint(0, 256, (4, 200, 210, 3), generator=torch.Generator().manual_seed(0)).byte().numpy()
    data = Data("squares", ["a", "b"], {"train": Split(pixels, torch.tensor([0, 1, 0, 1]).numpy(), list("wxyz"))}, 3)
    preprocess = prepare_data(data, cs.Recipe(model=NAME)).preprocess
    transform = timm.data.create_transform(**timm.data.resolve_data_config({}, model=timm.create_model("test_resnet")))
    ours, theirs = preprocess.normalize(preprocess.pixels(image)[None])[0], transform(image)
    assert preprocess.input_size == tuple(theirs.shape)
    # One resize of the part that is seen for theirs of the whole, whose size is rounded.
    assert float((ours - theirs).abs().mean()) < 0.02 and float((ours - theirs).abs().max()) < 0.2


def test_train_save_load_and_evaluate(tmp_path):
    run = cs.train(
        "digits", NAME, epochs=1, img_size=32, batch_size=256, output=tmp_path, show=False, precision="float32"
    )
    assert run.folder.name == "timm-test_resnet-digits" and run.metrics["model"] == NAME
    again = cs.load(run.folder)
    assert again.architecture == NAME and again.preprocess.mean == run.classifier.preprocess.mean
    pixels = torch.zeros(1, 1, 32, 32, dtype=torch.uint8)
    assert torch.equal(again.logits(pixels), run.classifier.logits(pixels))
    further = cs.train("digits", from_run=str(run.folder), freeze=True, epochs=1, output=tmp_path, show=False)
    ours, theirs = further.classifier.network.state_dict(), run.classifier.network.state_dict()
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs if not key.startswith("fc."))


def test_the_command_line_knows_them(capsys):
    assert main(["models", "timm:test_resn*", "--json"]) == 0
    assert [entry["name"] for entry in json.loads(capsys.readouterr().out)] == [NAME]
    assert main(["summary", NAME]) == 0 and "fc" in capsys.readouterr().out
    assert main(["train", "digits", "--model", "timm:resnet181"]) == 4
    wrong = capsys.readouterr().err
    assert (
        wrong.startswith("error: timm has no network 'resnet181': did you mean timm:resnet18")
        and wrong.count("\n") == 1
    )


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache of the hub, and no network."""
    monkeypatch.setattr(constants, "ENDPOINT", "https://hub.invalid")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    for variable in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)
    return tmp_path / "hub"


def test_weights_that_are_in_the_cache_are_used(hub):
    theirs = timm.create_model("test_resnet")
    place = hub / f"models--{theirs.pretrained_cfg['hf_hub_id'].replace('/', '--')}"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("1" * 40)
    (place / "snapshots" / ("1" * 40)).mkdir(parents=True)
    save_file(theirs.state_dict(), place / "snapshots" / ("1" * 40) / "model.safetensors")
    same = cs.create_model(NAME, pretrained=True)
    assert all(torch.equal(same.state_dict()[key], tensor) for key, tensor in theirs.state_dict().items())
    torch.manual_seed(5)
    fresh = cs.create_model(NAME, num_classes=3)
    torch.manual_seed(5)
    other = cs.create_model(NAME, num_classes=3, pretrained=True)
    for key, tensor in other.state_dict().items():
        assert torch.equal(tensor, (fresh if key.startswith("fc.") else theirs).state_dict()[key])


def test_without_a_network_there_is_one_line_at_once(hub):
    with pytest.raises(cs.DataError) as caught:
        cs.create_model(NAME, pretrained=True)
    assert str(caught.value).startswith(f"{NAME}: cannot download its weights (") and "\n" not in str(caught.value)
    assert constants.HF_HUB_OFFLINE is False


def test_networks_that_nobody_trained_say_so():
    untrained = next(name for name in timm.list_models() if not timm.models.get_pretrained_cfg(name).has_weights)
    with pytest.raises(cs.UsageError, match="there are no public weights for timm:"):
        from convscope.models.tools.timm_networks import load_timm_weights

        load_timm_weights(torch.nn.Identity(), f"timm:{untrained}", {})


def test_without_timm_there_is_one_line(monkeypatch):
    timm_card.cache_clear()
    monkeypatch.setitem(sys.modules, "timm", None)
    for attempt in (lambda: cs.create_model(NAME), lambda: list_timm(), lambda: cs.train("digits", NAME)):
        with pytest.raises(cs.UsageError, match=r"need the package timm: pip install 'convscope\[timm\]'"):
            attempt()


def test_only_timms_own_networks_are_built():
    """A bundle that somebody sends may name anything; timm itself would fetch code and weights for this."""
    with pytest.raises(cs.ModelFileError, match="timm has no network 'hf-hub:someone/net'"):
        cs.create_model("timm:hf-hub:someone/net")


def test_a_pattern_finds_networks():
    assert NAME in list_timm("timm:test_*") and all(name.startswith("timm:test_") for name in list_timm("timm:test_*"))
