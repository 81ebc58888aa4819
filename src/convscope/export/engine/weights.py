"""The tensors of a network as one block of bytes, in single or half precision or as 8-bit integers with scales."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

PRECISIONS = ("float32", "float16", "int8")
# Tensors of fewer values stay in single precision: they would save nothing, and biases and norms need the digits.
FEWEST_REDUCED = 256


class TensorTable:
    """Collects the tensors that operations take, each once, however often it is used.

    An entry has `name` (of a parameter or buffer; "" for a constant), `shape`, `trainable` (a parameter) and `derived`
    (computed from parameters before the forward pass, so that training would not reach these).
    """

    def __init__(self, network: nn.Module):
        self.entries: list[dict[str, Any]] = []
        self.tensors: list[Tensor] = []
        self._parameters = dict(network.named_parameters())
        named = {**dict(network.named_buffers()), **self._parameters}
        self._named = {_place(tensor): (name, tensor) for name, tensor in named.items() if tensor.numel()}
        self._known: dict[tuple[Any, ...], int] = {}

    def number(self, tensor: Tensor) -> int:
        """Return the number of a tensor, which is added if it is new; a view of all of a parameter is the parameter."""
        name, tensor = self._named.get(_place(tensor), ("", tensor)) if tensor.is_contiguous() else ("", tensor)
        # Tensors without a name are kept alive by the list, so that their addresses stay theirs.
        key = (name,) if name else (*_place(tensor), tuple(tensor.shape), tuple(tensor.stride()))
        if key not in self._known:
            self._known[key] = len(self.entries)
            trainable = name in self._parameters
            derived = not name and tensor.requires_grad
            entry = {"name": name, "shape": list(tensor.shape), "trainable": trainable, "derived": derived}
            self.entries.append(entry)
            self.tensors.append(tensor)
        return self._known[key]

    def pack(self, precision: str) -> tuple[list[dict[str, Any]], bytes]:
        """Return the entries with `type` and `offset` (for int8 also `scales`, an offset), and the block of bytes.

        Every offset is in bytes and a multiple of 4; numbers are little-endian. Of int8, value = integer * scale, with
        one scale for each index of the first axis.
        """
        block = bytearray()

        def add(array: np.ndarray) -> int:
            offset = len(block)
            block.extend(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
            block.extend(bytes(-len(block) % 4))
            return offset

        entries = []
        for entry, tensor in zip(self.entries, self.tensors, strict=True):
            array = tensor.detach().cpu().numpy()
            kind = _type(array, precision)
            packed = {**entry, "type": kind}
            if kind == "int8":
                integers, scales = quantise(array)
                packed |= {"offset": add(integers), "scales": add(scales)}
            else:
                packed["offset"] = add(array.astype(kind))
            entries.append(packed)
        return entries, bytes(block)


def quantise(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return integers from -127 to 127 and a float32 scale for each index of the first axis: array = integers * scale.

    The largest absolute value of each channel becomes 127, so that the error is at most half a scale.
    """
    rows = array.reshape(len(array), -1).astype(np.float32)
    largest = np.abs(rows).max(1)
    scales = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    integers = np.rint(rows / scales[:, None]).clip(-127, 127).astype(np.int8)
    return integers.reshape(array.shape), scales


def _type(array: np.ndarray, precision: str) -> str:
    if array.dtype.kind in "iub":
        return "int32"
    return precision if array.ndim >= 2 and array.size >= FEWEST_REDUCED else "float32"


def _place(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.device, tensor.data_ptr(), tensor.numel(), tensor.dtype


def index_tensor(index: Tensor) -> Tensor:
    """Return an index of elements as a tensor for the table."""
    return index.to(torch.int32).contiguous()
