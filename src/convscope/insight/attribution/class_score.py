"""The number that an attribution explains: for each image a class's logit, or its lead over another class's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ...nested import named_leaves
from ..tracing.graph import Trace
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
    """Return the tensor of scores among what a network returned, as N x classes; ValueError: see `chosen_scores`."""
    tensors = [(name, leaf) for name, leaf in named_leaves(output) if isinstance(leaf, Tensor)]
    kinds = [(name, tuple(tensor.shape[1:]), tensor.is_floating_point()) for name, tensor in tensors if tensor.ndim]
    chosen = chosen_scores(kinds)
    return [tensor for _, tensor in tensors if tensor.ndim][chosen].flatten(1)


def scores_node(trace: Trace) -> str:
    """Return the node whose output holds the scores; ValueError: see `chosen_scores`."""
    nodes = [trace.node(answer) for answer in trace.answers]
    kinds = [(name, node.shape, node.floating) for name, node in zip(trace.answer_names, nodes, strict=True)]
    return trace.answers[chosen_scores(kinds)]


def chosen_scores(found: Sequence[tuple[str, tuple[int, ...], bool]]) -> int:
    """Return which of the tensors that a network returned holds its scores, N x classes.

    Of each tensor its name, its shape for one image and whether it is floating are given. Scores are called `logits`,
    or are the first tensor of one number per class and image; else the first that can be flattened to that. ValueError
    if there is none, or if several of different length could be meant.
    """
    floating = [(i, name, shape) for i, (name, shape, is_floating) in enumerate(found) if is_floating and shape]
    rows = [entry for entry in floating if len(entry[2]) == 1]
    named = [entry for entry in rows if entry[1].rpartition(".")[2] == "logits"]
    candidates = named or rows or floating
    if not candidates:
        raise ValueError("attribution needs a network that returns logits, N x classes, as floating-point numbers")
    if len(rows) > 1 and not named and len({shape for _, _, shape in rows}) > 1:
        listed = ", ".join(f"'{name}' (N x {shape[0]})" for _, name, shape in rows)
        raise ValueError(f"which output holds the scores? {listed}: return one of them, or call it 'logits'")
    return candidates[0][0]


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
    return gradient_by(score(pixels, *target), pixels)


@contextmanager
def naming_checkpoints() -> Iterator[None]:
    """Raise ValueError in words where checkpoints (torch.utils.checkpoint) do not let gradients through."""
    try:
        yield
    except RuntimeError as error:
        if "checkpoint" in str(error):
            raise ValueError(
                "the network checkpoints its activations (torch.utils.checkpoint), which hides gradients: "
                "switch that off while you look"
            ) from error
        raise


def gradient_by(scores: Tensor, pixels: Tensor) -> Tensor:
    """Return the gradient of the sum of the scores; ValueError if the network does not let it through."""
    hint = "it calls detach or no_grad, rounds, or asks neighbours or a tree: choose occlusion"
    if not scores.requires_grad:
        raise ValueError(f"the network's answer has no gradient: {hint}")
    with naming_checkpoints():
        (gradient,) = torch.autograd.grad(scores.sum(), pixels, allow_unused=True)
    if gradient is None:
        raise ValueError(f"the network's answer does not depend on the image by a gradient: {hint}")
    return gradient


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
    return trace.output("input"), logits_of(last[scores_node(trace)])
