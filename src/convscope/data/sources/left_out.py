"""What is left out of a data set: files and folders of systems and tools, and ConvScope's own output."""

from __future__ import annotations

import os
from pathlib import Path

# What operating systems, network disks and tools keep among a user's files; names are compared in lower case.
IGNORED = frozenset({
    "thumbs.db", "desktop.ini", "__macosx", "@eadir", "@tmp", "#recycle", "$recycle.bin", "recycler", "lost+found",
    "system volume information", "found.000", "__pycache__", "node_modules",
})  # fmt: skip
# Files by which a folder is known as one of ConvScope's own: a run, a saved classifier, an evaluation.
RUN_FILES, BUNDLE_FILES, EVALUATION_FILES = ("recipe.yaml", "env.json"), ("config.json", "model.safetensors"), (
    "report.html", "predictions.csv"
)  # fmt: skip
OUTPUTS, VERBS_WITH_OUTPUT = "runs", frozenset({"train", "evaluate", "explain", "benchmarks"})


def is_ignored(name: str) -> bool:
    """Whether a file or folder is hidden, or left behind by a system or a tool."""
    return name.startswith(".") or name.lower() in IGNORED


def is_environment(folder: Path) -> bool:
    """Whether a folder is a virtual environment of Python."""
    return os.path.isfile(f"{os.fspath(folder)}/pyvenv.cfg")  # noqa: PTH113


def is_own_output(folder: Path) -> bool:
    """Whether a folder is a run, a saved classifier, an evaluation, or the folder `runs` that holds them."""
    inside = os.fspath(folder)
    for files in (RUN_FILES, BUNDLE_FILES, EVALUATION_FILES):
        if all(os.path.isfile(f"{inside}/{name}") for name in files):  # noqa: PTH113
            return True
    if folder.name != OUTPUTS:
        return False
    try:
        names = {name for name in os.listdir(folder) if not name.startswith(".")}  # noqa: PTH208
    except OSError:
        return False
    return bool(names) and names <= VERBS_WITH_OUTPUT
