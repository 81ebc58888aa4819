"""Text in legacy encodings: decoded where that is sure, else one line that names the readings."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from convscope.data import load_data
from convscope.data.sources.text_encoding import decode_names, decode_text
from convscope.errors import DataError

from ..hostile import small, write
from ..sets import class_by_name

SURE = {
    "gb18030": "训练集里的猫和狗，我们要学会分辨它们",
    "big5": "訓練集裡的貓和狗，我們要學會分辨牠們的樣子",
    "cp932": "ねことイヌの写真",
    "euc_kr": "고양이와 강아지 사진을 구별하기",
    "cp1252": "château, Müller, naïve, señor",
}


@pytest.mark.parametrize("encoding", SURE)
def test_plain_cases_are_decoded_or_asked_about_but_never_broken(encoding):
    text = SURE[encoding]
    try:
        assert decode_text(text.encode(encoding), "t.csv") == text
    except DataError as problem:
        assert "--encoding" in str(problem) and len(str(problem).splitlines()) == 1
    assert decode_text(text.encode(encoding), "t.csv", encoding) == text


@pytest.mark.parametrize("encoding", ["gb18030", "cp932", "cp1252"])
def test_what_only_one_encoding_explains_is_decoded(encoding):
    assert decode_text(SURE[encoding].encode(encoding), "t.csv") == SURE[encoding]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_is_known_by_its_bytes(encoding):
    assert decode_text("path,label\n1.png,猫\n".encode(encoding), "t.csv") == "path,label\n1.png,猫\n"


def test_two_readings_are_both_named():
    with pytest.raises(DataError, match=r"t.csv: may be '.*' in GB18030 or '.*' in .*: choose with --encoding"):
        decode_names(["猫".encode("gb18030"), "狗".encode("gb18030")], "t.csv")


@pytest.mark.parametrize("encoding", ["nonsense", "ascii"])
def test_a_wrong_encoding_is_refused_in_one_line(encoding):
    with pytest.raises(DataError, match="encoding"):
        decode_text("猫".encode("gb18030"), "t.csv", encoding)


def legacy_zip(path: Path, encoding: str, names: list[str]) -> Path:
    """Write a zip whose names are in a legacy encoding and not marked, as the system's own tools do."""
    with zipfile.ZipFile(path, "w") as archive:
        for i, name in enumerate(names):
            archive.writestr(f"{i:03d}" + "x" * (len(name.encode(encoding)) - 3), small(i + 1))
    content = path.read_bytes()
    for i, name in enumerate(names):
        raw = name.encode(encoding)
        content = content.replace(f"{i:03d}".encode() + b"x" * (len(raw) - 3), raw)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("encoding", "classes"),
    [
        ("gb18030", ("小猫图片", "家里的狗")),
        ("big5", ("功課", "許多的貓咪")),
        ("cp932", ("ソフト表", "ねこ")),
    ],
)
def test_zips_with_names_in_a_legacy_encoding(encoding, classes, tmp_path):
    """功, ソ and 表 end with the byte of a backslash, which is no separator."""
    names = [f"{label}/{i}.png" for label in classes for i in range(3)]
    source = legacy_zip(tmp_path / "set.zip", encoding, names)
    data = load_data(source, encoding=encoding)
    assert set(data.class_names) == set(classes) and set(class_by_name(data, "all")) == set(names)
    try:
        assert set(load_data(source).class_names) == set(classes)
    except DataError as problem:
        assert "--encoding" in str(problem)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
def test_a_table_in_another_encoding(encoding, tmp_path):
    for i in range(4):
        write(tmp_path / f"{i}.png", small(i + 1))
    rows = [f"{i}.png,{['我们家的猫', '可爱的狗'][i % 2]}" for i in range(4)]
    write(tmp_path / "t.csv", "\n".join(["path,label", *rows]).encode(encoding))
    assert set(load_data(tmp_path / "t.csv").class_names) == {"我们家的猫", "可爱的狗"}


def test_zip_flags_are_as_the_test_says(tmp_path):
    source = legacy_zip(tmp_path / "set.zip", "gb18030", ["猫猫/1.png"])
    flags = struct.unpack_from("<H", source.read_bytes(), 6)[0]
    assert not flags & 0x800


@pytest.mark.parametrize(
    "names", [("größe/1.jpg", "äpfel/1.jpg"), ("señal/a.jpg", "niño/a.jpg"), ("résumé/a.jpg", "été/a.jpg")]
)
def test_names_of_zips_from_dos_are_never_taken_for_chinese(names):
    raw = [name.encode("cp437") for name in names]
    try:
        assert decode_names(raw, "a.zip", more=("cp437",)) == [*names]
    except DataError as problem:
        assert "in DOS or" in str(problem)
    assert decode_names(raw, "a.zip", "cp437") == [*names]
    chinese = [name.encode("gb18030") for name in ("训练图像/1.jpg", "测试图像/1.jpg")]
    assert decode_names(chinese, "a.zip", more=("cp437",)) == decode_names(chinese, "a.zip")
