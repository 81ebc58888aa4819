"""Put the weights of a file into a network: all of them, in its names and shapes, or none."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import ModelFileError, printable
from ..models.tools.head import find_head
from ..models.tools.pretrained import WEIGHTS, for_channels
from ..models.tools.renamed_weights import TakesOtherNames
from .names import by_order, older_densenet, strip_prefixes, without_counters
from .read import read_weights_file

Size = tuple[int, int, int]
# How many names a message lists.
LISTED = 3


@dataclass(frozen=True)
class Fitted:
    """Lines about what was not as usual, and the names of the weights in the last layer that start at random."""

    notes: list[str]
    fresh: frozenset[str] = field(default_factory=frozenset)


def fit_weights(network: nn.Module, file: str | Path, name: str, size: Size) -> Fitted:
    """Load the weights in `file` into the network called `name`; return what was not as usual.

    `size` is the network's input. A head with another number of classes, or none in the file, stays fresh. First
    kernels for another number of channels are adapted as those of public weights are. ModelFileError in one line if
    anything else is missing, unexpected or of another shape; the network is then unchanged.
    """
    shown = Path(file).name
    state, notes = _matched(network, file, name, size)
    wanted = network.state_dict()
    head = {f"{path}.{part}" for path in head_of(network, size) for part in ("weight", "bias")} & wanted.keys()
    absent = head - state.keys()
    others = {key for key in head & state.keys() if state[key].shape[:1] != wanted[key].shape[:1]}
    if head and absent == head:
        notes.append(f"{shown} has no last layer ({_listed(head)}): it starts with random weights")
    if others:
        weight = sorted(others)[-1]
        notes.append(
            f"{shown}: the last layer ({weight.rpartition('.')[0]}) has {len(state[weight])} outputs there and "
            f"{len(wanted[weight])} here: it starts with random weights"
        )
    fresh = head if absent == head or others else set()
    notes += _adapt_first(state, wanted, shown)
    _check(state, wanted, fresh, f"{printable(file)} does not fit {name}", size)
    network.load_state_dict({key: value for key, value in state.items() if key not in fresh}, strict=False)
    return Fitted(notes, frozenset(fresh))


def classes_in(network: nn.Module, file: str | Path, name: str, size: Size) -> int | None:
    """Return for how many classes the weights in `file` are; None if they have no last layer of this network."""
    state, _ = _matched(network, file, name, size)
    rows = [state[f"{path}.weight"] for path in head_of(network, size) if f"{path}.weight" in state]
    return len(rows[-1]) if rows else None


def head_of(network: nn.Module, size: Size) -> list[str]:
    """Return the paths of the layers that classify; none where no last layer has weights of its own."""
    known = next(iter(network.parameters()), None)
    if known is None:
        return []
    return find_head(network, torch.zeros(2, *size, device=known.device))


def _matched(network: nn.Module, file: str | Path, name: str, size: Size) -> tuple[dict[str, Tensor], list[str]]:
    """Return the weights in `file` by the network's names, as far as these agree, and lines about that."""
    state, notes = read_weights_file(file)
    wanted = network.state_dict()
    state = {older_densenet(key): value for key, value in strip_prefixes(state, wanted).items()}
    state, left_out = _without_auxiliary(state, wanted, name)
    if left_out:
        notes.append(f"{Path(file).name}: its auxiliary classifiers ({left_out}) are left out")
    if set(without_counters(state)) == set(without_counters(wanted)):
        return state, notes
    renamed = _renamed_by_network(network, state)
    if renamed is not None:
        return renamed, [*notes, f"{Path(file).name}: the names of another program are understood"]
    head = {f"{path}.{part}" for path in head_of(network, size) for part in ("weight", "bias")}
    pairs = by_order(state, wanted, Path(file).suffix.lower() != ".safetensors", head)
    if pairs is None:
        return state, notes
    theirs, ours = next((pair for pair in pairs.items() if pair[0] != pair[1]), ("", ""))
    notes.append(
        f"{Path(file).name} has other names ({printable(theirs)} is {ours}): its {len(pairs)} weights are taken in "
        "their order, since number, shapes and kinds all agree"
    )
    return {pairs[key]: value for key, value in state.items() if key in pairs}, notes


