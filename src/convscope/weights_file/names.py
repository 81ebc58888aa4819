"""Find out which weight of a file is which weight of a network."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from torch import Tensor

# What wrappers put before every name: DataParallel, torch.compile, Lightning and timm, the average of torch.optim. What
# a person calls a network inside of another module (`self.net = ...`) comes off too, where the rest fits better.
PREFIXES = ("module.", "_orig_mod.", "model.")
COUNTERS = ("num_batches_tracked", "n_averaged")


def without_counters(names: Collection[str]) -> list[str]:
    """Return the names without counters of batches, on which no output depends."""
    return [name for name in names if name.rpartition(".")[2] not in COUNTERS]


def strip_prefixes(state: Mapping[str, Tensor], wanted: Collection[str]) -> dict[str, Tensor]:
    """Return the weights without what a wrapper has put before all names, unless the network has it there itself."""
    found = {key: value for key, value in state.items() if key != "n_averaged"}
    while found and len(set(found) & set(wanted)) * 2 <= len(found):
        prefix = "".join(next(iter(found)).partition(".")[:2])
        if not prefix.endswith(".") or not all(key.startswith(prefix) for key in found):
            break
        stripped = {key[len(prefix) :]: value for key, value in found.items()}
        if prefix not in PREFIXES and len(set(stripped) & set(wanted)) <= len(set(found) & set(wanted)):
            break
        found = stripped
    return found


def by_order(
    state: Mapping[str, Tensor], wanted: Mapping[str, Tensor], keeps_order: bool, head: Collection[str]
) -> dict[str, str] | None:
    """Return, for each name in the file, the network's name in the same place; None where that could be wrong.

    Number, last parts of the names and how these are grouped in layers must agree, and all shapes except the number of
    rows in the head. A file whose names are sorted by the alphabet says nothing about the order of its layers.
    """
    theirs, ours = without_counters(state), without_counters(wanted)
    if len(theirs) != len(ours) or not keeps_order or (theirs == sorted(theirs) and ours != sorted(ours)):
        return None
    layers: dict[str, str] = {}
    for their, our in zip(theirs, ours, strict=True):
        (their_layer, _, their_part), (our_layer, _, our_part) = their.rpartition("."), our.rpartition(".")
        ignored = 1 if our in head else 0
        if their_part != our_part or state[their].shape[ignored:] != wanted[our].shape[ignored:]:
            return None
        if layers.setdefault(their_layer, our_layer) != our_layer:
            return None
    if len(set(layers.values())) < len(layers):
        return None
    return dict(zip(theirs, ours, strict=True))


def older_densenet(name: str) -> str:
    """Return the name by PyTorch's rule that a module's name has no dot; DenseNet's public files are older."""
    return re.sub(r"(denselayer\d+\.(?:norm|relu|conv))\.([12])\.", r"\1\2.", name)
