"""`convscope summary`: of a name, of a run, with drawings."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from PIL import Image

from convscope.cli import main


def test_any_network_is_drawn(tmp_path, capsys):
    svg, png = tmp_path / "net.svg", tmp_path / "kernels.png"
    assert main(["summary", "resnet18", "--svg", str(svg), "--kernels", str(png), "--img-size", "64"]) == 0
    out = capsys.readouterr().out
    assert "64 x 3 x 7 x 7" in out and "not trained" in out and str(svg) in out
    assert ElementTree.parse(svg).getroot().tag.endswith("svg") and "layer4" in svg.read_text()
    assert max(Image.open(png).size) >= 480


def test_a_trained_network_is_told_from_its_name(tmp_path, capsys):
    png = tmp_path / "kernels.png"
    assert main(["summary", "mnist-relu", "--kernels", str(png)]) == 0
    out = capsys.readouterr().out
    assert "lenet_relu" in out and "61,706" in out and "(trained)" in out and png.exists()
    assert main(["summary", "mnist-relu", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == 61_706


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lenet5", "--svg", "net.png"], "is written as .svg"),
        (["lenet5", "--kernels", "k.svg"], "is written as .png"),
        (["mnist-relu", "--num-classes", "3"], "is trained and has its own"),
        (["lenet6"], "did you mean"),
        (["softmax_regression", "--img-size", "8", "--kernels", "k.png"], ""),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    code = main(["summary", *words])
    error = capsys.readouterr().err
    assert (code != 0) == bool(message) and message in error and error.count("\n") == (1 if message else 0)


def test_no_file_is_overwritten(tmp_path, capsys):
    existing = tmp_path / "net.svg"
    existing.write_text("mine")
    assert main(["summary", "lenet5", "--svg", str(existing)]) == 2
    assert "already exists" in capsys.readouterr().err and existing.read_text() == "mine"


def test_the_table_is_in_the_language_of_the_reader(monkeypatch, capsys):
    monkeypatch.setenv("CONVSCOPE_LANG", "zh")
    assert main(["summary", "lenet5"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[2].split() == ["层", "类型", "输出", "参数量", "乘加次数", "连接数", "感受野"]
    assert "合计" in out and "参数：可训练 60,000，冻结 0" in out
