"""JSON of any document as bytes, in which what is not finite is null."""

from __future__ import annotations

from typing import Any

from ...finite_json import dump_json


def to_json(document: Any) -> bytes:
    """Return compact JSON in UTF-8, in which what is not finite is null."""
    try:
        return dump_json(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a class name that is not valid text
        return dump_json(document).encode()
