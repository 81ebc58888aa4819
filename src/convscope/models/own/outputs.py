"""Read the logits out of whatever a person's network returns.

Many tutorials end a network with softmax, for a loss that expects it, or return several tensors. A second softmax over
probabilities is a wrong answer that nobody notices, so that what the outputs are is found out: by the operation that
autograd recorded last, and by the values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import UsageError
from ...nested import tensors_in
from .input_size import IMAGES, Size, refusal

# Probabilities below this count as this: the logarithm of 0 is no number.
TINY = 1e-30
ONE_OUTPUT = (
    "gives one number per image, but a classifier needs one per class: in place of a single output with a sigmoid, end "
    "it with two outputs and no sigmoid, nn.Linear(..., 2)"
)
LOGITS, PROBABILITIES, INDEPENDENT = "logits", "probabilities", "sigmoid"
# What only changes the shape, and is looked through to the operation before it.
SHAPING = ("View", "Reshape", "Squeeze", "Unsqueeze", "Slice", "Select", "Alias", "Clone", "Permute", "Transpose")


@dataclass(frozen=True)
class ReadLogits:
    """A forward hook that replaces what a network returns by its logits, N x classes.

    `position` is that of the tensor among those that it returns in evaluation mode, `several` whether these are more
    than one, `kind` what its values are.
    """

    position: int
    several: bool
    kind: str

    def __call__(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> Any:
        """Return the logits; in training also those of auxiliary classifiers, if it returns them only then."""
        tensors = returned(output)
        if not self.several and len(tensors) > 1:
            return output
        return self.logits(tensors[self.position], inputs[0].shape[0])

    def logits(self, values: Tensor, images: int) -> Tensor:
        """Return the logits of a tensor of the network's outputs for this number of images."""
        values = values.reshape(images, -1)
        if self.kind == PROBABILITIES:
            return values.clamp_min(TINY).log()
        return torch.logit(values, 1e-7) if self.kind == INDEPENDENT else values


def reads_logits(network: nn.Module) -> bool:
    """Tell whether `read_logits` has put its hook on a network."""
    return any(isinstance(hook, ReadLogits) for hook in network._forward_hooks.values())


def read_logits(network: nn.Module, size: Size, name: str) -> tuple[int, list[str]]:
    """Make `network` return logits, N x classes, by a hook where it does not; return their number and what to know.

    `size` are channels, height and width of an image that it takes. UsageError if it gives no row of numbers per image.
    """
    if reads_logits(network):
        return _answers(network, size)[0].shape[1], []
    device = next((tensor.device for tensor in network.parameters()), torch.device("cpu"))
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        first, again = _answers(network, size), _answers(network, size)
    rows = [(i, t.reshape(IMAGES, -1)) for i, t in enumerate(first) if _is_row(t)]
    if not rows and [tuple(t.shape) for t in first] == [(IMAGES,)]:
        raise UsageError(f"{name} {ONE_OUTPUT}")
    if not rows:
        shapes = ", ".join(" x ".join(map(str, t.shape[1:])) or "one number" for t in first) or "nothing"
        raise UsageError(f"{name} gives {shapes} per image, not one number per class: end it with a linear layer")
    kinds = {i: _kind(t, first[i]) for i, t in rows}
    position, chosen = next(((i, t) for i, t in rows if kinds[i] == LOGITS), rows[0])
    kind, notes = kinds[position], []
    if len(first) > 1:
        notes.append(f"{name} returns {len(first)} tensors: number {position + 1} is taken for the class scores")
    if kind == PROBABILITIES:
        notes.append(f"{name} ends with softmax: its probabilities are used as they are, not put through another one")
    if kind == INDEPENDENT:
        notes.append(f"{name} ends with sigmoid: the values before it are taken for the class scores")
    if not first[position].isfinite().all():
        notes.append(f"{name} gives numbers that are not finite: look at its weights")
    elif not torch.equal(first[position], again[position]):
        notes.append(
            f"{name} gives the same images different answers in evaluation mode: is there an F.dropout without "
            "training=self.training?"
        )
    if kind != LOGITS or len(first) > 1 or first[position].ndim != 2:
        network.register_forward_hook(ReadLogits(position, len(first) > 1, kind))
    if refusal(network, size, channels_last=True) is not None:
        network.register_forward_pre_hook(_contiguous)
    return chosen.shape[1], notes


def _contiguous(module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give a network that flattens with `view` its images in the memory layout which that needs (a forward hook)."""
    # `contiguous` would leave the strides of gray images, which the next convolution hands on. Images that lie as they
    # should are handed on themselves: a copy would be a layer of its own to whoever looks in.
    return tuple(
        value.clone(memory_format=torch.contiguous_format) if _is_strided(value) else value for value in inputs
    )


def _is_strided(value: Any) -> bool:
    """Tell whether a tensor's numbers do not lie image after image, channel by channel and row by row."""
    if not isinstance(value, Tensor):
        return False
    return list(value.stride()) != [math.prod(value.shape[axis + 1 :]) for axis in range(value.ndim)]


def _answers(network: nn.Module, size: Size) -> tuple[Tensor, ...]:
    """Return the tensors that a network gives for a few random images, in evaluation mode, with autograd's record.

    The record names the operations, but keeps no values, which of an EfficientNet-B7 would be 20 GB.
    """
    device = next((tensor.device for tensor in network.parameters()), torch.device("cpu"))
    images = torch.rand(IMAGES, *size, generator=torch.Generator().manual_seed(0)).to(device) * 2 - 1
    was_training = network.training
    network.eval()
    with torch.enable_grad():
        images.requires_grad_()
        try:
            with torch.autograd.graph.saved_tensors_hooks(lambda _: None, _needed):
                output = network(images)
        except _NeededError:
            output = network(images)
    network.train(was_training)
    return returned(output)


class _NeededError(Exception):
    """A network computes gradients itself, so that autograd's record must be whole."""


def _needed(_: Any) -> Any:
    raise _NeededError


def returned(output: Any) -> tuple[Tensor, ...]:
    """Return the tensors in what a network returned, first what it calls its logits."""
    if isinstance(output, dict) and isinstance(output.get("logits"), Tensor):
        return tensors_in({"logits": output["logits"]} | output)
    return tensors_in(output)


def _is_row(output: Tensor) -> bool:
    """Tell whether there is one row of numbers per image; maps of 1 x 1 are such a row too."""
    return (
        output.is_floating_point()
        and output.ndim >= 2
        and len(output) == IMAGES
        and output.numel() == IMAGES * output.shape[1]
    )


def _kind(rows: Tensor, output: Tensor) -> str:
    operation = _last_operation(output)
    if operation.startswith("SoftmaxBackward") or (
        rows.shape[1] > 1 and rows.min() >= 0 and (rows.sum(1) - 1).abs().max() < 1e-4
    ):
        return PROBABILITIES
    return INDEPENDENT if operation.startswith("SigmoidBackward") else LOGITS


def _last_operation(output: Tensor) -> str:
    """Return the name of the operation that made a tensor, as autograd calls it."""
    node = output.grad_fn
    while node is not None and any(node.name().startswith(word) for word in SHAPING) and node.next_functions:
        node = node.next_functions[0][0]
    return "" if node is None else node.name()
