"""The whole state of a training in one safetensors file, replaced atomically: the old or the new one, never half."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn
from torch.optim import Optimizer

from ..bundle import check_tensors
from ..errors import ModelFileError, printable
from ..files import write_atomically

STATE = "state.safetensors"


@dataclass
class Progress:
    """How far a training is: whole epochs done, steps done in the current one, and what was measured on the way.

    `loss_sum`, `correct` and `seen` are the running sums of the current epoch; `seconds` is training alone, `elapsed`
    all of it. `history` has a row an epoch, with the columns of metrics.csv.
    """

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    elapsed: float = 0.0
    images: int = 0
    loss_sum: float = 0.0
    correct: int = 0
    seen: int = 0
    best: float | None = None
    best_epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


def save_checkpoint(folder: Path, network: nn.Module, optimizer: Optimizer, progress: Progress, identity: str) -> None:
    """Replace the checkpoint `folder`; OutputError if it cannot be written, and then the older one is still there."""
    tensors: dict[str, Tensor] = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    for number, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            tensors[f"optimizer.{number}.{name}"] = torch.as_tensor(value)
    tensors["random.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    content = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    metadata = {"progress": json.dumps(asdict(progress)), "identity": identity}
    write_atomically(folder / STATE, save_tensors(content, metadata))


def load_checkpoint(folder: Path, network: nn.Module, optimizer: Optimizer, identity: str) -> Progress:
    """Put a saved state into `network`, `optimizer` and torch's generators; ModelFileError if it is not of this run."""
    tensors, metadata = _read(folder)
    shown = printable(folder / STATE)
    if metadata.get("identity") != identity:
        raise ModelFileError(
            f"{shown} was made with other classes or other images than these: give the data that the run started with, "
            f"or start a new run without --resume ({_difference(metadata.get('identity', ''), identity)})"
        )
    load_weights(tensors, network, shown)
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            number, key = name.removeprefix("optimizer.").split(".", 1)
            state.setdefault(int(number), {})[key] = tensor
    try:
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
        progress = Progress(**json.loads(metadata["progress"]))
        torch.set_rng_state(tensors["random.cpu"])
    except (KeyError, TypeError, ValueError, RuntimeError) as problem:
        raise ModelFileError(f"{shown} is no checkpoint of this program ({printable(problem)[:100]})") from problem
    if torch.cuda.is_available() and "random.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["random.cuda"])
    return progress


def read_weights(folder: Path, network: nn.Module) -> None:
    """Only the network's part of a checkpoint."""
    load_weights(_read(folder)[0], network, printable(folder / STATE))


def load_weights(tensors: dict[str, Tensor], network: nn.Module, where: str) -> None:
    """The tensors named `network.*` into the network, after a check of every name, shape and type."""
    own = {name.removeprefix("network."): t for name, t in tensors.items() if name.startswith("network.")}
    check_tensors(own, network.state_dict(), where, type(network).__name__)
    network.load_state_dict(own)


def has_checkpoint(folder: Path) -> bool:
    """Whether there is a state to go on from."""
    return (folder / STATE).is_file()


def _read(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    path = folder / STATE
    try:
        content = path.read_bytes()
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length]).get("__metadata__", {}) if length < len(content) else {}
        return load_tensors(content), metadata
    except (OSError, SafetensorError, ValueError, RuntimeError) as problem:
        raise ModelFileError(f"{printable(path)}: damaged or no checkpoint ({printable(problem)[:100]})") from problem


def _difference(before: str, now: str) -> str:
    try:
        old, new = json.loads(before), json.loads(now)
    except ValueError:
        return "its record is damaged"
    changed = [key for key in new if old.get(key) != new[key]]
    return ", ".join(
        f"{key}: {printable(str(old.get(key)))[:60]} there, {printable(str(new[key]))[:60]} here" for key in changed
    )
