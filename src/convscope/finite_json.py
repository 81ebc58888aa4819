"""Write JSON that every parser reads: NaN and infinity, which JSON does not have, become null."""

from __future__ import annotations

import json
import math
from functools import partial
from typing import Any


def finite(value: Any) -> Any:
    """Return a copy of a JSON document in which every float that is not finite is None."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def dump_json(document: Any, indent: int | None = None, ensure_ascii: bool = True) -> str:
    """Return a document as JSON text; without `indent` in the shortest form."""
    dumps = partial(
        json.dumps,
        indent=indent,
        ensure_ascii=ensure_ascii,
        separators=(",", ":") if indent is None else None,
        allow_nan=False,
    )
    try:
        return dumps(document)
    except ValueError:  # copying a document only to find that every number is finite would take twice as long
        return dumps(finite(document))
