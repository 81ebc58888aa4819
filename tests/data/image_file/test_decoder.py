"""Opening image files: what cannot be used is refused in one line, the rest has the right pixels."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from convscope.data.image_file import (
    IMAGE_SUFFIXES,
    UnreadableImage,
    decode,
    header,
    is_gray,
    read_bytes,
    read_image,
    to_gray_or_rgb,
)

from .. import hostile

# pytest replaces Python's filters of warnings; a test below shows that a process of its own prints none.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
FUZZ = settings(max_examples=200, deadline=None, derandomize=True, database=None)
# Prints the peak memory that reading each file takes, in MB, and the reason if it is refused.
MEASURE = """
import json, pathlib, sys
from convscope.data.image_file import UnreadableImage, read_image

def peak():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

grown = {}
for path in map(pathlib.Path, sys.argv[1:]):
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before, reason = peak(), None
    try:
        read_image(path)
    except UnreadableImage as problem:
        reason = str(problem)
    grown[path.name] = peak() - before, reason
print(json.dumps(grown))
"""


def refusal(path: Path) -> str:
    with pytest.raises(UnreadableImage) as refused:
        read_image(path)
    reason = str(refused.value)
    assert len(reason.splitlines()) == 1 and len(reason) < 200
    return reason


@pytest.mark.parametrize("name", hostile.SKIPPED)
def test_what_cannot_be_used_is_refused_in_one_line(name, tmp_path):
    content, reason = hostile.SKIPPED[name]
    (tmp_path / name).write_bytes(content)
    assert re.search(reason, refusal(tmp_path / name))


@pytest.mark.parametrize("name", hostile.USED)
def test_what_can_be_used_has_the_right_colours_the_right_way_up(name, tmp_path):
    content, colours = hostile.USED[name]
    (tmp_path / name).write_bytes(content)
    image = read_image(tmp_path / name)
    assert image.mode in ("L", "RGB")
    assert np.abs(hostile.means(image) - colours).max() <= 2
    assert image.size == ((10_000, 2) if name == "wide.png" else (hostile.WIDTH, hostile.HEIGHT))
    if is_gray(tmp_path / name):  # what the header says must fit what is decoded
        assert image.mode == "L"


@pytest.mark.parametrize("name", [n for n in hostile.USED if "gray" in n or "bilevel" in n or n.endswith(".pgm")])
def test_one_channel_stays_one_channel(name, tmp_path):
    (tmp_path / name).write_bytes(hostile.USED[name][0])
    assert is_gray(tmp_path / name) and read_image(tmp_path / name).mode == "L"


@pytest.mark.timeout(20)
def test_pipes_sockets_devices_and_broken_links_are_refused_and_never_opened(tmp_path, monkeypatch):
    special = hostile.write_special(tmp_path)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("opened"))
    for name, reason in special.items():
        assert reason in refusal(tmp_path / name)
        assert is_gray(tmp_path / name) is None
    assert refusal(tmp_path) == "a folder, not an image"
    assert refusal(tmp_path / "nowhere.jpg") == refusal(tmp_path / "nul\0.jpg") == "no such file"
    assert "too long" in refusal(tmp_path / ("n" * 300)).lower()


def test_a_file_that_may_not_be_read(tmp_path):
    (tmp_path / "locked.png").write_bytes(hostile.small(1))
    (tmp_path / "locked.png").chmod(0)
    tmp_path.chmod(0o755)
    # Root may read everything, so the process becomes another user, already in the folder.
    code = """
import os
from convscope.data.image_file import UnreadableImage, read_image
if os.getuid() == 0:
    os.setuid(65534)
try:
    read_image("locked.png")
except UnreadableImage as problem:
    print(problem)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("no permission to read it\n", "")


