"""Bundles of every shape that Hypothesis finds are loaded, or refused in one line with exit code 4, and soon."""

from __future__ import annotations

import io
import json
import shutil
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import convscope as cs
from convscope.bundle_config import BUNDLED

FEW, MANY = 40, 3_000
SECONDS = 20.0
CONFIG: dict[str, Any] = json.loads((BUNDLED / "mnist-relu" / "config.json").read_text())
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(10**40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture
def bundle(tmp_path) -> Path:
    return Path(shutil.copytree(BUNDLED / "mnist-relu", tmp_path / "bundle"))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths to all values in a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a copy of a document with another value at one place."""
    if not path:
        return value
    copy = document.copy()
    copy[path[0]] = replaced(document[path[0]], path[1:], value)
    return copy


def loaded_or_refused(path: Path) -> None:
    started = time.perf_counter()
    try:
        cs.load(path)
    except cs.ModelFileError as problem:
        assert problem.exit_code == 4 and "\n" not in str(problem)
    assert time.perf_counter() - started < SECONDS


def fuzz(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return settings(
        max_examples=examples, deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
    )  # fmt: skip


def check_configs(bundle: Path, examples: int) -> None:
    @fuzz(examples)
    @given(st.lists(st.tuples(st.sampled_from(places(CONFIG)), VALUES), min_size=1, max_size=2))
    def configs(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
        document: Any = CONFIG
        for path, value in changes:
            try:
                document = replaced(document, path, value)
            except (KeyError, IndexError, TypeError, AttributeError):
                continue  # an earlier change has taken that place away
        (bundle / "config.json").write_text(json.dumps(document))
        loaded_or_refused(bundle)

    configs()


def check_headers(bundle: Path, examples: int) -> None:
    content = (bundle / "model.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]

    @fuzz(examples)
    @given(st.sampled_from(places(header)), VALUES, st.integers(-9, 9) | st.just(2**62), st.integers(0, 3))
    def headers(path: tuple[Any, ...], value: Any, off: int, cut: int) -> None:
        text = json.dumps(replaced(header, path, value)).encode()
        size = max(len(text) + (off if cut == 3 else 0), 0)
        (bundle / "model.safetensors").write_bytes(struct.pack("<Q", size) + text + data[: len(data) - (cut == 2)])
        loaded_or_refused(bundle)

    headers()


def check_zips(bundle: Path, examples: int) -> None:
    path, file = bundle.with_suffix(".zip"), io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted(bundle.iterdir()):
            archive.write(part, part.name)
    content = file.getvalue()
    directory = content.rindex(b"PK\x05\x06") - 500  # where one byte decides most
    at = st.integers(0, len(content) - 1) | st.integers(directory, len(content) - 1)

    @fuzz(examples)
    @given(st.lists(st.tuples(at, st.binary(max_size=8)), min_size=1, max_size=4), st.booleans())
    def zips(changes: list[tuple[int, bytes]], is_inserted: bool) -> None:
        changed = bytearray(content)
        for at, new in changes:
            changed[at : at if is_inserted else at + len(new)] = new
        path.write_bytes(changed)
        loaded_or_refused(path)

    zips()


@pytest.mark.parametrize("check", [check_configs, check_headers, check_zips])
def test_a_bundle_is_loaded_or_refused(check, bundle):
    check(bundle, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("check", [check_configs, check_headers, check_zips])
def test_thousands_of_bundles_are_loaded_or_refused(check, bundle):
    check(bundle, MANY)
