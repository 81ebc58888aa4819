"""Files inside archives (zip, tar): nothing is unpacked into the data set's folder, and nothing in them is trusted."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from ...errors import printable
from ..image_file import MAX_BYTES, EmbeddedImage, UnreadableImage, check_header

MAX_MEMBERS, MAX_DEPTH = 5_000_000, 100
# Something small compressed more than this may be a blank picture; something large is a bomb.
MAX_RATIO = 100


@dataclass(frozen=True)
class Member(EmbeddedImage):
    """One file in an archive: its `name` as the archive has it, and its `path` decoded, with forward slashes.

    `state` is the fingerprint of the archive at the time when it was listed.
    """

    archive: str
    name: str
    state: str
    path: str

    def read(self) -> bytes:
        """Return the content; UnreadableImage if it is no image in the limits, damaged, or the archive has changed."""
        return self._read(MAX_BYTES, check_header)

    def read_up_to(self, limit: int) -> bytes:
        """Return the content of a file of any kind; UnreadableImage if it has more than `limit` bytes."""
        return self._read(limit)

    @abstractmethod
    def _read(self, limit: int, check: Callable[[BinaryIO], None] | None = None) -> bytes:
        """Return the content of at most `limit` bytes; `check` looks at the beginning of a large file first."""

    def __str__(self) -> str:
        return f"{self.archive}/{self.path or self.name}"


def check_member_size(size: int, limit: int) -> None:
    """Raise UnreadableImage for a file that is empty or has more than `limit` bytes."""
    if size == 0:
        raise UnreadableImage("empty file")
    if size > limit:
        raise UnreadableImage(f"file of {size / 1e6:,.0f} MB, over the limit of {limit / 1e6:,.0f} MB")


def reason_to_refuse_name(name: str, kind: str) -> str | None:
    """Return why an archive of some `kind` with a file of this name is not used; None if the name is harmless."""
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or parts[0] == "" or parts[0].endswith(":"):
        return f"'{printable(name)}' is a path that leads out of the {kind}"
    if len(parts) > MAX_DEPTH:
        return f"'{printable(name[:60])}...' lies more than {MAX_DEPTH} folders deep"
    return None
