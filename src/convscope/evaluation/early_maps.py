"""What early layers see of images: for judging labels that a network has learned by heart, wrong ones too.

The last layers of such a network give an image the features of its label, right or not; early ones have memorised least
(Arpit et al. 2017).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..data.batches import in_order
from ..data.decoded import Decoded
from ..data.preprocess import Preprocess

# Parts along each side over which a map is averaged, and the largest number of numbers that are kept of a layer.
PARTS, MOST, SEED = 6, 256, 0
# Where the layers lie among all whose outputs are maps, and how many they are at least.
PLACES, FEWEST = (0.0, 0.25, 0.5), 3


@torch.no_grad()
def early_maps(network: nn.Module, decoded: Decoded, preprocess: Preprocess, device: torch.device) -> list[np.ndarray]:
    """Return what up to three early layers see of all images, each N x at most 256; empty for a network without maps.

    These are the first rectifier (or other activation), that at a quarter and that at half of their number; of a
    network without such modules its first convolutions.
    """
    network.eval()
    size = (2, *preprocess.input_size)
    calls = _calls(network, torch.zeros(size, device=device))
    places = {math.ceil(place * (len(calls) - 1)) for place in PLACES} if calls else set()
    places |= set([i for i in range(len(calls)) if i not in places][: max(FEWEST - len(places), 0)])
    kept: dict[int, list[Tensor]] = {i: [] for i in sorted(places)}
    count = 0

    def keep(module: nn.Module, inputs: Any, output: Any) -> None:
        nonlocal count
        if isinstance(output, Tensor) and output.ndim == 4:
            if count in kept:
                height, width = (min(PARTS, side) for side in output.shape[2:])
                part = F.adaptive_avg_pool2d(output.float(), (height, width))
                kept[count].append(part.flatten(1).cpu())
            count += 1

    handles = [module.register_forward_hook(keep) for module in dict.fromkeys(calls)]
    try:
        for images, _ in in_order(decoded, preprocess, device):
            count = 0
            network(images)
    finally:
        for handle in handles:
            handle.remove()
    return [_fewer(torch.cat(parts).double()) for parts in kept.values()]


def _calls(network: nn.Module, images: Tensor) -> list[nn.Module]:
    """Return the activations whose outputs are maps, in the order of their calls; else the convolutions."""
    found: dict[bool, list[nn.Module]] = {True: [], False: []}

    def note(module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == 4:
            found[isinstance(module, nn.Conv2d)].append(module)

    chosen = [
        module
        for module in network.modules()
        if isinstance(module, nn.Conv2d) or type(module).__module__ == nn.ReLU.__module__
    ]
    handles = [module.register_forward_hook(note) for module in chosen]
    try:
        network(images)
    finally:
        for handle in handles:
            handle.remove()
    return found[False] or found[True]


def _fewer(values: Tensor) -> np.ndarray:
    """Return the first principal components of standardised columns; those of one value are left out."""
    values = values[:, values.std(0) > 1e-9]
    if values.shape[1] <= MOST:
        return values.numpy()
    values = (values - values.mean(0)) / values.std(0)
    torch.manual_seed(SEED)
    u, s, _ = torch.svd_lowrank(values, q=min(MOST, len(values)), niter=3)
    return (u * s).numpy()
