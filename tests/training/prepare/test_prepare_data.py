"""What is settled about the data before anything is written: batches of one image with batch norm."""

from __future__ import annotations

import pytest

import convscope as cs


@pytest.mark.parametrize(("more", "size"), [({}, 32), ({"progressive": True}, 42)], ids=["small", "small at first"])
def test_batch_norm_on_single_values_is_refused_before_anything_is_written(tmp_path, squares, more, size):
    options = {"batch_size": 1, "epochs": 1, "img_size": size, "output": tmp_path / "runs", "show": False}
    with pytest.raises(cs.UsageError, match=r"^batch_size 1: batch norm in resnet18 .*: give --batch-size 2 or more$"):
        cs.train(squares, "resnet18", **options, **more)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("lenet_relu", {}),  # no batch norm
        ("lenet_relu", {"head": "knn", "freeze": True}),
        ("resnet20", {"img_size": 8}),  # batch norm on maps of 2 x 2
        ("resnet18", {"img_size": 32, "freeze": True}),  # batch norm on maps of 1 x 1, which is frozen
    ],
)
def test_networks_that_can_train_on_single_images(tmp_path, squares, model, options):
    run = cs.train(squares, model, batch_size=1, epochs=1, output=tmp_path, show=False, **options)
    assert len(run.history) == (0 if "head" in options else 1)
    assert cs.load(run.folder).predict(squares / "dark" / "00.png")[0].label in ("bright", "dark")


def test_a_single_image_has_nothing_to_be_mixed_with():
    for mix in ({"mixup": 0.2}, {"cutmix": 1.0}):
        with pytest.raises(cs.UsageError, match="mix the images of a batch: give --batch-size 2 or more"):
            cs.Recipe(batch_size=1, **mix)
