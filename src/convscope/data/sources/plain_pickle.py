"""Read pickles of plain data (lists, dictionaries, text, bytes, numbers and arrays) without executing anything.

CIFAR is published as pickles, and Python's own reader would execute whatever such a file asks for. This one knows the
instructions that plain data needs, looks up no name, calls nothing, and refuses everything else.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DataError, printable

# A file of CIFAR-100, with 50,000 images and their names, has 320,000 instructions.
MAX_INSTRUCTIONS = 3_000_000
# The names in a pickle of NumPy arrays, and what `_Machine.call` takes each for.
NAMES = {
    **dict.fromkeys(("numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct"), "array"),
    **dict.fromkeys(("numpy.core.numeric _frombuffer", "numpy._core.numeric _frombuffer"), "buffer"),
    "numpy ndarray": "ndarray",
    "numpy dtype": "dtype",
    "_codecs encode": "encode",
    "__builtin__ bytes": "empty bytes",
}
# Types of plain numbers: kind and size in bytes.
TYPES = frozenset({"u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8", "b1"})


@dataclass
class _Name:
    """A name in the pickle, which is never looked up: only what it means to us."""

    meaning: str


@dataclass
class _Type:
    """A number type under construction: kind and size, and later the byte order."""

    code: str
    order: str = "<"


@dataclass
class _Array:
    """An array under construction, which its state completes."""

    array: np.ndarray | None = None


_MARK = object()


def read_plain_pickle(content: bytes) -> Any:
    """Return the value in a pickle; DataError, with the reason alone, if it is damaged or not plain data."""
    try:
        return _finished(_Machine().run(content))
    except DataError:
        raise
    except Exception as problem:  # a damaged file may ask for anything
        raise DataError(f"damaged ({type(problem).__name__})") from problem


class _Machine:
    """The stack and the memory of the machine that a pickle's instructions are for."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memory: dict[int, Any] = {}
        self.budget = 0

    def run(self, content: bytes) -> Any:
        self.budget = len(content)
        for count, (instruction, value, _) in enumerate(pickletools.genops(content)):
            if count > MAX_INSTRUCTIONS:
                raise DataError(f"more than {MAX_INSTRUCTIONS:,} instructions")
            if instruction.name == "STOP":
                (value,) = self.stack  # a pickle ends with exactly one
                return value
            if (execute := _INSTRUCTIONS.get(instruction.name)) is None:
                raise DataError(f"asks for more than plain data ({instruction.name})")
            execute(self, value)
        raise DataError("cut short")

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def push_bytes(self, value: str | bytes) -> None:
        self.push(value.encode("latin-1") if isinstance(value, str) else bytes(value))

    def remember(self, index: int | None) -> None:
        self.memory[len(self.memory) if index is None else index] = self.stack[-1]

    def pop_to_mark(self) -> list[Any]:
        at = len(self.stack) - 1 - next(i for i, value in enumerate(reversed(self.stack)) if value is _MARK)
        values = self.stack[at + 1 :]
        del self.stack[at:]
        return values

    def pop(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise DataError("damaged (its stack runs out)")
        values = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return values

    def append(self, values: list[Any]) -> None:
        self.top(list).extend(values)

    def set_items(self, values: list[Any]) -> None:
        target = self.top(dict)
        for key, value in zip(values[::2], values[1::2], strict=True):
            if not isinstance(key, str | bytes | int):
                raise DataError("a dictionary whose keys are neither text nor numbers")
            target[key] = value

    def top(self, kind: type) -> Any:
        if not isinstance(self.stack[-1], kind):
            raise DataError(f"asks for more than plain data (a change of {type(self.stack[-1]).__name__})")
        return self.stack[-1]

    def name(self, text: str) -> None:
        if text not in NAMES:
            raise DataError(f"asks for {printable(text.replace(' ', '.'))}, which is not plain data")
        self.push(_Name(NAMES[text]))

    def call(self) -> None:
        """Replace a known name and its arguments on the stack by the value that calling it would give."""
        name, arguments = self.pop(2)
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
                if self.budget < 0:  # encoding the same text over and over would fill the memory
                    raise DataError("more content than the file has")
                self.push(text.encode("latin-1"))
            case "empty bytes", ():
                self.push(b"")
            case "buffer", (bytes() as data, _Type() as kind, tuple() as shape, str() | bytes() as order):
                self.push(_Array(_array(data, kind, shape, order in ("F", b"F"))))
            case _:
                raise DataError("asks for a call that is not plain data")

    def build(self) -> None:
        """Complete a type by its byte order, or an array by its shape, type and content."""
        target, state = self.pop(2)
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
    """Return the value with finished arrays, at its top or in a dictionary, in place of those under construction."""
    if isinstance(value, _Name | _Type) or value is _MARK or (isinstance(value, _Array) and value.array is None):
        raise DataError("it has no value")
    if isinstance(value, _Array):
        return value.array
    if isinstance(value, dict):
        return {key: item.array if isinstance(item, _Array) else item for key, item in value.items()}
    return value


def _pushing(make: Callable[[_Machine], Any]) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: machine.push(make(machine))


def _dictionary(machine: _Machine) -> None:
    values = machine.pop_to_mark()
    machine.push({})
    machine.set_items(values)


_NUMBERS = ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "FLOAT", "BINFLOAT")
_TEXTS = ("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8")
_BYTES = ("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8")
_INSTRUCTIONS: dict[str, Callable[[_Machine, Any], None]] = {
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
    "EMPTY_LIST": _pushing(lambda machine: []),
    "EMPTY_DICT": _pushing(lambda machine: {}),
    "EMPTY_TUPLE": _pushing(lambda machine: ()),
    "LIST": _pushing(_Machine.pop_to_mark),
    "TUPLE": _pushing(lambda machine: tuple(machine.pop_to_mark())),
    "TUPLE1": _pushing(lambda machine: tuple(machine.pop(1))),
    "TUPLE2": _pushing(lambda machine: tuple(machine.pop(2))),
    "TUPLE3": _pushing(lambda machine: tuple(machine.pop(3))),
    "DICT": lambda machine, _: _dictionary(machine),
    "APPEND": lambda machine, _: machine.append(machine.pop(1)),
    "APPENDS": lambda machine, _: machine.append(machine.pop_to_mark()),
    "SETITEM": lambda machine, _: machine.set_items(machine.pop(2)),
    "SETITEMS": lambda machine, _: machine.set_items(machine.pop_to_mark()),
    "GLOBAL": _Machine.name,
    "STACK_GLOBAL": lambda machine, _: machine.name(" ".join(machine.pop(2))),
    "REDUCE": lambda machine, _: machine.call(),
    "BUILD": lambda machine, _: machine.build(),
}
