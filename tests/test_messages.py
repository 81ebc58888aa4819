"""Messages and `--help` in Chinese: nothing is missing, what is not a message stays, and JSON is the same."""

from __future__ import annotations

import io
import json
import re

import pytest
import typer
from scripts.messages import messages

from convscope.cli import VERBS, main
from convscope.cli.help import WIDTH, _width, wrapped
from convscope.data.preprocess import Preprocess
from convscope.export.description import BETWEEN_STEPS, resizing_recipe
from convscope.messages.translate import _catalogue, language, phrase, translated

PLACE = re.compile(r"\{\w+\}")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# The same in both languages, or marks alone.
SAME = {
    "GMAC", "MB", "ImageNet top-1 %", "Value error, {0}", "--folders innermost",
    "augment: random-crop={0}", "{0}: pip install 'convscope[{1}]'",
}  # fmt: skip


@pytest.fixture
def chinese(monkeypatch):
    monkeypatch.setenv("CONVSCOPE_LANG", "zh")


def test_every_message_has_its_chinese():
    said, known = messages(), _catalogue()
    missing = [f"{where}: {text}" for text, where in said.items() if text not in known]
    unused = [text for text in known if text not in said]
    assert not missing, "no Chinese in src/convscope/messages/zh.json for\n" + "\n".join(missing)
    assert not unused, "in src/convscope/messages/zh.json, but no message\n" + "\n".join(unused)


