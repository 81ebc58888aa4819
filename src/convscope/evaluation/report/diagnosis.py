"""What the curves of a training say, in plain words in both languages, and the option to try next."""

from __future__ import annotations

from typing import Any

# A validation loss this many times its smallest has risen; training figures this much better have run ahead.
RISEN, AHEAD = 1.15, 0.05
# The best epoch among the last part of all, and a loss that still fell by this share there: not at the end yet.
LAST_PART, STILL_FALLING = 0.15, 0.02
# A training accuracy below this is low; a difference to validation below `CLOSE` is none.
LOW, CLOSE = 0.9, 0.03
FEWEST_EPOCHS = 4


def diagnose(history: list[dict[str, float]], best_epoch: int | None, baseline: float | None) -> list[tuple[str, str]]:
    """Return what the curves say: at chance, overfitting, still improving, underfitting, or nothing to mend.

    `history` are the rows of metrics.csv, `baseline` the accuracy of always naming the most frequent class. Empty
    without the figures of several epochs, or where an image has several labels.
    """
    rows = [row for row in history if {"train/loss", "train/top1", "val/loss", "val/top1"} <= row.keys()]
    if len(rows) < FEWEST_EPOCHS:
        return []
    last, losses = rows[-1], [row["val/loss"] for row in rows]
    top1 = max(row["val/top1"] for row in rows)
    if baseline is not None and top1 <= baseline + 0.01:
        return [(
            "The curves stay at chance: nothing was learned. Check the labels with `convscope check DATA --labels`, "
            "then try another --lr.",
            "曲线停留在随机水平：没有学到任何东西。请先用 `convscope check DATA --labels` 检查标签，再尝试其他 --lr。",
        )]  # fmt: skip
    smallest = losses.index(min(losses))
    if losses[-1] > RISEN * losses[smallest] and last["train/top1"] - last["val/top1"] > AHEAD:
        epoch = round(rows[smallest]["epoch"])
        return [(
            f"The network overfits: from epoch {epoch} on the validation loss rises while the training loss falls. Try "
            "stronger --augment, more --weight-decay, or more images.",
            f"网络过拟合：第 {epoch} 轮之后，训练损失仍在下降而验证损失上升。"
            "可尝试更强的 --augment、更大的 --weight-decay，或增加图像。",
        )]  # fmt: skip
    part = max(round(LAST_PART * len(rows)), 1)
    before = min(losses[:-part])
    if smallest >= len(rows) - part and losses[smallest] < (1 - STILL_FALLING) * before:
        epochs = 2 * round(last["epoch"])
        return [(
            f"The validation loss was still falling at the end: try --epochs {epochs}.",
            f"结束时验证损失仍在下降：可尝试 --epochs {epochs}。",
        )]  # fmt: skip
    # Augmented images are harder: a low figure in training alone says nothing.
    if max(last["train/top1"], top1) < LOW and last["train/top1"] - top1 < CLOSE:
        return [(
            f"The network underfits: even of the training images only {last['train/top1']:.1%} are right. "
            "Try a larger --model, a larger --img-size, or less --augment.",
            f"网络欠拟合：即使训练图像也只有 {last['train/top1']:.1%} 正确。"
            "可尝试更大的 --model、更大的 --img-size，或减弱 --augment。",
        )]  # fmt: skip
    if last["train/top1"] - top1 > 2 * AHEAD:
        return [(
            f"The network knows its training images ({last['train/top1']:.1%}) better than others ({top1:.1%}): more "
            "images, or stronger --augment, may help.",
            f"网络对训练图像（{last['train/top1']:.1%}）明显好于其他图像（{top1:.1%}）："
            "增加图像或加强 --augment 可能有帮助。",
        )]  # fmt: skip
    return [("The curves have levelled off: nothing is wrong with the training.", "曲线已趋于平稳：训练没有问题。")]


def diagnosis_of(report: Any, baseline: float | None) -> list[tuple[str, str]]:
    """Return the diagnosis for a report, none where warnings have said already what is wrong.

    `baseline` is that of the images reported on; the curves are of the validation images, which may have other shares.
    """
    if report.warnings:
        return []
    if counts := report.counts.get("val"):
        baseline = max(counts) / max(sum(counts), 1)
    return diagnose(report.history, report.metrics.get("best_epoch"), baseline)