def _renamed_by_network(network: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor] | None:
    """Return the weights as the network itself takes those of another program; None if it does not know them."""
    if not isinstance(network, TakesOtherNames):
        return None
    names = network.weights_by_other_names(list(state))
    return {names[key]: value for key, value in state.items()} if names.keys() == state.keys() else None


def _without_auxiliary(state: dict[str, Tensor], wanted: dict[str, Tensor], name: str) -> tuple[dict[str, Tensor], str]:
    """Leave out auxiliary classifiers, which help in training alone, where the network is built without them."""
    parts = WEIGHTS[name].auxiliary if name in WEIGHTS else ()
    absent = {part for part in parts if not any(key.startswith(f"{part}.") for key in wanted)}
    kept = {key: value for key, value in state.items() if key.partition(".")[0] not in absent}
    return kept, "" if len(kept) == len(state) else ", ".join(sorted(absent))


def _adapt_first(state: dict[str, Tensor], wanted: dict[str, Tensor], shown: str) -> list[str]:
    """Adapt the first kernels to another number of channels, gray or colour; return a line that says so."""
    first = next((key for key, tensor in wanted.items() if tensor.ndim == 4), None)
    if first not in state or state[first].ndim != 4:
        return []
    there, here = state[first].shape[1], wanted[first].shape[1]
    if {there, here} != {1, 3} or state[first].shape[2:] != wanted[first].shape[2:]:
        return []
    state[first] = for_channels(state[first], here)
    channels = f"{there} channels" if there > 1 else "1 channel"
    return [f"{shown}: the first kernels ({first}) are for {channels} there, adapted to {here}"]


def _check(state: dict[str, Tensor], wanted: dict[str, Tensor], fresh: set[str], what: str, size: Size) -> None:
    """Raise ModelFileError with all that does not fit a network for images of `size`, in one line."""
    missing = set(without_counters(wanted)) - state.keys() - fresh
    unexpected = set(without_counters(state)) - wanted.keys()
    reasons = []
    if missing:
        reasons.append(f"it lacks {len(missing)} of the network's {len(without_counters(wanted))} ({_listed(missing)})")
    if unexpected:
        reasons.append(f"it has {len(unexpected)} that the network has not ({_listed(unexpected)})")
    if not reasons:
        # Whole numbers are steps of a scale that only who wrote them knows: taken as weights they are silently wrong.
        whole = {k for k, v in state.items() if k in wanted and wanted[k].is_floating_point() and not _is_real(v)}
        if whole:
            kind = str(state[min(whole)].dtype).removeprefix("torch.")
            reasons.append(f"{len(whole)} of its weights are {kind} numbers, quantised ({_listed(whole)})")
    if not reasons:
        differing = [
            f"'{printable(key)}' is {_shape(value)}, not {_shape(wanted[key])}"
            for key, value in state.items()
            if key in wanted and key not in fresh and value.shape != wanted[key].shape
        ]
        reasons = differing[:1] + ([f"and {len(differing) - 1} more"] if len(differing) > 1 else [])
        if len(differing) == 1 and (side := _side(state, wanted, size)):
            reasons.append(f"images of {side} x {side} have as many pixels: give --img-size {side}")
    if reasons:
        raise ModelFileError(f"{what}: {'; '.join(reasons)}")


def _side(state: dict[str, Tensor], wanted: dict[str, Tensor], size: Size) -> int | None:
    """Return the side of the square images whose pixels the first weights of a network without kernels are for."""
    key = next(iter(wanted))
    shape: tuple[int, ...] = tuple(state[key].shape) if key in state else ()
    pixels = shape[1] // size[0] if len(shape) == 2 and wanted[key].shape[1:] == (math.prod(size),) else 0
    side = math.isqrt(pixels)
    return side if side and side * side * size[0] == shape[1] and side != size[1] else None


def _is_real(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and tensor.element_size() > 1


def _listed(names: set[str]) -> str:
    first = sorted(names)[:LISTED]
    return ", ".join(map(printable, first)) + (", ..." if len(names) > LISTED else "")


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "one number"
