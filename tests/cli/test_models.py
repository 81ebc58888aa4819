"""`convscope models` and `convscope summary`."""

from __future__ import annotations

import json

import pytest
from torchvision.models import get_model_weights

import convscope as cs
from convscope.cli import main
from convscope.training.transfer import public_weights


def test_models_and_summary(capsys):
    assert main(["models", "lenet*"]) == 0
    assert "lenet5" in capsys.readouterr().out
    assert main(["models", "m*", "--json"]) == 0
    entries = {e["name"]: e for e in json.loads(capsys.readouterr().out)}
    assert set(entries) == {"mlp", "mnist_cnn", "mnist_fast", "mnist_best"} < set(cs.list_models())
    assert main(["models", "lenet*", "--json"]) == 0
    entries |= {e["name"]: e for e in json.loads(capsys.readouterr().out)}
    assert entries["lenet5"]["parameters"] == 60_000 and entries["lenet5"]["year"] == 1998
    assert {"name", "year", "family", "paper", "input_size", "parameters", "top1_error", "top5_error"} <= set(
        entries["mlp"]
    )
    assert main(["summary", "lenet5"]) == 0
    out = capsys.readouterr().out
    assert all(number in out for number in ("122,304", "48,120", "10,164", "60,000", "340,908"))
    assert main(["summary", "lenet5", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert (table["model"], table["parameters"], table["connections"]) == ("lenet5", 60_000, 340_908)
    assert table["layers"][0]["name"] == "C1" and table["receptive_field"] == 32
    assert main(["summary", "mlp", "--img-size", "8", "--in-channels", "3", "--num-classes", "4", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == 192 * 300 + 300 + 30_100 + 404


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("nosuch*", "`convscope models` lists them"),
        ("resnet18x", "did you mean resnet18"),
        ("timm:nosuch*", "'timm:*'"),
    ],
)
def test_a_pattern_without_networks_is_refused(pattern, hint, capsys):
    assert main(["models", pattern]) == 2
    assert f"no network is called '{pattern}'" in (said := capsys.readouterr().err) and hint in said


def test_public_weights(capsys, monkeypatch):
    """Sizes and accuracies are torchvision's, and agree with the errors of our own table; no file is read."""
    monkeypatch.setattr(public_weights, "seconds_per_image", lambda name, size: {"resnet18": 0.01}.get(name, 0.1))
    assert main(["models", "resnet*", "--pretrained", "--photos", "1000", "--minutes", "5", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    entries = {entry["name"]: entry for entry in found["weights"]}
    assert set(entries) == {"resnet18", "resnet34", "resnet50", "resnet101", "resnet152"}
    for name, entry in entries.items():
        about = get_model_weights(name).IMAGENET1K_V1
        assert entry["top1"] == pytest.approx(about.meta["_metrics"]["ImageNet-1K"]["acc@1"], abs=1e-3)
        assert entry["parameters"] == about.meta["num_params"] and entry["megabytes"] > 4e-6 * entry["parameters"]
    # 150 of 300 seconds for two passes over 1,000 photos: 0.075 s per image; for fine-tuning 0.0068 s.
    assert [(c["name"], c["fits"]) for c in found["choices"]] == [("resnet18", True), ("resnet18", False)]
    assert found["choices"][0]["minutes"] == pytest.approx(1000 * 2 * 0.01 / 60)
    assert main(["models", "resnet*", "--pretrained", "--photos", "100"]) == 0
    out = capsys.readouterr().out
    assert "102.5" in out and "--freeze: resnet152" in out and "all layers: resnet18" in out
    assert "convscope train PHOTOS --model resnet152 --pretrained --freeze --time-budget 5m" in out
    assert main(["models", "timm:tf_efficientnet_lite0", "--pretrained"]) == 0
    out = capsys.readouterr().out
    assert "apache-2.0" in out and "None is recommended" in out
    assert main(["models", "nosuch*", "--pretrained"]) == 2
    assert "no network with public weights is called 'nosuch*'" in capsys.readouterr().err
