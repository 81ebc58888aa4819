"""The packages that a plain installation brings: each is used and explained, and what is slow or optional waits."""

from __future__ import annotations

import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import convscope

from .imports import imported_names

PACKAGE = Path(convscope.__file__).parent
CONTRIBUTING = Path(__file__).parents[1] / "CONTRIBUTING.md"
EXTRAS = {"heads", "hub", "onnx", "openvino", "parquet", "remote", "superpixels", "tensorboard", "timm"}
# Imported by the functions that need them, since they take long to import or may be missing.
LATE = {
    "captum",
    "matplotlib",
    "jinja2",
    "simplejpeg",
    "sklearn",
    "skimage",
    "scipy",
    "pandas",
    "datasets",
    "fsspec",
    "timm",
    "pyarrow",
    "onnx",
    "onnxruntime",
    "onnxscript",
    "openvino",
}


def required(extra: str = "") -> set[str]:
    """The packages that ConvScope itself requires, or that one of its extras adds."""
    found = [Requirement(line) for line in requires("convscope") or []]
    plain = {canonicalize_name(wanted.name) for wanted in found if wanted.marker is None}
    if not extra:
        return plain
    return {canonicalize_name(w.name) for w in found if w.marker and w.marker.evaluate({"extra": extra})}


def explained() -> Iterator[str]:
    """The packages in the first column of the table of dependencies."""
    text = CONTRIBUTING.read_text(encoding="utf-8").split("**What each dependency is for.**")[1]
    for line in text.split("\n**")[0].splitlines():
        if line.startswith("| "):
            yield from re.findall(r"`([\w-]+)`", line.split("|")[1])


def test_every_dependency_is_explained():
    every = required().union(*(required(extra) for extra in EXTRAS))
    assert sorted(explained()) == sorted(every)


def test_every_dependency_is_imported_somewhere():
    modules = {name.split(".")[0] for path in PACKAGE.rglob("*.py") for name, _ in imported_names(path, PACKAGE)}
    distributions = packages_distributions()
    packages = {canonicalize_name(name) for module in modules for name in distributions.get(module, [])}
    assert required() <= packages | {"httptools"}  # which uvicorn imports, for the protocol that the service asks for


def test_slow_and_optional_packages_are_imported_late():
    found = pkgutil.walk_packages([str(PACKAGE)], "convscope.")
    modules = [module.name for module in found if not module.name.endswith("__main__")]
    code = f"import importlib, sys\nfor name in {modules}: importlib.import_module(name)\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not LATE & {name.split(".")[0] for name in done.stdout.split()}


WITHOUT_AN_EXTRA = (
    (["train", "digits", "--head", "svm"], "head svm needs scikit-learn: pip install 'convscope[heads]'"),
    (["train", "digits", "--superpixels", "9"], "need scikit-image: pip install 'convscope[superpixels]'"),
    (["summary", "timm:resnet18"], "pip install 'convscope[timm]'"),
    (["train", "hf:a/b"], "pip install 'convscope[hub]'"),
    (["export", "mnist-relu"], "pip install 'convscope[onnx]'"),
    (["train", "digits", "--epochs", "1", "--tensorboard"], "pip install 'convscope[tensorboard]'"),
)


def test_without_an_extra_one_line_says_how_to_get_it(in_plain_process):
    answers = in_plain_process([words for words, _ in WITHOUT_AN_EXTRA])
    for (words, message), (code, _, errors) in zip(WITHOUT_AN_EXTRA, answers, strict=True):
        assert code in (2, 3), words
        assert message in errors.splitlines()[-1], words
