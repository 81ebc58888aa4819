"""What several rooms' tests share: small real data, and one trained classifier for all who only want to use one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image

import convscope as cs

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Tests run beside each other; a thread for each core in every one of them would only make them wait.
torch.set_num_threads(1)
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Messages are looked for in English, whatever the locale.
os.environ["CONVSCOPE_LANG"] = "en"

Command = Callable[..., subprocess.CompletedProcess[str]]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_START_SECONDS = 180


def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores: tests in a browser, and of services, wait more than they compute."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Decoded images are kept where the tests' other files are, not in the user's cache."""
    os.environ["CONVSCOPE_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def plain_installation(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment variables of a process that finds the packages of no extra, as after `pip install .`."""
    place = tmp_path_factory.mktemp("plain")
    names = (
        "sklearn",
        "skimage",
        "scipy",
        "pandas",
        "datasets",
        "timm",
        "huggingface_hub",
        "tensorboard",
        "onnx",
        "onnxruntime",
        "onnxscript",
        "openvino",
    )
    # Python imports `sitecustomize` by itself when it starts.
    (place / "sitecustomize.py").write_text(f"import sys\nsys.modules.update(dict.fromkeys({names}))\n")
    paths = [str(place), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


# Runs the commands of its argument, a list of lists of words, and prints a list of [exit code, stdout, stderr].
ONE_AFTER_ANOTHER = """
import contextlib, io, json, sys
from convscope.cli import main
answers = []
for words in json.loads(sys.argv[1]):
    out, errors = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        code = main(words)
    out.flush()
    answers.append([code, out.buffer.getvalue().decode(), errors.getvalue()])
print(json.dumps(answers))
"""
Commands = Callable[..., list[tuple[int, str, str]]]


@pytest.fixture
def in_plain_process(plain_installation: dict[str, str], tmp_path: Path) -> Commands:
    """Run commands one after another in one process without any extra; their exit codes, output and errors."""

    def run(commands: list[list[str]], folder: Path = tmp_path) -> list[tuple[int, str, str]]:
        process = [sys.executable, "-c", ONE_AFTER_ANOTHER, json.dumps(commands)]
        settings: dict = {"cwd": folder, "env": plain_installation, "capture_output": True, "text": True}
        done = subprocess.run(process, timeout=500, **settings)
        assert done.returncode == 0, done.stderr
        return [(code, out, errors) for code, out, errors in json.loads(done.stdout.splitlines()[-1])]

    return run


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> cs.Run:
    """LeNet with ReLU on the bundled digits: seconds to train, and it really reads them. Do not change it."""
    place = tmp_path_factory.mktemp("digits")
    return cs.train("digits", "lenet_relu", epochs=12, output=place, show=False)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window. One for all tests: Playwright cannot be started twice in one thread."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no Chromium on this machine: install Debian's package chromium to run the browser tests")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, timeout=BROWSER_START_SECONDS * 1000)
        yield chromium
        chromium.close()


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Run `python -m convscope ...` as a process of its own in an empty folder, as a user would."""

    def run(*words: object, **options: object) -> subprocess.CompletedProcess[str]:
        arguments = [sys.executable, "-m", "convscope", *map(str, words)]
        settings: dict = {"cwd": tmp_path, "capture_output": True, "text": True, "timeout": 240, **options}
        return subprocess.run(arguments, **settings)

    return run


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    """Class folders of little pictures that anything can tell apart: dark and bright ones, 24 of each."""
    generator = np.random.default_rng(0)
    for name, level in (("dark", 40), ("bright", 200)):
        folder = tmp_path / "squares" / name
        folder.mkdir(parents=True)
        for i in range(24):
            array = np.clip(generator.normal(level, 20, (20, 24)), 0, 255).astype(np.uint8)
            Image.fromarray(array).save(folder / f"{i:02d}.png")
    return tmp_path / "squares"
