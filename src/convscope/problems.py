"""What is odd about a data set: said once, in a line for people and with a kind and a path for programs."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from .errors import printable

log = logging.getLogger("convscope")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong (`error`), or odd and lived with (`warning`); `path` is where."""

    kind: str
    severity: str
    path: str
    message: str

    def to_dict(self) -> dict[str, str]:
        """As JSON has it."""
        return asdict(self)


def warn(kind: str, path: object, message: str) -> None:
    """Log `path: message` as a warning; who collects the problems gets them apart."""
    problem = Problem(kind, "warning", printable(path), message)
    log.warning("%s: %s", problem.path, message, extra={"problem": problem})


@contextmanager
def collected() -> Iterator[list[Problem]]:
    """The problems that are found inside the `with`; they are not logged meanwhile."""
    found: list[Problem] = []

    def keep(record: logging.LogRecord) -> bool:
        if isinstance(problem := getattr(record, "problem", None), Problem):
            found.append(problem)
            return False
        return True

    log.addFilter(keep)
    try:
        yield found
    finally:
        log.removeFilter(keep)


def listed(names: Sequence[str], most: int = 5) -> str:
    """`a, b and 3 more`, fit for a line."""
    shown = ", ".join(printable(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
