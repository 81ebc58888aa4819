"""Damaged, unusual and hostile image files, one for each rule about them, made here: nothing is downloaded.

`SKIPPED` has files that must be skipped, with a pattern for the reason; `USED` has files that must be decoded as a
careful decoder does, with the colours of their four quarters. Both map a file name to a pair.
"""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path

from PIL import Image

from .encoders import HEIGHT, WIDTH, encode, means, picture
from .skipped import SKIPPED
from .used import USED

__all__ = [
    "HEIGHT", "IGNORED", "NAMES", "SKIPPED", "USED", "WIDTH", "encode", "means", "picture", "small", "snapshot",
    "write", "write_all", "write_special",
]  # fmt: skip

NAMES = [
    "two words.png", "new\nline.png", "tab\t.png", "it's \"quoted\".png", "-rf.png", "--help.png", "n" * 200 + ".png",
    "صورة.png", "\u202egnp.exe.png", "🙂 猫.png", "UPPER.PNG", "MiXeD.JpEg", "%s%n.png", "a,b;c.png", "<b>&amp;.png",
    "[1]*?.png", "back\\slash.png", "carriage\rreturn.png", os.fsdecode(b"caf\xe9.png"), "trailing .png",
]  # fmt: skip
IGNORED = [
    ".DS_Store", "Thumbs.db", "desktop.ini", "._x.jpg", ".hidden.png", ".ipynb_checkpoints/a-checkpoint.png",
    "__MACOSX/._a.png", "notes.txt", "labels.csv", "no_ending",
]  # fmt: skip


def write_special(folder: Path) -> dict[str, str]:
    """Make links and special files; return by name what the reason says. Opening some of them would block for ever."""
    (folder / "dangling.jpg").symlink_to("nowhere.jpg")
    (folder / "itself.jpg").symlink_to("itself.jpg")
    (folder / "device.jpg").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.jpg")
    os.mknod(folder / "socket.jpg", stat.S_IFSOCK | 0o600)
    special = dict.fromkeys(("device.jpg", "pipe.jpg", "socket.jpg"), "not a regular file")
    return {"dangling.jpg": "link to a file that does not exist", "itself.jpg": "points at itself"} | special


def write_all(folder: Path, files: dict[str, tuple[bytes, object]]) -> None:
    for name, (content, _) in files.items():
        write(folder / name, content)


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def small(level: int) -> bytes:
    """Return a tiny gray picture; another number, up to 65,535, gives another file."""
    return encode(Image.frombytes("L", (2, 1), struct.pack(">H", level)).resize((8, 8)), "PNG")


def snapshot(folder: Path) -> dict[bytes, tuple[int, ...]]:
    """Return everything below a folder with size, time, mode and inode: the same later if nothing was written."""
    found = {}
    for above, folders, names in os.walk(os.fsencode(folder)):
        for path in [above, *(above + b"/" + name for name in folders + names)]:
            status = os.lstat(path)
            found[path] = (status.st_size, status.st_mtime_ns, status.st_mode, status.st_ino)
    return found
