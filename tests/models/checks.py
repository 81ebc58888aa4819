"""What the tests of several networks check in the same way: counts, stages, a step of training."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import convscope as cs
from convscope.insight import LayerTable
from convscope.models import shapes_alone


def on_meta(name: str, **options: Any) -> nn.Module:
    """Return a network that has shapes, but no numbers."""
    return shapes_alone(name, **options)


def parameters(module: nn.Module) -> int:
    """Return the number of a module's parameters."""
    return sum(p.numel() for p in module.parameters())


def check_parameters(
    name: str, options: dict[str, Any], counts: tuple[int, int, int], norms: int | None = None
) -> nn.Module:
    """Check parameters for 1000 classes, for 10, for 10 and one channel; return the network for 1000.

    `norms` is the number of parameters of all batch norms.
    """
    network = on_meta(name, num_classes=1000, in_channels=3, **options)
    found = [parameters(on_meta(name, num_classes=10, in_channels=channels, **options)) for channels in (3, 1)]
    assert (parameters(network), *found) == counts
    if norms is not None:
        assert sum(parameters(m) for m in network.modules() if isinstance(m, nn.BatchNorm2d)) == norms
    return network


def check_counts(
    name: str,
    options: dict[str, Any],
    side: int,
    counts: tuple[int, int, int],
    macs: int,
    field: int,
    convolutions: int | None = None,
    norms: int | None = None,
) -> LayerTable:
    """Check the layer table for 1000 classes, with MACs and receptive field, beside `check_parameters`; return it.

    `convolutions` is the number of those that run, `norms` the number of parameters of all batch norms that run.
    """
    table = cs.summary(check_parameters(name, options, counts), (3, side, side))
    assert (table.parameters, table.macs, table.receptive_field) == (counts[0], macs, field)
    if convolutions is not None:
        assert sum(row.type == "Conv2d" for row in table.layers) == convolutions
    if norms is not None:
        assert sum(row.parameters for row in table.layers if row.type == "BatchNorm2d") == norms
    return table


def check_stages(network: nn.Module, size: tuple[int, int, int], expected: list[tuple[int, int]]) -> None:
    """Check channels and side of the maps of each stage, in the order in which they run, and the stated channels."""
    seen: dict[str, tuple[int, ...]] = {}
    for path in network.stages:
        network.get_submodule(path).register_forward_hook(
            lambda module, inputs, output, path=path: seen.update({path: tuple(output.shape[1:])})
        )
    network(torch.empty(2, *size, device="meta"))
    assert list(seen) == list(network.stages)
    assert list(seen.values()) == [(channels, side, side) for channels, side in expected]
    assert [channels for channels, _ in network.stages.values()] == [channels for channels, _ in expected]


def check_training_step(network: nn.Module, images: Tensor, idle: tuple[str, ...] = ()) -> None:
    """Check that a step of training with 7 classes gives every parameter a gradient, and the logits in evaluation.

    Parameters whose names end with `idle` may have a gradient of 0.
    """
    outputs = network(images)
    loss = getattr(network, "loss", F.cross_entropy)(outputs, torch.arange(len(images)))
    loss.backward()
    for path, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), path
        assert parameter.grad.any() or path.endswith(idle or "/"), path
    with torch.no_grad():
        logits = network.eval()(images)
        assert logits.shape == (len(images), 7) and logits.isfinite().all()
        assert torch.equal(network(images), logits), "dropout stays on in evaluation"
        torch.testing.assert_close(network(images[:1]), logits[:1], rtol=1e-3, atol=1e-4)


def check_smallest_image(network: nn.Module, name: str, least: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check that images from `least` x `least` fit, that smaller ones are refused in one line, and must be."""
    network.eval()
    assert network(torch.empty(1, 3, least, least + 1, device="meta")).shape == (1, 3)
    below = torch.empty(1, 3, least - 1, 90, device="meta")
    with pytest.raises(
        ValueError, match=rf"^{name} takes images of at least {least} x {least}; got 1 x 3 x {least - 1} x 90$"
    ):
        network(below)
    # The limit is the network's own, not a choice: without the check a layer fails.
    monkeypatch.setattr(sys.modules[type(network).__module__], "require_at_least", lambda *_: None)
    with pytest.raises(RuntimeError, match=r"too small|can't be greater"):
        network(below)
