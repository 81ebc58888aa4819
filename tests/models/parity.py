"""Compare two networks with the same weights: outputs, gradients, statistics after a step of training."""

from __future__ import annotations

import torch
from torch import Tensor, nn


@torch.no_grad()
def calibrate(network: nn.Module, images: Tensor) -> None:
    """Give batch norms the statistics of real activations.

    With fresh ones the output of a deep network hardly depends on its input, and any two implementations "agree".
    """
    network.eval()
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    momenta = [m.momentum for m in norms]
    for norm in norms:
        norm.train()
        norm.reset_running_stats()
        norm.momentum = None
    network(images)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    network.eval()


def assert_same(ours: nn.Module, theirs: nn.Module, size: tuple[int, int, int], seed: int = 0) -> None:
    """Same keys, same logits, same gradients, same statistics after a training step, in float64 at `size`, batch 2.

    `ours` gets the weights of `theirs` by strict loading. Fails as well if the output hardly depends on the input.
    """
    generator = torch.Generator().manual_seed(seed)
    theirs.double()
    ours.double()
    calibrate(theirs, torch.randn(4, *size, generator=generator, dtype=torch.float64))
    ours.load_state_dict(theirs.state_dict(), strict=True)
    ours.eval()
    images = torch.randn(2, *size, generator=generator, dtype=torch.float64)
    other = torch.randn(2, *size, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        expected = theirs(images)
        assert float((expected - theirs(other)).norm() / expected.norm()) >= 1e-2, "the comparison would be blind"
    outputs, inputs = [], []
    for network in (ours, theirs):
        x = images.clone().requires_grad_()
        network.zero_grad()
        y = network(x)
        weights = torch.linspace(-1, 1, y.numel(), dtype=torch.float64).view_as(y)
        (weights * y).sum().backward()
        outputs.append(y.detach())
        inputs.append(x.grad)
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-9, atol=1e-10)
    torch.testing.assert_close(inputs[0], inputs[1], rtol=1e-7, atol=1e-9)
    gradients = {name: p.grad for name, p in theirs.named_parameters()}
    for name, parameter in ours.named_parameters():
        if gradients[name] is not None:
            torch.testing.assert_close(
                parameter.grad, gradients[name], rtol=1e-7, atol=1e-8, msg=lambda m, n=name: f"{n}: {m}"
            )


def assert_same_statistics(ours: nn.Module, theirs: nn.Module, size: tuple[int, int, int]) -> None:
    """The running statistics after one pass in training mode agree (call it after `assert_same`; dropout is seeded)."""
    images = torch.randn(2, *size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for network in (ours, theirs):
        network.train()
        torch.manual_seed(0)
        with torch.no_grad():
            network(images)
    expected = dict(theirs.named_buffers())
    for name, buffer in ours.named_buffers():
        if name in expected:
            torch.testing.assert_close(buffer, expected[name], rtol=1e-9, atol=1e-10)