def test_the_chinese_is_chinese_and_takes_the_values_of_its_message():
    for english, chinese in _catalogue().items():
        assert set(PLACE.findall(chinese)) <= set(PLACE.findall(english)), english
        assert CHINESE.search(chinese) or english in SAME, english
        assert not re.search(r"[\u4e00-\u9fff][,;:?!]", re.sub("`[^`]*`", "", chinese)), (
            f"{english}: marks of Chinese are ，；：？！"
        )


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_TW.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "CONVSCOPE_LANG": "en"}, "en"),
        ({"LANG": "de_DE.UTF-8", "CONVSCOPE_LANG": "zh-CN"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "CONVSCOPE_LANG": "klingon"}, "zh"),
    ],
)
def test_the_language_is_that_of_the_variable_then_of_the_locale(monkeypatch, variables, expected):
    for name in ("CONVSCOPE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert language() == expected
    assert language(io.TextIOWrapper(io.BytesIO(), encoding="ascii")) == "en"


@pytest.mark.parametrize(
    ("english", "expected"),
    [
        ("photos: no images found in this folder", "photos：这个文件夹里没有图像"),
        (
            "x: the images lie in photos, whose name is no class: put the images into one folder per class, or add a "
            "table (.csv) with the columns path and label; a.json is of no kind that is read beside images: save it as "
            ".csv",
            "x：图像放在 photos 里，而这个名称不是类别：请把图像按类别放进文件夹，"
            "或添加一个含 path 和 label 两列的表格（.csv）；"
            "a.json 不是能与图像一起读取的格式：请另存为 .csv",
        ),
        ("warning: skipped a/b.png: empty file", "警告：跳过了 a/b.png：空文件"),
        ("error: C:\\a: b: no file matches this pattern (see convscope predict --help)",
         "错误：C:\\a：b：没有文件符合这个通配符（见 convscope predict --help）"),
        ("ab: 3 images in 2 classes, in colour; 3 cannot be used", "ab：3 张图像，2 个类别，彩色；3 张不能用"),
        # The words between two values stand in a value, too.
        ("kind: photos (no plain strokes on a plain background; change it with --kind digits); not mirrored "
         "in training (--augment none)",
         "内容：照片（不是单一背景上的笔画；可用 --kind digits 改变）；训练时不镜像（--augment none）"),
        ("1 image is more than 3 times as long as wide, so a centre crop cuts most of it off: --crop-mode pad keeps "
         "all of it: a/6.jpg",
         "有 1 张图像的长是宽的 3 倍以上，裁中央会切掉大部分：--crop-mode pad 可以保留全部：a/6.jpg"),
        ("cifar_fast at 128 pixels: 244 photos of about 267 to train on, 5 epochs",
         "cifar_fast，输入 128 像素：用 244 张边长约 267 像素的照片训练，5 轮"),
        # What a user typed stays, even if it reads like a message or a place for a value.
        ("all: no file matches this pattern", "all：没有文件符合这个通配符"),
        ("{1}{0}: no file matches this pattern", "{1}{0}：没有文件符合这个通配符"),
        ("\n  report  x/y.html\n", "\n  报告  x/y.html\n"),
        ("a sentence that nobody has translated", "a sentence that nobody has translated"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_finished_message_is_translated_with_those_inside_it(chinese, english, expected):
    assert translated(english) == expected


def test_a_phrase_takes_its_values_in_any_order(chinese, monkeypatch):
    assert phrase("{model} on {data}: {result}", model="{data}", data="d", result="r") == "{data} 在 d 上：r"
    monkeypatch.setenv("CONVSCOPE_LANG", "en")
    assert phrase("{model} on {data}: {result}", model="m", data="d", result="r") == "m on d: r"


def test_help_is_chinese_and_fits_the_terminal(chinese, capsys):
    for words in [["--help"], *([verb, "--help"] for verb in VERBS)]:
        assert main(words) == 0
        text = capsys.readouterr().out
        assert text.startswith("用法：convscope"), words
        for line in text.splitlines():
            assert _width(line) <= 80 or len(line.split()) < 3, line  # a long list of choices stands alone
        prose = re.sub(r"`[^`]*`|'[^']*'|\[[^\]]*\]|--\S+", "", text)
        assert not re.search(r"(?:\b[a-z]{2,} ){4,}", prose), (words, re.search(r"(?:\b[a-z]{2,} ){4,}", prose))


def test_lines_break_between_characters_but_not_before_marks():
    lines = wrapped("一二三四五六七八九十，" * 9, "  ")
    assert len(lines) > 2 and all(_width(line) <= WIDTH and line.startswith("  ") for line in lines)
    assert not any(line.strip().startswith("，") for line in lines)
    assert "".join(line.strip() for line in lines) == "一二三四五六七八九十，" * 9
    words = "a word of English " * 9
    assert [w for line in wrapped(words, "") for w in line.split()] == words.split()


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (["trian"], 2, "错误：没有“trian”这个命令，是不是“train”？（见 convscope --help）"),
        (["predict"], 2, "错误：缺少参数“TARGET”（见 convscope predict --help）"),
        (["train", "--epochs", "x"], 2, "错误：“--epochs”的值不对：应为整数（见 convscope train --help）"),
        (["predict", "mnist-lenet5", "x", "--format", "f"], 2, "错误：“--format”的值不对：“f”不在 "),
        (["train", "--kind", "f"], 2, "错误：--kind 必须是 auto, digits, photos 之一，不能是 'f'"),
        (["check", "no-such-folder"], 3, "错误：没有“no-such-folder”这个数据集，也没有这个文件夹：请给出文件夹"),
    ],
)
def test_errors_keep_their_codes(chinese, capsys, words, code, expected):
    assert main(words) == code
    assert capsys.readouterr().err.startswith(expected)


def test_json_is_the_same_in_both_languages(monkeypatch, capsys):
    found = []
    for name in ("zh", "en"):
        monkeypatch.setenv("CONVSCOPE_LANG", name)
        assert main(["check", "digits", "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0] == found[1]


def test_verbs_of_the_tests_are_those_of_the_command():
    assert set(typer.main.get_command(__import__("convscope.cli").cli.app).commands) == set(VERBS)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("crop_mode", ["center", "squash", "pad"])
def test_every_step_of_a_recipe_has_its_chinese(chinese, crop_mode, channels):
    preprocess = Preprocess(
        (channels, 32, 30), (0.5,) * channels, (0.2,) * channels, crop_mode=crop_mode, crop_pct=0.9, border=2,
        levels=(0, 4095), superpixels=50,
    )  # fmt: skip
    for input in ("pixels", "image"):
        for step in resizing_recipe(preprocess, input).split(BETWEEN_STEPS):
            words = re.sub(
                r"Pillow|JPEG|draft|None|crop|resize|resample|round|convert|BILINEAR|uint8|EXIF|RGB|SLIC|scikit-image",
                "",
                translated(step),
            )
            assert CHINESE.search(words) and not re.search("[A-Za-z]{4}", words), words
