"""Put designed kernels into the first convolution of a network (`first_kernels`): Gabor or Haar.

Trained networks learn such kernels by themselves (Krizhevsky 2012, figure 3). What is left to learn if they are given?
`set_first_kernels(network, "gabor", frozen=True)` answers that for any network.
"""

from __future__ import annotations

import torch
from torch import nn

from .gabor import gabor_bank
from .haar import haar_bank

BANKS = {"gabor": gabor_bank, "haar": haar_bank}


def set_first_kernels(network: nn.Module, kind: str, frozen: bool = False) -> str:
    """Put `kind` (gabor or haar) kernels into the first convolution of `network`; return the path of that layer.

    They get the mean norm of the kernels that were there, so that the layers behind it receive signals of the size for
    which they were initialised, and biases of 0. With `frozen`, training does not change the layer. ValueError for an
    unknown kind, or a network without a convolution of square kernels.
    """
    if kind not in BANKS:
        raise ValueError(f"unknown kernels '{kind}'; choose {' or '.join(BANKS)}")
    convolutions = ((path, module) for path, module in network.named_modules() if isinstance(module, nn.Conv2d))
    path, layer = next(convolutions, ("", None))
    if layer is None:
        raise ValueError(f"{type(network).__name__} has no convolution")
    if f"{path}.weight".lstrip(".") not in network.state_dict():
        raise ValueError(f"{type(network).__name__} divides its first layer between devices; build it without devices")
    out, inputs, height, width = layer.weight.shape
    if height != width:
        raise ValueError(f"kernels must be square; those of {path} are {height} x {width}")
    with torch.no_grad():
        layer.weight.copy_(BANKS[kind](out, inputs, height) * layer.weight.flatten(1).norm(dim=1).mean())
        if layer.bias is not None:
            layer.bias.zero_()
    if frozen:
        layer.requires_grad_(False)
    return path
