"""What an attribution explains: one number an image, from the network's answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ...nested import tensors_in
from ..tracing.hooks import in_evaluation
from ..tracing.trace import record

Labels = int | Sequence[int] | Tensor
Score = Callable[[Tensor, Tensor, "Tensor | None"], Tensor]
Observer = Callable[[str, Tensor], None]


@contextmanager
def differentiating(network: nn.Module) -> Iterator[None]:
    """Evaluation mode with gradients, whatever the caller has switched off; both are put back."""
    with in_evaluation(network), torch.inference_mode(False), torch.enable_grad():
        yield


def logits_of(output: Any) -> Tensor:
    """The first tensor of what a network returns, N x classes; ValueError if it is none."""
    found = next(iter(tensors_in(output)), None)
    if found is None or found.ndim < 2:
        raise ValueError("this needs a network that answers with N x classes numbers")
    return found.flatten(1)


def difference(logits: Tensor, labels: Tensor, others: Tensor | None) -> Tensor:
    """The logit of each image's label, less that of the other label if there is one: N."""
    chosen = logits.gather(1, labels[:, None])[:, 0]
    return chosen if others is None else chosen - logits.gather(1, others[:, None])[:, 0]


def score_of(network: nn.Module) -> Score:
    """A function of images N x C x H x W, labels N and other labels N (or None) that gives the N numbers explained."""

    def score(images: Tensor, labels: Tensor, others: Tensor | None = None) -> Tensor:
        # A copy: a network whose first operation works in place would write into the caller's images.
        return difference(logits_of(network(images.clone())), labels, others)

    return score


def as_labels(labels: Labels, images: Tensor) -> Tensor:
    """One label for all images, or one an image -> int64, N, where the images are."""
    tensor = torch.as_tensor(labels, device=images.device).long()
    if tensor.ndim > 1 or (tensor.ndim == 1 and len(tensor) != len(images)):
        raise ValueError(f"{len(images)} images need one label, or one each, not {tuple(tensor.shape)}")
    return tensor.expand(len(images)).clone()


def watched(network: nn.Module, images: Tensor, observe: Observer) -> tuple[Tensor, Tensor]:
    """One pass with gradients and with `observe` at every node: the images that the answer depends on, the logits."""
    last: dict[str, Tensor] = {}

    def see(name: str, output: Tensor) -> None:
        last[name] = output
        observe(name, output)

    seen = record(network, images, keep=("input",), differentiable=True, observe=see)
    if not seen.answers:
        raise ValueError("this needs a network that answers with N x classes numbers")
    return seen.output("input"), logits_of(last[seen.answers[0]])
