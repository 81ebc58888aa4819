"""What is wrong with a result that is no better than guessing, and the likeliest reason; in English and Chinese."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..data.decoded import Decoded
from ..data.decoding.pixels import pixel_batches
from ..data.preprocess import Preprocess
from ..evaluation import Evaluation, MultiLabelEvaluation
from ..models.tools.layers import RBF
from .checkpoint import Progress
from .recipe.optimizer_defaults import OPTIMIZER_DEFAULTS
from .recipe.recipe import Recipe

RECTIFIERS = (nn.ReLU, nn.ReLU6, nn.Threshold)
SQUASHING = (nn.Sigmoid, nn.Tanh)
# Share of the units behind rectifiers that may be 0 for every image before it is worth a word.
MANY_DEAD = 0.5
# A training loss that stays above this share of the first epoch's has hardly fallen.
HARDLY_LESS = 0.98
# The tutorials' network leaves its first plateau within this many steps of SGD, that of sigmoids within twice as many.
FEW_STEPS = 500
# Images by which a unit is judged.
JUDGED_IMAGES, JUDGED_PIXELS = 256, 2**21
# SGD takes weight decay into its gradient, where more than this outweighs the loss.
HIGH_SGD_DECAY = 0.01
# The rate of SGD for a LeNet of sigmoids in the textbooks.
SIGMOID_RATE = 0.9


@dataclass(frozen=True)
class Remark:
    """A sentence in both languages."""

    en: str
    zh: str

    def followed_by(self, other: Remark) -> Remark:
        """Return both sentences as one remark."""
        return Remark(f"{self.en} {other.en}", f"{self.zh}{other.zh}")


def remarks_on_result(
    recipe: Recipe,
    network: nn.Module,
    images: Tensor,
    done: Progress,
    evaluation: Evaluation | MultiLabelEvaluation | None,
) -> list[Remark]:
    """Return a remark per thing that is wrong: accuracy at chance, a loss that hardly fell, most units dead.

    `images` (normalised, N x C x H x W, on the network's device) are those by which units are judged. The first remark
    names the likeliest reason and the option to try. Empty for a training that has learned.
    """
    dead = dead_share(network, images)
    found = [
        remark
        for remark in (_at_chance(evaluation), _hardly_fell(recipe, done, evaluation), _mostly_dead(dead))
        if remark is not None
    ]
    if not found:
        return []
    squashing = any(isinstance(module, SQUASHING) for module in network.modules())
    distances = any(isinstance(module, RBF) for module in network.modules())
    if distances and recipe.optimizer == "sgd" and recipe.weight_decay <= HIGH_SGD_DECAY:
        reason = _advice(
            "The loss of this network is a squared distance, which the usual rates of sgd do not suit",
            "该网络的损失是平方距离，sgd 常用的学习率对它不适用", "--optimizer adamw",
        )  # fmt: skip
    else:
        reason = _likeliest_reason(recipe, done, dead, squashing)
    return [found[0].followed_by(reason), *found[1:]]


@torch.no_grad()
def dead_share(network: nn.Module, images: Tensor) -> float:
    """Return the share of units (of maps: channels) behind rectifiers that are 0 everywhere, for every image.

    0 for a network without rectifiers.
    """
    active: dict[str, Tensor] = {}

    def hook(name: str, output: Tensor) -> None:
        positive = (output != 0).transpose(0, 1).flatten(1).any(1)
        active[name] = active[name] | positive if name in active else positive

    def observe(name: str) -> torch.utils.hooks.RemovableHandle:
        return named[name].register_forward_hook(lambda module, inputs, output: hook(name, output.detach()))

    named = {name: module for name, module in network.named_modules() if isinstance(module, RECTIFIERS)}
    if not named:
        return 0.0
    handles = [observe(name) for name in named]
    training = network.training
    try:
        network.eval()(images)
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    units = torch.cat(list(active.values()))
    return 1 - float(units.float().mean())


def judged_images(part: Decoded, preprocess: Preprocess, device: torch.device) -> Tensor:
    """Return some normalised images of a split, evenly spaced, fewer of large ones."""
    indices = torch.linspace(0, len(part) - 1, judged_count(len(part), preprocess)).long()
    return preprocess.normalize(preprocess.centre(next(iter(pixel_batches(part.pixels, [indices], device)))))


def judged_count(images: int, preprocess: Preprocess) -> int:
    """Return by how many of so many images the units are judged."""
    return min(images, JUDGED_IMAGES, max(JUDGED_PIXELS // math.prod(preprocess.input_size[1:]), 16))


def _at_chance(evaluation: Evaluation | MultiLabelEvaluation | None) -> Remark | None:
    """Return a remark if the network is no better than always naming the most frequent class."""
    if not isinstance(evaluation, Evaluation) or len(evaluation.labels) == 0:
        return None
    n, counts = len(evaluation.labels), evaluation.labels.bincount()
    frequent = float(counts.max()) / n
    if int((counts > 0).sum()) < 2:
        return None
    top1 = float((evaluation.predictions == evaluation.labels).double().mean())
    same = int(evaluation.predictions.unique().numel()) == 1
    # Half a standard deviation above guessing: a small split is no proof that something was learned.
    if not same and top1 > frequent + 0.5 * math.sqrt(frequent * (1 - frequent) / n):
        return None
    how = ("every image gets the same class", "所有图像都被判为同一类") if same else ("", "")
    return Remark(
        f"the accuracy of {top1:.2%} is no better than guessing{': ' + how[0] if how[0] else ''}.",
        f"准确率 {top1:.2%} 不比猜测好{'：' + how[1] if how[1] else ''}。",
    )


def _hardly_fell(recipe: Recipe, done: Progress, evaluation: Evaluation | MultiLabelEvaluation | None) -> Remark | None:
    """Return a remark if no epoch had a lower training loss than the first, or only a little lower without learning.

    Not where the training starts from weights, which may be at the end.
    """
    losses = [row["train/loss"] for row in done.history if "train/loss" in row]
    if len(losses) < 2 or recipe.pretrained or recipe.weights or recipe.from_run or recipe.progressive:
        return None
    never = min(losses[1:]) >= losses[0]
    little = min(losses[1:]) > HARDLY_LESS * losses[0]
    if not never and not (little and isinstance(evaluation, Evaluation) and not _has_learned(evaluation)):
        return None
    first, last = f"{losses[0]:.4f}", f"{losses[-1]:.4f}"
    fell, fell_zh = ("never", "从未") if never else ("hardly", "几乎没有")
    return Remark(
        f"the training loss {fell} fell: {first} in the first epoch, {last} in the last.",
        f"训练损失{fell_zh}下降：第一轮为 {first}，最后一轮为 {last}。",
    )


def _has_learned(evaluation: Evaluation) -> bool:
    """Return whether the network makes less than half the mistakes of always naming the most frequent class."""
    if not len(evaluation.labels):
        return False
    wrong = float((evaluation.predictions != evaluation.labels).double().mean())
    return wrong < 0.5 * (1 - float(evaluation.labels.bincount().max()) / len(evaluation.labels))


def _mostly_dead(share: float) -> Remark | None:
    if share <= MANY_DEAD:
        return None
    return Remark(
        f"{share:.0%} of the units behind rectifiers are 0 for every image (dead).",
        f"{share:.0%} 的 ReLU 单元对所有图像都输出 0（已“死亡”）。",
    )


def _likeliest_reason(recipe: Recipe, done: Progress, dead: float, squashing: bool) -> Remark:
    """Return the likeliest reason and the option to try, judged by the recipe."""
    suited = OPTIMIZER_DEFAULTS[recipe.optimizer]
    usual_rate, sgd = suited["lr"], recipe.optimizer == "sgd"
    if sgd and recipe.weight_decay > HIGH_SGD_DECAY:
        return _advice(
            f"A weight decay of {recipe.weight_decay:g} is much for sgd",
            f"对 sgd 而言，权重衰减 {recipe.weight_decay:g} 过大", "--weight-decay 0.0005",
        )  # fmt: skip
    if recipe.freeze:
        return _advice("All layers but the last are frozen", "除最后一层外，所有层均被冻结", "--no-freeze")
    rate = recipe.lr / (1 - recipe.momentum) if sgd else recipe.lr
    if squashing and sgd:
        usual_rate = SIGMOID_RATE
        if rate < 0.5:
            return _advice(
                f"Sigmoid and tanh have small gradients, and a learning rate of {recipe.lr:g} is low for them",
                f"sigmoid 与 tanh 的梯度很小，学习率 {recipe.lr:g} 对它们偏低", f"--lr {SIGMOID_RATE} --momentum 0",
            )  # fmt: skip
    if dead > MANY_DEAD or rate > 1.5 * usual_rate:
        lower = usual_rate if recipe.lr > 3 * usual_rate and dead <= MANY_DEAD else min(recipe.lr / 10, usual_rate)
        return _advice("The learning rate is probably too high", "学习率很可能过高", f"--lr {lower:g}")
    if rate < usual_rate / 10:
        return _advice("The learning rate is probably too low", "学习率很可能过低", f"--lr {usual_rate:g}")
    steps, enough = done.images / recipe.batch_size, FEW_STEPS * (2 if squashing else 1)
    if 0 < steps < enough:
        epochs = math.ceil(2 * enough / steps * done.epoch)
        return _advice(
            f"{round(steps):,} steps are few for a training from random weights",
            f"对从随机权重开始的训练而言，{round(steps):,} 步太少", f"--epochs {epochs}",
        )  # fmt: skip
    return Remark(
        "Check that the labels belong to the images (convscope check DATA), then try more --epochs or another --lr.",
        "请先确认标签与图像相符（convscope check DATA），再尝试增大 --epochs 或更换 --lr。",
    )


def _advice(reason: str, reason_zh: str, option: str) -> Remark:
    return Remark(f"{reason}: try {option}.", f"{reason_zh}：可尝试 {option}。")
