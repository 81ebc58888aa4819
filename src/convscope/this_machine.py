"""Which processes run on this machine, for those that work together and may find that another one has ended."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path


def own_host() -> str:
    """Return the name of this machine, without spaces; two containers whose process numbers differ have two names."""
    try:
        space = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        space = ""
    return f"{socket.gethostname()}/{space}".replace(" ", "_")


def is_running(process: int) -> bool:
    """Return whether the process of this number has not ended, even where its parent has not taken note of it yet."""
    if sys.platform == "win32":  # there `os.kill` would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        state = ""
    return state != "Z"
