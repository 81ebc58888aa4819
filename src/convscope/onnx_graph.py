"""The ONNX graph beside a bundle: its file, what it says it was made from, and whether that is still so."""

from __future__ import annotations

import hashlib
from pathlib import Path

from .abstention import FEATURES_FILE
from .bundle_config import CONFIG, WEIGHTS

# The graph in a bundle's folder that takes pixels, and the key of its metadata with the digest of the bundle.
GRAPH, MADE_FROM = "model.onnx", "made_from"


def graph_of(bundle: Path) -> Path | None:
    """Return the file with a bundle's graph, None if there is none; of a zip, none is used."""
    path = bundle / GRAPH
    return path if bundle.is_dir() and path.is_file() and not path.is_symlink() else None


def digest_of_bundle(bundle: Path) -> str:
    """Return a digest of all that decides what the classifier in a bundle, a folder or a zip, answers."""
    digest = hashlib.sha256()
    for name in (CONFIG, WEIGHTS, FEATURES_FILE) if bundle.is_dir() else ("",):
        path = bundle / name
        if path.is_file():
            digest.update(f"{name} {path.stat().st_size}\n".encode())
            with path.open("rb") as file:
                while part := file.read(1 << 20):
                    digest.update(part)
    return digest.hexdigest()
