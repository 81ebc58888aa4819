"""The cache of decoded images: the same pixels as without it, each image decoded once."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from convscope.data import Preprocess, decoded, load_data
from convscope.data.batches import Batches, in_order
from convscope.data.decoded import Reading, decode_split
from convscope.data.decoding.cache import CachedPixels
from convscope.data.decoding.pixel_file import PixelFile

from .photos import COLOUR, decode_folder, files, make_photos, same

CPU = torch.device("cpu")


def test_three_ways_to_keep_images_give_the_same(folder, tmp_path, monkeypatch, caplog):
    memory = decode_folder(folder, "off")
    assert sum("broken.jpg" in line for line in caplog.messages) == 1
    one, two = tmp_path / "one", tmp_path / "two"
    ways = {"Tensor": [decode_folder(folder, one), decode_folder(folder, one)]}
    monkeypatch.setattr(decoded, "SHARE_OF_MEMORY", 0)
    ways["CachedPixels"] = [decode_folder(folder, cache) for cache in (two, two, one)]
    ways["StreamedPixels"] = [decode_folder(folder, "off")]
    assert "20 images of 3 x 16 x 20 (0.0 GB) fit neither into memory" in caplog.text
    assert sum("broken.jpg" in line for line in caplog.messages) == 7  # once each time
    reference = list(Batches(memory["train"], COLOUR, 4, 3, CPU).epoch(1))
    for kind, results in ways.items():
        for parts in results:
            assert {type(part.pixels).__name__ for part in parts.values()} == {kind}
            assert same(parts, memory)
            epoch = list(Batches(parts["train"], COLOUR, 4, 3, CPU).epoch(1, start=1))
            assert len(epoch) == len(reference) - 1 > 1
            for (images, labels), (others, other_labels) in zip(epoch, reference[1:], strict=True):
                assert torch.equal(images, others) and torch.equal(labels, other_labels)
                assert images.stride() == others.stride()
            whole = torch.cat([images for images, _ in in_order(parts["train"], COLOUR, CPU, 5)])
            assert torch.equal(whole, COLOUR.normalize(memory["train"].pixels))


def test_the_statistics_are_those_of_the_pixels(folder):
    part = decode_folder(folder, "off")["train"]
    values = part.pixels.double() / 255
    mean, std = part.statistics()
    assert np.allclose(mean, values.mean((0, 2, 3))) and np.allclose(std, values.std((0, 2, 3), correction=0))


@pytest.mark.parametrize("room", [0, 10**9])
def test_an_image_is_decoded_once(folder, tmp_path, decodings, monkeypatch, room):
    monkeypatch.setattr(decoded, "MOST_IN_MEMORY", room)
    decode_folder(folder, tmp_path / "cache")
    assert len(decodings) == 21
    decodings.clear()
    again = decode_folder(folder, tmp_path / "cache")
    assert len(decodings) == 1  # the broken one, which may have been repaired
    make_photos(folder, 23)  # all are written again with the same content, and three more
    decodings.clear()
    more = decode_folder(folder, tmp_path / "cache")
    assert len(decodings) == 4 and sum(map(len, more.values())) == 23
    shutil.copytree(folder, tmp_path / "copy")
    decodings.clear()
    copied = decode_folder(tmp_path / "copy", tmp_path / "cache")
    assert len(decodings) == 1 and same(copied, more) and not same(again, more)
    assert same(copied, decode_folder(folder, "off"))


def test_a_file_that_changed_is_decoded_again(folder, tmp_path, decodings):
    decode_folder(folder, tmp_path / "cache")
    target = folder / "a" / "00.png"
    Image.new("RGB", (30, 30), (200, 0, 0)).save(target)
    decodings.clear()
    split = load_data(folder).split("all")
    part = decode_split(split, COLOUR, Reading(os.fspath(tmp_path / "cache")))
    assert len(decodings) == 2
    assert part.pixels[part.names.index("a/00.png")].flatten(1).eq(torch.tensor([[200], [0], [0]])).all()


def test_other_settings_have_other_images(folder, tmp_path):
    squash = Preprocess((3, 16, 20), (0.5,) * 3, (0.5,) * 3, crop_mode="squash")
    for preprocess in (COLOUR, squash, Preprocess((3, 20, 16), (0.5,) * 3, (0.5,) * 3), Preprocess((1, 16, 20))):
        for _ in range(2):
            assert same(decode_folder(folder, tmp_path / "cache", preprocess), decode_folder(folder, "off", preprocess))
    normalised = Preprocess((3, 16, 20), (0.1,) * 3, (0.9,) * 3)  # applied to the decoded pixels
    before = files(tmp_path / "cache")
    decode_folder(folder, tmp_path / "cache", normalised)
    assert files(tmp_path / "cache") == before


def test_nothing_is_written_into_the_data_folder(folder, tmp_path):
    def listing() -> list[tuple[str, int]]:
        return sorted((str(path), path.stat().st_mtime_ns) for path in [folder, *folder.rglob("*")])

    before = listing()
    decode_folder(folder, tmp_path / "cache")
    decode_folder(folder, tmp_path / "cache")
    assert listing() == before and all(name.endswith(".pixels") for name in files(tmp_path / "cache"))


def test_cached_pixels_are_indexed_like_a_tensor(folder, tmp_path, monkeypatch):
    memory = decode_split(load_data(folder).split("all"), COLOUR, Reading("off")).pixels
    monkeypatch.setattr(decoded, "SHARE_OF_MEMORY", 0)
    decode_folder(folder, tmp_path / "cache")
    pixels = decode_split(load_data(folder).split("all"), COLOUR, Reading(os.fspath(tmp_path / "cache"))).pixels
    assert isinstance(pixels, CachedPixels) and len(pixels.files) == 3  # one for each split
    generator = torch.Generator().manual_seed(0)
    for count in (0, 1, 7, 50):
        indices = torch.randint(len(memory), (count,), generator=generator)
        assert torch.equal(pixels.take(indices), memory[indices])
    assert torch.equal(pixels[3], memory[3]) and torch.equal(pixels[-1], memory[-1])
    assert torch.equal(pixels[2:9:3], memory[2:9:3]) and len(pixels[30:]) == 0
    with pytest.raises(IndexError):
        pixels[20]


@pytest.mark.parametrize("harm", ["cut", "empty", "other", "index"])
def test_a_damaged_file_is_not_used(folder, tmp_path, harm, decodings):
    decode_folder(folder, tmp_path / "cache")
    for path in (tmp_path / "cache").iterdir():
        content = bytearray(path.read_bytes())
        content[-100 if harm == "index" else 0] ^= 255
        path.write_bytes({"cut": content[:-5], "empty": b"", "other": b"x" * 5000, "index": content}[harm])
    decodings.clear()
    assert same(decode_folder(folder, tmp_path / "cache"), decode_folder(folder, "off"))
    assert len(decodings) == 42
    decodings.clear()
    decode_folder(folder, tmp_path / "cache")
    assert len(decodings) == 1  # the others are in the cache again


def test_arrays_that_are_too_large_for_memory_once_resized_are_cached_too(tmp_path, monkeypatch):
    split = load_data("digits").split("test")
    preprocess = Preprocess((1, 32, 32))
    memory = decode_split(split, preprocess, Reading("off"))
    monkeypatch.setattr(decoded, "SHARE_OF_MEMORY", 0)
    for kind, cache in (("CachedPixels", os.fspath(tmp_path)), ("StreamedPixels", "off")):
        part = decode_split(split, preprocess, Reading(cache, workers=1))
        assert type(part.pixels).__name__ == kind and torch.equal(part.pixels[:], memory.pixels)
        assert part.statistics() == memory.statistics()


def test_a_file_that_shrinks_while_it_is_read_is_an_error(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(decoded, "SHARE_OF_MEMORY", 0)
    part = decode_folder(folder, tmp_path / "cache")["train"]
    for path in (tmp_path / "cache").iterdir():
        os.truncate(path, 10)
        assert PixelFile.open(path) is None
    with pytest.raises(OSError, match="is shorter than it was"):
        part.pixels[:]


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_flipped_byte_is_noticed_and_the_image_decoded_anew(folder, tmp_path, monkeypatch, caplog, in_memory):
    if not in_memory:
        monkeypatch.setattr("convscope.data.decoded.MOST_IN_MEMORY", 0)
    right = decode_folder(folder, tmp_path)
    for path in tmp_path.glob("*.pixels"):
        content = bytearray(path.read_bytes())
        content[1000] ^= 1
        path.write_bytes(content)
    assert same(right if in_memory else decode_folder(folder, "off"), decode_folder(folder, tmp_path))
    assert "is damaged: images are decoded again" in caplog.text and not list(tmp_path.glob("*.pixels"))
    assert same(decode_folder(folder, "off"), decode_folder(folder, tmp_path))