def test_a_file_that_breaks_while_it_is_read(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(hostile.small(1))

    def broken(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", broken)
    assert refusal(tmp_path / "a.png") == "cannot be read (Input/output error)"


@pytest.mark.parametrize("name", hostile.NAMES)
def test_names_may_hold_anything(name, tmp_path):
    (tmp_path / name).write_bytes(hostile.small(200))
    assert read_bytes(tmp_path / name) == read_bytes(str(tmp_path / name)) == hostile.small(200)
    assert Path(name).suffix.lower() in IMAGE_SUFFIXES


def test_one_pixel_is_a_picture():
    image = decode(hostile.encode(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG"))
    assert (image.size, image.getpixel((0, 0))) == ((1, 1), (1, 2, 3))


@pytest.mark.parametrize("mode", ["La", "RGBa", "RGBX", "YCbCr", "HSV", "CMYK", "I;16B", "PA"])
def test_rarer_modes_keep_a_plain_gray(mode):
    """A caller of the library may pass an image of any mode that Pillow has."""
    if mode == "I;16B":
        image = Image.frombytes(mode, (4, 4), (128 * 257).to_bytes(2, "big") * 16)
    elif mode == "PA":
        image = Image.new("LA", (4, 4), (128, 255)).convert("PA")
    else:
        image = Image.new("RGB", (4, 4), (128, 128, 128))
        image = Image.new("LA", (4, 4), (128, 255)).convert("La") if mode == "La" else image
        image = image.convert("RGBA").convert(mode) if mode == "RGBa" else image.convert(mode)
    assert np.abs(np.asarray(to_gray_or_rgb(image)).astype(int) - 128).max() <= 2


def test_refusing_a_bomb_takes_hardly_any_memory_and_prints_nothing(tmp_path):
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("peak memory is measured by Linux only")
    hostile.write_all(tmp_path, {**hostile.USED, **hostile.SKIPPED})
    # Large files that are no image, or claim too many pixels, are refused by their first bytes.
    for name, head in (("zeros.jpg", b""), ("huge.png", hostile.SKIPPED["bomb-12000.png"][0])):
        with (tmp_path / name).open("wb") as file:
            file.write(head)
            file.truncate(400_000_000)
    names = [*hostile.USED, *hostile.SKIPPED, "zeros.jpg", "huge.png"]
    words = [sys.executable, "-c", MEASURE, *(str(tmp_path / name) for name in names)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stderr == ""  # neither Pillow's warnings nor those of libtiff and libpng
    grown = json.loads(done.stdout)
    assert {name for name, (_, reason) in grown.items() if reason is None} == set(hostile.USED)
    assert {name: megabytes for name, (megabytes, _) in grown.items() if megabytes > 20} == {}
    assert grown["rgb.jpg"][0] >= 0 and len(grown) == len(names)


def test_a_limit_on_pixels_is_exact(monkeypatch):
    content = hostile.USED["rgb.jpg"][0]
    monkeypatch.setattr(header, "MAX_PIXELS", hostile.WIDTH * hostile.HEIGHT)
    assert decode(content).size == (hostile.WIDTH, hostile.HEIGHT)
    monkeypatch.setattr(header, "MAX_PIXELS", hostile.WIDTH * hostile.HEIGHT - 1)
    with pytest.raises(UnreadableImage, match="48 x 32"):
        decode(content)


def test_a_file_over_the_limit_of_bytes(tmp_path):
    with (tmp_path / "large.jpg").open("wb") as file:
        file.truncate(600_000_000)
    assert "600 MB, over the limit" in refusal(tmp_path / "large.jpg")


def check_refused_or_decoded(content: bytes) -> None:
    try:
        image = decode(content)
    except UnreadableImage as problem:
        assert len(str(problem).splitlines()) == 1
    else:
        assert image.mode in ("L", "RGB") and image.width * image.height <= header.MAX_PIXELS


HEADS = [
    b"",
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF89a",
    b"RIFF\x20\0\0\0WEBPVP8 ",
    b"II*\0",
    b"MM\0*",
    b"BM",
    b"P5 ",
]


@FUZZ
@given(head=st.sampled_from(HEADS), rest=st.binary(max_size=200))
def test_random_bytes_are_refused_or_used(head, rest):
    check_refused_or_decoded(head + rest)


@FUZZ
@given(data=st.data(), name=st.sampled_from(sorted(hostile.USED)))
def test_mutated_images_are_refused_or_used(data, name):
    content = bytearray(hostile.USED[name][0])
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, min(len(content) - 1, 400)))
        match data.draw(st.sampled_from(["set", "cut", "repeat"])):
            case "set":
                content[at] = data.draw(st.integers(0, 255))
            case "cut":
                del content[at : at + data.draw(st.integers(1, 40))]
            case "repeat":
                content[at:at] = content[at : at + data.draw(st.integers(1, 40))]
        if not content:
            break
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(header, "MAX_PIXELS", 1_000_000)  # the test is about the parser, not about large images
        check_refused_or_decoded(bytes(content))


@pytest.mark.parametrize("share", [0.5, 0.99])
def test_a_tiff_that_was_cut_is_called_so(tmp_path, share):
    path = tmp_path / "x.tif"
    Image.effect_noise((60, 60), 50).convert("RGB").save(path, compression="tiff_lzw")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(UnreadableImage, match="TIFF that ends before its tags: it was cut"):
        read_image(path)
