"""Suggest the nearest known name for a name that is unknown: "did you mean lenet5?"."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from .errors import printable


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "", most: int = 3, cutoff: float = 0.5) -> str:
    """Return `did you mean A or B?` with the `known` names that are nearest; `otherwise` if none is near.

    At most `most` names are suggested. `cutoff` is the similarity from 0 to 1 that a name needs (difflib's ratio).
    """
    near = difflib.get_close_matches(name, list(known), n=most, cutoff=cutoff)
    return f"did you mean {' or '.join(map(printable, near))}?" if near else otherwise
