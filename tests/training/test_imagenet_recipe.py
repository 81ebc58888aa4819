"""The recipe `imagenet` on a stand-in: photos of two classes as shards, ResNet-18 for ResNet-50, three short epochs."""

from __future__ import annotations

import io
import tarfile

import numpy as np
import pytest
from PIL import Image

import convscope as cs


def shard(path, count: int) -> None:
    chance = np.random.default_rng(0)
    with tarfile.open(path, "w") as archive:
        for number in range(count):
            light = 60 + 120 * (number % 2)
            pixels = (light + chance.normal(0, 20, (270, 300, 3))).clip(0, 255).astype(np.uint8)
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "JPEG")
            for suffix, content in (("jpg", file.getvalue()), ("cls", str(number % 2).encode())):
                info = tarfile.TarInfo(f"{number:04d}.{suffix}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))


@pytest.mark.slow
def test_it_trains_on_shards_as_it_stands(tmp_path):
    for split, count in (("train", 24), ("val", 8)):
        shard(tmp_path / f"{split}-000000.tar", count)
    run = cs.train(
        tmp_path, recipe="imagenet", model="resnet18", epochs=3, batch_size=8, output=tmp_path / "runs", show=False
    )
    recipe = cs.Recipe.load(run.folder / "recipe.yaml")
    assert recipe.augment == "random-crop=256,flip,lighting=0.1" and recipe.img_size is None
    assert run.classifier.preprocess.input_size == (3, 224, 224)
    # The rate of each epoch's last step: 2 of 3 epochs are done by then, or nearly so.
    assert [row["lr"] for row in run.history] == pytest.approx([0.1, 0.01, 0.001 * 0.1 ** (2 / 3 + 2 / 9 >= 8 / 9)])
    assert all(np.isfinite(row["train/loss"]) for row in run.history)
