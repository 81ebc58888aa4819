"""The number that an attribution explains: for each image a class's logit, or its lead over another class's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ...nested import tensors_in
from ..tracing.graph_builder import Observer
from ..tracing.hooks import in_evaluation
from ..tracing.trace import record

Labels = int | Sequence[int] | Tensor
# Images N x C x H x W, labels N, and other labels N or None -> N numbers, one per image.
Score = Callable[[Tensor, Tensor, "Tensor | None"], Tensor]


class Target(NamedTuple):
    """For each image the label that is explained and the label that it is compared with, int64, N; None: with none."""

    labels: Tensor
    others: Tensor | None = None


@contextmanager
def differentiating(network: nn.Module) -> Iterator[None]:
    """Put the network into evaluation mode and switch gradients on; at the end, both are as they were."""
    with in_evaluation(network), torch.inference_mode(False), torch.enable_grad():
        yield


def logits_of(output: Any) -> Tensor:
    """Return the first tensor of what a network returns, as N x classes; ValueError if there is none of that kind."""
    logits = next(iter(tensors_in(output)), None)
    if logits is None or logits.ndim < 2:
        raise ValueError("attribution needs a network that returns logits, N x classes")
    return logits.flatten(1)


def score_of_logits(logits: Tensor, target: Target) -> Tensor:
    """Return the logit of each image's label, less that of the other label if there is one: N."""
    labels, others = target
    chosen = logits.gather(1, labels[:, None])[:, 0]
    return chosen if others is None else chosen - logits.gather(1, others[:, None])[:, 0]


def score_of(network: nn.Module) -> Score:
    """Return the score of a network as a function of the images and the two parts of a target."""

    def score(images: Tensor, labels: Tensor, others: Tensor | None = None) -> Tensor:
        # A copy: a network whose first operation works in place would write into the caller's images.
        return score_of_logits(logits_of(network(images.clone())), Target(labels, others))

    return score


def input_gradient(score: Score, images: Tensor, target: Target) -> Tensor:
    """Return the gradient of the score at every pixel, N x C x H x W."""
    pixels = images.clone().requires_grad_()
    return torch.autograd.grad(score(pixels, *target).sum(), pixels)[0]


def as_labels(labels: Labels, images: Tensor) -> Tensor:
    """Return one label for all images, or one per image, as int64, N, on the images' device."""
    tensor = torch.as_tensor(labels, device=images.device).long()
    if tensor.ndim > 1 or (tensor.ndim == 1 and len(tensor) != len(images)):
        raise ValueError(f"{len(images)} images need one label, or one each, not {tuple(tensor.shape)}")
    return tensor.expand(len(images)).clone()


def check_target(network: nn.Module, images: Tensor, target: Target) -> None:
    """Raise ValueError for a label for which the network has no logit."""
    with torch.no_grad():
        classes = logits_of(network(images[:1].clone())).shape[1]
    for labels in target:
        if labels is not None and len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
            wrong = int(labels.max() if labels.max() >= classes else labels.min())
            raise ValueError(f"no class {wrong}: this network has {classes}, counted from 0")


def run_observed(network: nn.Module, images: Tensor, observe: Observer) -> tuple[Tensor, Tensor]:
    """Run the network with gradients and call `observe` with the name and the output of every node.

    Returns the images, by which the logits can be differentiated, and the logits, N x classes.
    """
    last: dict[str, Tensor] = {}

    def see(name: str, output: Tensor) -> None:
        last[name] = output
        observe(name, output)

    trace = record(network, images, keep=("input",), differentiable=True, observe=see)
    if not trace.answers:
        raise ValueError("this needs a network that returns logits, N x classes")
    return trace.output("input"), logits_of(last[trace.answers[0]])
