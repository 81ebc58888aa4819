"""What the curves of a training say."""

from __future__ import annotations

from types import SimpleNamespace

from convscope.evaluation.report.diagnosis import diagnose, diagnosis_of


def test_the_curves_are_read_right():
    def history(train: list[float], val: list[float], train_top1: list[float], val_top1: list[float]) -> list[dict]:
        rows = zip(train, val, train_top1, val_top1, strict=True)
        keys = ("train/loss", "val/loss", "train/top1", "val/top1")
        return [{"epoch": i, **dict(zip(keys, row, strict=True))} for i, row in enumerate(rows, 1)]

    cases = {
        "stay at chance": history([0.7] * 8, [0.69] * 8, [0.5] * 8, [0.5] * 8),
        "overfits: from epoch 3": history(
            [0.6, 0.4, 0.3, 0.2, 0.1, 0.05], [0.6, 0.5, 0.45, 0.5, 0.6, 0.7], [0.7, 0.8, 0.9, 0.95, 0.98, 1.0],
            [0.7, 0.75, 0.8, 0.8, 0.8, 0.79],
        ),
        "still falling at the end: try --epochs 12": history(
            [0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [0.6] * 6, [0.6] * 6
        ),
        "underfits": history([0.8] * 8, [0.8] * 8, [0.7] * 8, [0.7] * 8),
        "knows its training images": history([0.1] * 8, [0.5] * 8, [0.99] * 8, [0.8] * 8),
        "levelled off": history([0.1] * 8, [0.1] * 8, [0.97] * 8, [0.97] * 8),
    }  # fmt: skip
    for words, rows in cases.items():
        found = diagnose(rows, None, 0.5)
        assert len(found) == 1 and words in found[0][0], (words, found)
    assert diagnose(cases["underfits"][:3], None, 0.5) == [] == diagnose([{"epoch": 1.0}] * 9, None, None)


def test_the_shares_are_those_of_validation_and_augmentation_is_no_underfitting():
    """A test split of one class has a baseline of 100 %, which the curves of other images need not beat."""
    row = {"train/loss": 0.6, "val/loss": 0.1, "train/top1": 0.7, "val/top1": 0.97}
    history = [{"epoch": i, **row} for i in range(1, 7)]
    report = SimpleNamespace(warnings=[], counts={"val": [20, 20], "test": [20, 0]}, history=history, metrics={})
    assert "levelled off" in diagnosis_of(report, 1.0)[0][0]
    assert "stay at chance" in diagnosis_of(SimpleNamespace(**vars(report) | {"counts": {}}), 1.0)[0][0]
