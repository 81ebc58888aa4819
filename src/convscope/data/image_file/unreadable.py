"""Why an image cannot be used."""

from __future__ import annotations

from ...errors import DataError, printable


class UnreadableImage(DataError):  # noqa: N818 - the name says it
    """One image that cannot be used. The message is the reason alone; the caller adds the name of the file."""


class TooManyPixels(UnreadableImage):
    """An image whose header states more pixels than are decoded."""


class NotAnImage(UnreadableImage):
    """Content of another type than an image, such as text or a web page."""


def reason(problem: Exception) -> str:
    """Return a library's error message in one line of at most 100 characters."""
    text = printable(str(problem)).strip() or type(problem).__name__
    return text if len(text) <= 100 else f"{text[:97]}..."
