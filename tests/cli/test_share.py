"""`convscope share` on the command line."""

from __future__ import annotations

import json
import re

import pytest

from convscope.cli import main


def test_it_writes_a_file_and_says_what_is_in_it(command, tmp_path, capsys):
    done = command(
        "share", "mnist-relu", "--weights-precision", "8bit", "--max-size", "0.8", "--output", "net.html", "--json"
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["size"] == (tmp_path / "net.html").stat().st_size < 800_000
    assert answer["precision"] == "8bit" and 0 < answer["error"]["largest_change"] < 0.05
    done = command("share", "mnist-relu")  # LeNet and no epochs
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mnist-relu.html").stat().st_size < 1_000_000
    assert "weights    full precision" in done.stdout and "3,600 images to train with" in done.stdout
    (for_all,) = re.findall(r"epochs     0 of 9\n           for all of them: --max-size (\S+)\n", done.stdout)
    assert main(["share", "mnist-relu", "--max-size", for_all, "--output", str(tmp_path / "mnist-relu.html")]) == 0
    assert "epochs     9 of 9\npictures" in capsys.readouterr().out
    assert (tmp_path / "mnist-relu.html").stat().st_size < 1e6 * float(for_all)


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["nowhere"], 4, "nowhere"),
        (["mnist-relu", "--max-size", "0"], 2, "--max-size"),
        (["mnist-relu", "--max-size", "0.2"], 2, "do not fit"),
        (["mnist-relu", "--image", "nothing.png"], 3, "nothing.png"),
        (["mnist-relu", "--weights-precision", "4bit"], 2, "8bit, half, full"),
    ],
)
def test_errors_are_one_line(tmp_path, monkeypatch, capsys, words, code, part):
    monkeypatch.chdir(tmp_path)
    assert main(["share", *words]) == code
    message = capsys.readouterr().err
    assert part in message and message.count("\n") == 1
    assert not list(tmp_path.iterdir())
