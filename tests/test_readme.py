"""The READMEs are true: their commands run, their Python runs, and both languages say the same."""

from __future__ import annotations

import os
import re
import shlex
import struct
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import convscope as cs

ROOT = Path(__file__).parent.parent
ENGLISH, CHINESE, CONTRIBUTING = ROOT / "README.md", ROOT / "README.zh-CN.md", ROOT / "CONTRIBUTING.md"


def blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of a language (of none: "")."""
    found = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", path.read_text(encoding="utf-8"), flags=re.S | re.M)
    return [textwrap.dedent(block) for kind, block in found if kind == language]


def commands(path: Path) -> list[list[str]]:
    lines = [line for block in blocks(path, "sh") for line in block.splitlines()]
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def without_comments(code: str) -> list[str]:
    return [line.split("  #")[0].rstrip() for line in code.splitlines()]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with what the examples name: pictures/, photos/ and DATA (a small set in MNIST's own format)."""
    folder = tmp_path_factory.mktemp("readme")
    digits = cs.load_data("mnist-5k").splits["test"]
    (folder / "pictures").mkdir()
    seven = digits.images[int(np.flatnonzero(digits.labels == 7)[0])]
    Image.fromarray(seven).save(folder / "pictures" / "seven.png")
    for label in ("three", "eight"):
        (folder / "photos" / label).mkdir(parents=True)
        number = {"three": 3, "eight": 8}[label]
        for i in np.flatnonzero(digits.labels == number)[:30]:
            photo = Image.fromarray(digits.images[i]).convert("RGB").resize((60, 60))
            photo.save(folder / "photos" / label / f"{i}.jpg")
    (folder / "DATA").mkdir()
    for part, chosen in (("train", slice(0, 240)), ("t10k", slice(240, 340))):
        # Shuffled, so that every class appears in both parts: the set is in order of its classes.
        order = np.random.default_rng(0).permutation(len(digits.labels))[chosen]
        images, labels = digits.images[order], digits.labels[order].astype(np.uint8)
        header = struct.pack(">IIII", 0x803, *images.shape), struct.pack(">II", 0x801, len(labels))
        (folder / "DATA" / f"{part}-images-idx3-ubyte").write_bytes(header[0] + images.tobytes())
        (folder / "DATA" / f"{part}-labels-idx1-ubyte").write_bytes(header[1] + labels.tobytes())
    return folder


def test_the_commands_run_without_any_extra(place, in_plain_process):
    """All commands, with one epoch per training; the slow test below runs them as they stand there."""
    typed = [words[1:] for words in commands(ENGLISH) if words[0] == "convscope"]
    shortened = [
        [*words, "--epochs", "1"] if words[0] == "train" and "--time-budget" not in words else words for words in typed
    ]
    seconds = [["1s" if word == "20s" else word for word in words] for words in shortened]
    for words, (code, out, errors) in zip(typed, in_plain_process(seconds, place), strict=True):
        assert code == 0, f"{shlex.join(words)}\n{errors}"
        assert out.strip(), words
    assert len(typed) >= 8


@pytest.mark.slow
def test_the_commands_run_as_they_stand_there(place, plain_installation):
    ran = 0
    for words in commands(ENGLISH):
        if words[0] == "convscope":
            command = [sys.executable, "-m", *words]
            done = subprocess.run(
                command, cwd=place, env=plain_installation, capture_output=True, text=True, timeout=500
            )
            assert done.returncode == 0, f"{shlex.join(words)}\n{done.stderr}"
            assert done.stdout.strip(), words
            ran += 1
    assert ran >= 8


def test_make_has_the_targets_and_demo_is_plain_train():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {words[1] for words in commands(ENGLISH) if words[0] == "make"}
    assert targets == {"demo", "test"}
    for target in targets:
        assert re.search(rf"^{target}:", makefile, flags=re.M)
    assert re.search(r"^demo:.*\n\t\$\(BIN\)/convscope train\n", makefile, flags=re.M)


def test_the_python_runs_without_any_extra(place, plain_installation):
    code = "\n".join(blocks(ENGLISH, "python"))
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=place, env=plain_installation, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    assert "of 269 unseen digits are right" in done.stdout and "340,908" in done.stdout


def test_both_languages_show_the_same_commands_and_code():
    assert commands(ENGLISH) == commands(CHINESE)
    english, chinese = (["\n".join(without_comments(b)) for b in blocks(path, "python")] for path in (ENGLISH, CHINESE))
    assert english == chinese


@pytest.mark.parametrize("path", [ENGLISH, CHINESE, CONTRIBUTING], ids=lambda p: p.name)
def test_what_a_text_links_to_is_there(path):
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        assert target.startswith("http") or (ROOT / target).exists(), target


def test_contributing_shows_every_room():
    tree = next(block for block in blocks(CONTRIBUTING, "") if "src/convscope/" in block)
    folders: list[str] = []
    named = set()
    for line in tree.splitlines():
        entry = line.split()[0] if line.strip() else ""
        if not entry:
            continue
        depth = (len(line) - len(line.lstrip())) // 2
        folders[depth:] = [entry]
        location = ROOT / "".join(folders)
        assert location.exists(), location
        named.add(os.path.normpath(location))
    package = ROOT / "src" / "convscope"
    rooms = {file.parent for file in package.rglob("*.py")} - {package}
    for place in [*rooms, *(file for file in package.glob("*.py") if file.name != "__init__.py")]:
        assert str(place) in named, f"CONTRIBUTING does not name {place.relative_to(ROOT)}"
