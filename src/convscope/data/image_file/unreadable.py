"""Why an image cannot be used."""

from __future__ import annotations

from ...errors import DataError, printable


class UnreadableImage(DataError):  # noqa: N818 - the name says it
    """One image that cannot be used; the message is the reason alone, for whoever names the file."""


def reason(problem: Exception) -> str:
    """What a library says went wrong, as a few words in one line."""
    text = printable(str(problem)).strip() or type(problem).__name__
    return text if len(text) <= 100 else f"{text[:97]}..."
