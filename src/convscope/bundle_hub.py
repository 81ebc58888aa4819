"""Bundles on the Hugging Face hub: `hf://OWNER/NAME`, or `hf://OWNER/NAME@REVISION`, fetched and published.

Only the parts of a bundle are fetched: settings, labels, safetensors, the ONNX graph and the card. Each commit has a
folder of its own in the cache, in which the settings come last, so that parts of two commits never meet.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import Any

from .abstention import FEATURES_FILE
from .data.cache_folder import cache_folder
from .errors import ConvScopeError, ModelFileError, UsageError, printable, require_extra
from .files import write_atomically

SCHEME = "hf://"
ADDRESS = re.compile(r"(?P<repository>[\w.-]+/(?P<name>[\w.-]+))(?:@(?P<revision>[\w./-]+))?", re.ASCII)
LICENCE = re.compile(r"[a-z0-9][a-z0-9.+-]{1,60}")
COMMIT = re.compile(r"[0-9a-f]{40}")
CONFIG = "config.json"
# The settings come last: a folder without them is no bundle.
PARTS = ("model.safetensors", "labels.txt", "README.md", FEATURES_FILE, "model.onnx", CONFIG)
log = logging.getLogger("convscope")


def is_on_hub(source: str | Path) -> bool:
    """Return whether a source is an address on the hub."""
    return isinstance(source, str) and source.startswith(SCHEME)


def fetch_bundle(address: str) -> Path:
    """Return the folder in the cache with a bundle of the hub, fetched if its newest commit is not there yet.

    Without a connection it is the commit that was fetched last, which is said. ModelFileError if there is none.
    """
    repository, name, revision = _parsed(address)
    require_extra("hub", "huggingface_hub", f"{printable(address)} needs huggingface_hub")
    folder = cache_folder() / "hub" / repository.replace("/", "--")
    latest = folder / f"latest-{revision.replace('/', '--')}.txt"
    try:
        commit, files = _listed(repository, revision)
        bundle = folder / commit / name
        if not (bundle / CONFIG).is_file():
            _download(repository, commit, [part for part in PARTS if part in files], bundle)
        write_atomically(latest, commit.encode())
        return bundle
    except ConvScopeError:
        raise
    except Exception as problem:  # the library and what it is built on have many ways to fail
        reason = " ".join(printable(f"{type(problem).__name__}: {problem}").split())[:160]
        known = _fetched_before(latest, folder, name)
        if known is None:
            raise ModelFileError(
                f"{printable(address)} could not be fetched ({reason}): check the name, go online, or give a folder or "
                "zip with the bundle"
            ) from problem
        log.warning("%s could not be asked for (%s): the copy that was fetched before is used", address, reason)
        return known


def push_bundle(bundle: Path, address: str, private: bool = False, licence: str | None = None) -> str:
    """Publish the parts of a bundle's folder as one commit, and return the address of its page.

    A `licence`, such as apache-2.0, is written into the card of the bundle first. ConvScopeError with the reason if
    publishing fails, UsageError for what is no licence's identifier.
    """
    if licence is not None and not LICENCE.fullmatch(licence.lower()):
        raise UsageError(f"--license {printable(licence)}: give its identifier, such as apache-2.0, mit or cc-by-4.0")
    require_extra("hub", "huggingface_hub", "push needs huggingface_hub")
    repository, _, revision = _parsed(address)
    if not bundle.is_dir():
        raise UsageError(f"{printable(bundle)} is a zip: unpack it, then push the folder")
    from huggingface_hub import HfApi

    if licence is not None:
        card = bundle / "README.md"
        text = card.read_text(encoding="utf-8") if card.is_file() else ""
        write_atomically(card, with_licence(text, licence.lower()).encode())
    parts = [part for part in PARTS if (bundle / part).is_file()]
    try:
        api = HfApi(endpoint=_endpoint())
        api.create_repo(repository, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=repository, folder_path=bundle, allow_patterns=parts, revision=revision,
            commit_message="Publish a ConvScope bundle", delete_patterns=list(PARTS),
        )  # fmt: skip
    except Exception as problem:
        reason = " ".join(printable(f"{type(problem).__name__}: {problem}").split())[:200]
        raise ConvScopeError(
            f"{printable(repository)} could not be published ({reason}): log in with `hf auth login` or set HF_TOKEN"
        ) from problem
    return f"{_endpoint() or 'https://huggingface.co'}/{repository}"


def with_licence(card: str, licence: str) -> str:
    """Return a model card that names a licence: in its head, which the hub reads, and in its text."""
    line = f"license: {licence}"
    head, gap, text = card.removeprefix("---\n").partition("\n---\n")
    if not card.startswith("---\n") or not gap:
        head, text = "library_name: convscope", "\n" + card
    head, replaced = re.subn(r"(?m)^license:.*$", line, head)
    head = head if replaced else f"{head}\n{line}"
    text = re.sub(r"(?m)(^## Licence\n\n).+$", rf"\g<1>{licence}", text)
    return f"---\n{head}\n---\n{text}"


def _parsed(address: str) -> tuple[str, str, str]:
    found = ADDRESS.fullmatch(address.removeprefix(SCHEME))
    if found is None or ".." in address:
        raise UsageError(f"{printable(address)}: write hf://OWNER/NAME or hf://OWNER/NAME@REVISION")
    return found["repository"], found["name"], found["revision"] or "main"


def _endpoint() -> str | None:
    """Return another hub than the public one, if the environment names it, as huggingface_hub has it."""
    return os.environ.get("HF_ENDPOINT")


def _listed(repository: str, revision: str) -> tuple[str, set[str]]:
    """Return the commit that a revision means, and the names of its files."""
    from huggingface_hub import HfApi

    info: Any = HfApi(endpoint=_endpoint()).model_info(repository, revision=revision, timeout=20)
    if not COMMIT.fullmatch(str(info.sha)):
        raise ModelFileError(f"{printable(repository)}: '{printable(info.sha)}' is no commit")
    files = {file.rfilename for file in info.siblings or []}
    if missing := {CONFIG, PARTS[0]} - files:
        raise ModelFileError(
            f"{SCHEME}{repository} holds no ConvScope bundle: {min(missing)} is missing; weights are read from "
            "safetensors only"
        )
    return info.sha, files


def _download(repository: str, commit: str, parts: list[str], folder: Path) -> None:
    from huggingface_hub import hf_hub_download

    for part in parts:
        hf_hub_download(repository, part, revision=commit, local_dir=folder, endpoint=_endpoint())


def _fetched_before(latest: Path, folder: Path, name: str) -> Path | None:
    try:
        bundle = folder / latest.read_text() / name
    except OSError:
        return None
    return bundle if (bundle / CONFIG).is_file() else None
