"""Reading pickles that hold nothing but lists, dictionaries, text, bytes, numbers and arrays, without running anything.

CIFAR is published as pickles, and Python's own reader would run whatever such a file asks for. This one knows the
two dozen instructions that plain data needs, looks up no name, calls nothing, and refuses everything else.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DataError

# A file of CIFAR-100, with a name for each of 50,000 images, has 320,000 instructions.
MAX_INSTRUCTIONS = 3_000_000
# The names that NumPy's arrays are written with, and what each stands for here.
NAMES = {
    **dict.fromkeys(("numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct"), "array"),
    **dict.fromkeys(("numpy.core.numeric _frombuffer", "numpy._core.numeric _frombuffer"), "buffer"),
    "numpy ndarray": "ndarray",
    "numpy dtype": "dtype",
    "_codecs encode": "encode",
    "__builtin__ bytes": "no bytes",
}
# Types of plain numbers: their kind and their size in bytes.
TYPES = frozenset({"u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8", "b1"})


@dataclass
class _Name:
    """What a name stands for; it is never looked up."""

    meaning: str


@dataclass
class _Type:
    """A number type on its way: the size and kind, and then the order of its bytes."""

    code: str
    order: str = "<"


@dataclass
class _Array:
    """An array on its way: what its state says."""

    array: np.ndarray | None = None


_MARK = object()


def read_plain_pickle(content: bytes) -> Any:
    """The value that a pickle holds; DataError, with the reason alone, if it is damaged or not plain data."""
    try:
        return _finished(_Machine().run(content))
    except DataError:
        raise
    except Exception as problem:  # a damaged file may ask for anything
        raise DataError(f"damaged ({type(problem).__name__})") from problem


class _Machine:
    """The stack and the memory that a pickle's instructions work on."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memory: dict[int, Any] = {}
        self.budget = 0

    def run(self, content: bytes) -> Any:
        self.budget = len(content)
        for count, (instruction, value, _) in enumerate(pickletools.genops(content)):
            if count > MAX_INSTRUCTIONS:
                raise DataError("more instructions than plain data needs")
            if instruction.name == "STOP":
                (found,) = self.stack  # more than one value is no pickle
                return found
            if (step := _STEPS.get(instruction.name)) is None:
                raise DataError(f"asks for more than plain data ({instruction.name})")
            step(self, value)
        raise DataError("cut short")

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def push_bytes(self, value: str | bytes) -> None:
        self.push(value.encode("latin-1") if isinstance(value, str) else bytes(value))

    def remember(self, index: int | None) -> None:
        self.memory[len(self.memory) if index is None else index] = self.stack[-1]

    def since_mark(self) -> list[Any]:
        at = len(self.stack) - 1 - next(i for i, value in enumerate(reversed(self.stack)) if value is _MARK)
        found = self.stack[at + 1 :]
        del self.stack[at:]
        return found

    def last(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise DataError("damaged (its stack runs out)")
        found = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return found

    def append(self, values: list[Any]) -> None:
        self.top(list).extend(values)

    def set_items(self, values: list[Any]) -> None:
        target = self.top(dict)
        for key, value in zip(values[::2], values[1::2], strict=True):
            if not isinstance(key, str | bytes | int):
                raise DataError("a dictionary whose keys are no text")
            target[key] = value

    def top(self, kind: type) -> Any:
        if not isinstance(self.stack[-1], kind):
            raise DataError(f"asks for more than plain data (a change of {type(self.stack[-1]).__name__})")
        return self.stack[-1]

    def name(self, text: str) -> None:
        if text not in NAMES:
            raise DataError(f"asks for {text.replace(' ', '.')}, which is not plain data")
        self.push(_Name(NAMES[text]))

    def call(self) -> None:
        """What a name that is known would give for its arguments."""
        name, arguments = self.last(2)
        match name.meaning if isinstance(name, _Name) else None, arguments:
            case "array", (_Name("ndarray"), (0,), _):
                self.push(_Array())
            case "dtype", (str() | bytes() as code, *_):
                text = code.decode("ascii") if isinstance(code, bytes) else code
                if text.lstrip("<>|=") not in TYPES:
                    raise DataError(f"an array of type {text!r}, not of plain numbers")
                self.push(_Type(text.lstrip("<>|=")))
            case "encode", (str() as text, "latin1" | "latin-1" | b"latin1"):
                self.budget -= len(text)
                if self.budget < 0:  # the same text over and over would fill the memory
                    raise DataError("more content than the file has")
                self.push(text.encode("latin-1"))
            case "no bytes", ():
                self.push(b"")
            case "buffer", (bytes() as data, _Type() as kind, tuple() as shape, str() | bytes() as order):
                self.push(_Array(_array(data, kind, shape, order in ("F", b"F"))))
            case _:
                raise DataError("asks for a call that is not plain data")

    def build(self) -> None:
        """Give a type its order of bytes, or an array its shape, type and content."""
        target, state = self.last(2)
        match target, state:
            case _Type(), (_, str() | bytes() as order, *_):
                target.order = ">" if order in (">", b">") else "<"
            case _Array(array=None), (int(), tuple() as shape, _Type() as kind, fortran, bytes() as data):
                target.array = _array(data, kind, shape, bool(fortran))
            case _:
                raise DataError("asks for a state that is not plain data")
        self.push(target)


def _array(data: bytes, kind: _Type, shape: tuple[Any, ...], fortran: bool) -> np.ndarray:
    dtype = np.dtype(kind.order + kind.code)
    if len(shape) > 8 or not all(isinstance(n, int) and 0 <= n < 2**40 for n in shape):
        raise DataError("an array of an impossible shape")
    if int(np.prod(shape, dtype=object)) * dtype.itemsize != len(data):
        raise DataError("an array whose size and content differ")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")


def _finished(value: Any) -> Any:
    """The value with its arrays in place of what they were built from; two levels are all that plain data has."""
    if isinstance(value, _Name | _Type) or value is _MARK or (isinstance(value, _Array) and value.array is None):
        raise DataError("no value in it")
    if isinstance(value, _Array):
        return value.array
    if isinstance(value, dict):
        return {key: item.array if isinstance(item, _Array) else item for key, item in value.items()}
    return value


def _grouped(make: Callable[[_Machine], Any]) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: machine.push(make(machine))


def _dictionary(machine: _Machine) -> None:
    values = machine.since_mark()
    machine.push({})
    machine.set_items(values)


_NUMBERS = ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "FLOAT", "BINFLOAT")
_TEXTS = ("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8")
_BYTES = ("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8")
_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(("PROTO", "FRAME"), lambda machine, value: None),
    **dict.fromkeys(_NUMBERS + _TEXTS, _Machine.push),
    **dict.fromkeys(_BYTES, _Machine.push_bytes),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), _Machine.remember),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), lambda machine, index: machine.push(machine.memory[index])),
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    "MARK": lambda machine, _: machine.push(_MARK),
    "POP": lambda machine, _: machine.stack.pop(),
    "EMPTY_LIST": _grouped(lambda machine: []),
    "EMPTY_DICT": _grouped(lambda machine: {}),
    "EMPTY_TUPLE": _grouped(lambda machine: ()),
    "LIST": _grouped(_Machine.since_mark),
    "TUPLE": _grouped(lambda machine: tuple(machine.since_mark())),
    "TUPLE1": _grouped(lambda machine: tuple(machine.last(1))),
    "TUPLE2": _grouped(lambda machine: tuple(machine.last(2))),
    "TUPLE3": _grouped(lambda machine: tuple(machine.last(3))),
    "DICT": lambda machine, _: _dictionary(machine),
    "APPEND": lambda machine, _: machine.append(machine.last(1)),
    "APPENDS": lambda machine, _: machine.append(machine.since_mark()),
    "SETITEM": lambda machine, _: machine.set_items(machine.last(2)),
    "SETITEMS": lambda machine, _: machine.set_items(machine.since_mark()),
    "GLOBAL": _Machine.name,
    "STACK_GLOBAL": lambda machine, _: machine.name(" ".join(machine.last(2))),
    "REDUCE": lambda machine, _: machine.call(),
    "BUILD": lambda machine, _: machine.build(),
}
