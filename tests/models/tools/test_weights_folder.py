"""Public weights that were downloaded elsewhere: found by the names that their publishers gave them."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
import safetensors.torch
import timm
import torch

import convscope as cs
from convscope.errors import DataError, UsageError
from convscope.models.tools import pretrained

NAME = "timm:test_vit"


def test_torchvisions_file_is_found_and_checked(tmp_path, monkeypatch):
    theirs = cs.create_model("resnet18", num_classes=1000)
    torch.save(theirs.state_dict(), tmp_path / "w")
    digits = hashlib.sha256((tmp_path / "w").read_bytes()).hexdigest()[:8]
    weights = replace(pretrained.WEIGHTS["resnet18"], file=f"resnet18-{digits}")
    monkeypatch.setitem(pretrained.WEIGHTS, "resnet18", weights)
    (tmp_path / "below").mkdir()
    file = (tmp_path / "w").rename(tmp_path / "below" / f"resnet18-{digits}.pth")
    ours = cs.create_model("resnet18", pretrained=True, weights_dir=tmp_path)
    assert torch.equal(ours.layer4[1].conv2.weight, theirs.layer4[1].conv2.weight)
    monkeypatch.setenv("CONVSCOPE_WEIGHTS", str(tmp_path))
    assert torch.equal(cs.create_model("resnet18", pretrained=True).fc.weight, theirs.fc.weight)
    file.write_bytes(file.read_bytes() + b"more")
    with pytest.raises(DataError, match="is damaged"):
        cs.create_model("resnet18", pretrained=True)
    with pytest.raises(UsageError, match="no such folder"):
        cs.create_model("resnet18", pretrained=True, weights_dir=tmp_path / "none")


@pytest.mark.parametrize("layout", ["{full}.safetensors", "{full}/model.safetensors", "{full}.pth",
                                    "models--timm--{full}/snapshots/abc/model.safetensors"])  # fmt: skip
def test_timms_file_is_found_whichever_way_it_was_downloaded(tmp_path, layout):
    theirs = timm.create_model("test_vit")
    settings = timm.models.get_pretrained_cfg("test_vit")
    file = tmp_path / layout.format(full=f"test_vit.{settings.tag}")
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".pth":
        torch.save(theirs.state_dict(), file)
    else:
        safetensors.torch.save_file(theirs.state_dict(), file)
    ours = cs.create_model(NAME, num_classes=5, pretrained=True, weights_dir=tmp_path)
    assert torch.equal(ours.patch_embed.proj.weight, theirs.patch_embed.proj.weight) and ours.head.out_features == 5
