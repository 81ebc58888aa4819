"""Read the weights in a file of anybody's: `.safetensors`, or `.pt`, `.pth`, `.bin`, `.ckpt` without running code."""

from __future__ import annotations

import json
import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import ModelFileError, UsageError, printable

ENDINGS = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")
# Weights in several files: this one says which has which.
INDEX = ".index.json"
# Under which names training programs keep the weights among other things, the best choice first.
WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model_state_dict", "model", "net", "weights")
AVERAGED = ("state_dict_ema", "model_ema")


def read_weights_file(path: str | Path) -> tuple[dict[str, Tensor], list[str]]:
    """Return the tensors of a file by name, in the file's order, and lines about how it was read.

    UsageError if it is no file of weights by its name, ModelFileError if it cannot be read, needs code to be run, or
    holds no weights.
    """
    path = Path(path)
    shown = printable(path)
    if path.suffix.lower() not in ENDINGS and not path.name.lower().endswith(INDEX):
        raise UsageError(f"{shown}: weights are read from {', '.join(ENDINGS)} and {INDEX} files")
    if not path.is_file():
        raise ModelFileError(f"{shown}: no such file")
    if path.name.lower().endswith(INDEX):
        return _read_parts(path)
    if path.suffix.lower() == ".safetensors":
        return _checked(_read_safetensors(path), shown), []
    content, notes = _read_pickle(path), []
    for _ in range(3):  # {"model": {"state_dict": ...}} exists as well
        found = _wrapped(content)
        if found is None:
            break
        if found in AVERAGED:
            notes.append(f"{path.name}: the averaged weights in it ('{found}') are used")
        content = content[found]
    return _checked(content, shown), notes


def _read_parts(index: Path) -> tuple[dict[str, Tensor], list[str]]:
    """Return the tensors of all files that an index names, which lie beside it, in the index's order."""
    shown = printable(index)
    try:
        parts = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        files = {str(name): str(file) for name, file in parts.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise ModelFileError(f"{shown} is damaged or no index of weights: it has no weight_map") from problem
    read: dict[str, dict[str, Tensor]] = {}
    for file in dict.fromkeys(files.values()):
        if Path(file).name != file or Path(file).suffix.lower() not in ENDINGS:
            raise ModelFileError(f"{shown} names '{printable(file)[:60]}', which is no file of weights beside it")
        read[file], _ = read_weights_file(index.parent / file)
    for name, file in files.items():
        if name not in read[file]:
            raise ModelFileError(f"{shown}: '{printable(name)[:60]}' is not in {printable(file)}, where it should be")
    return {name: read[file][name] for name, file in files.items()}, []


def _wrapped(content: Any) -> str | None:
    """Return the name under which the weights lie in `content`; None if it is the weights."""
    if not isinstance(content, Mapping) or any(isinstance(value, Tensor) and value.ndim for value in content.values()):
        return None
    return next((name for name in WRAPPERS if isinstance(content.get(name), Mapping) and content[name]), None)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    import safetensors.torch
    from safetensors import SafetensorError

    try:
        return safetensors.torch.load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, OverflowError, RuntimeError) as problem:
        raise ModelFileError(
            f"{printable(path)} is damaged or no safetensors file ({printable(problem)[:100]})"
        ) from problem


def _read_pickle(path: Path) -> Any:
    shown = printable(path)
    if _is_torchscript(path):
        raise ModelFileError(f"{shown} is a TorchScript program, which is not run: save net.state_dict() alone")
    try:
        with warnings.catch_warnings():  # torch's own words about files that are refused
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as problem:
        asked = re.search(r"GLOBAL ([\w.]+)|Unsupported (?:class|global|operand)[: ]+([\w.]+)", str(problem))
        what = f" ({asked[1] or asked[2]})" if asked else ""
        raise ModelFileError(
            f"{shown} holds more than weights{what}, and reading that would run code, which is refused: save "
            "net.state_dict() alone"
        ) from problem
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, TypeError, IndexError, AttributeError,
            OverflowError, MemoryError, zipfile.BadZipFile) as problem:  # fmt: skip
        reason = (str(problem).strip() or type(problem).__name__).splitlines()[0]
        raise ModelFileError(f"{shown} is damaged or no file of weights ({printable(reason)[:100]})") from problem


def _is_torchscript(path: Path) -> bool:
    """Return whether a file is a program of torch.jit, which differs from saved weights by its table of constants."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def _checked(content: Any, shown: str) -> dict[str, Tensor]:
    """Return the tensors of a state dict; ModelFileError if there are none, or numbers that are not finite."""
    state = {}
    if isinstance(content, Mapping):
        state = {str(key): value.detach() for key, value in content.items() if isinstance(value, Tensor)}
    if not state:
        held = ", ".join(sorted(printable(key)[:30] for key in content)[:5]) if isinstance(content, Mapping) else ""
        what = f"it holds {held}" if held else f"it holds a {type(content).__name__}"
        raise ModelFileError(f"{shown} holds no weights ({what}): save net.state_dict()")
    for name, value in state.items():
        if value.is_sparse or value.is_quantized:
            raise ModelFileError(f"{shown}: '{printable(name)}' is sparse or quantised, which is not understood")
        # Those of 8 bits have no such test of their own.
        if value.is_floating_point() and not value.float().isfinite().all():
            raise ModelFileError(f"{shown} has numbers in '{printable(name)}' that are not finite")
    return state
