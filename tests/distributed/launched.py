"""Start the processes of one training as a launcher does: by environment variables that say who is who."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def launch(
    words: list[str], folder: Path, count: int = 2, program: Sequence[str] = (sys.executable,), **variables: str
) -> list[subprocess.Popen[str]]:
    """Start `python WORDS...`, or those of another program, in `folder`, `count` times, each with a single thread."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    together = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    return [
        subprocess.Popen(
            [*program, *words],
            cwd=folder, env=os.environ | together | {"RANK": str(rank), "LOCAL_RANK": str(rank)} | variables,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for rank in range(count)
    ]  # fmt: skip


def ended(processes: list[subprocess.Popen[str]], seconds: float = 400) -> list[tuple[int, str, str]]:
    """Wait for all processes; return exit code, stdout and stderr of each."""
    try:
        texts = [process.communicate(timeout=seconds) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [(process.returncode, *text) for process, text in zip(processes, texts, strict=True)]
