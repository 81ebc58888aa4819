"""Problems found in a data set: each reported once, to people as a log line and to programs with kind and path."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from .errors import printable

log = logging.getLogger("convscope")


@dataclass(frozen=True)
class Problem:
    """One problem and the `path` of the file or data set that has it.

    `severity` is "error" (training is refused), "warning" (something is left out or doubtful) or "info". `kind` is a
    short name for programs, such as "imbalance". `images` are the names of all images that have it, where these are
    known.
    """

    kind: str
    severity: str
    path: str
    message: str
    images: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return the fields as JSON has them; `images` where there are any."""
        known = {"images": [printable(name) for name in self.images]} if self.images else {}
        return {"kind": self.kind, "severity": self.severity, "path": self.path, "message": self.message, **known}


# Where `warn` puts problems; None where nobody collects them. Each thread and asyncio task has its own.
_collected: ContextVar[list[Problem] | None] = ContextVar("collected_problems", default=None)


def warn(kind: str, path: object, message: str) -> None:
    """Report a problem of severity "warning": to the caller's `collect_problems`, else as a line of the log."""
    problem = Problem(kind, "warning", printable(path), message)
    collected = _collected.get()
    if collected is None:
        log.warning("%s: %s", problem.path, message)
    else:
        collected.append(problem)


@contextmanager
def collect_problems() -> Iterator[list[Problem]]:
    """Collect what this thread reports by `warn` inside the `with` block in the list that it yields; none is logged."""
    problems: list[Problem] = []
    token = _collected.set(problems)
    try:
        yield problems
    finally:
        _collected.reset(token)


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return `a, b and 3 more` with at most `most` names, fit for one line."""
    shown = ", ".join(printable(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
