"""The cache of decoded images: right, shared, bounded, and never in the way."""

from __future__ import annotations

import json
import logging
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from convscope.cli import main
from convscope.data import Preprocess, decoded, load_data
from convscope.data.batches import Batches, in_order
from convscope.data.decoded import Reading, decode_data, decode_split
from convscope.data.decoding import decoded_image as row
from convscope.data.decoding.cache import PackRows, cache_root, clear, entries, make_room
from convscope.data.decoding.pixel_file import Pack, PackWriter
from convscope.data.decoding.stream import Streamed
from convscope.errors import UsageError

COLOUR = Preprocess((3, 16, 20), mean=(0.5,) * 3, std=(0.5,) * 3)
CPU = torch.device("cpu")


@pytest.fixture
def folder(tmp_path) -> Path:
    return photos(tmp_path / "photos")


def photos(root: Path, images: int = 20, seed: int = 0) -> Path:
    """Two classes of colourful JPEG and PNG files of several sizes, and one broken file."""
    coin = np.random.default_rng(seed)
    for i in range(images):
        place = root / "ab"[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        small = coin.integers(0, 256, (5, 6, 3), dtype=np.uint8)
        image = Image.fromarray(small).resize((60 + i, 40 + 2 * i), Image.Resampling.BICUBIC)
        image.save(place / f"{i:02d}.{'jpg' if i % 3 else 'png'}")
    (root / "a" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no image")
    return root


def read(root: Path, cache: Path | str, preprocess: Preprocess = COLOUR) -> dict[str, decoded.Decoded]:
    return decode_data(load_data(root), preprocess, reading=Reading(os.fspath(cache), workers=2))


def same(one: dict[str, decoded.Decoded], two: dict[str, decoded.Decoded]) -> bool:
    return one.keys() == two.keys() and all(
        torch.equal(one[name].pixels[:], two[name].pixels[:])
        and torch.equal(one[name].labels, two[name].labels)
        and (one[name].names, one[name].skipped) == (two[name].names, two[name].skipped)
        and one[name].identity() == two[name].identity()
        and one[name].statistics() == two[name].statistics()
        for name in one
    )


@pytest.fixture
def decodings(monkeypatch) -> list[int]:
    """Grows by one whenever an image is decoded."""
    done: list[int] = []
    real = row.decode_pixels
    monkeypatch.setattr(row, "decode_pixels", lambda *given: (done.append(1), real(*given))[1])
    return done


def in_a_process(work: Callable[[], Any]) -> Any:
    """Run in a process of its own, a copy of this one; `answer` gives what came back, and the warnings."""
    queue: Any = get_context("fork").SimpleQueue()

    def run() -> None:
        said: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
        logging.getLogger("convscope").addHandler(handler)
        queue.put((work(), said))

    process: Any = get_context("fork").Process(target=run)
    process.queue = queue
    process.start()
    return process


def answer(process: Any) -> tuple[Any, list[str]]:
    given = process.queue.get()
    process.join()
    return given


def sums(parts: dict[str, decoded.Decoded]) -> list[tuple[str, int]]:
    return [(type(part.pixels).__name__, int(part.pixels[:].sum())) for part in parts.values()]


def files(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir())


def test_three_ways_to_keep_images_give_the_same(folder, tmp_path, monkeypatch, caplog):
    memory = read(folder, "off")
    told = caplog.messages
    assert sum("broken.jpg" in line for line in told) == 1
    ways = {"Tensor": [read(folder, tmp_path / "one"), read(folder, tmp_path / "one")]}
    monkeypatch.setattr(decoded, "MOST_IN_MEMORY", 0)
    ways["PackRows"] = [read(folder, tmp_path / "two"), read(folder, tmp_path / "two"), read(folder, tmp_path / "one")]
    ways["Streamed"] = [read(folder, "off")]
    assert "20 images of 3 x 16 x 20 (0.0 GB) fit neither into memory nor into the cache, which is off" in caplog.text
    assert sum("broken.jpg" in line for line in caplog.messages) == 7  # every time anew, and once each time
    reference = list(Batches(memory["train"], COLOUR, 4, 3, CPU).epoch(1))
    for kind, found in ways.items():
        for parts in found:
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
    part = read(folder, "off")["train"]
    values = part.pixels.double() / 255
    mean, std = part.statistics()
    assert np.allclose(mean, values.mean((0, 2, 3))) and np.allclose(std, values.std((0, 2, 3), correction=0))
    assert COLOUR.with_statistics(part.pixels).mean == mean and COLOUR.with_statistics(part.pixels).std == std


@pytest.mark.parametrize("room", [0, 10**9])
def test_an_image_is_decoded_once(folder, tmp_path, decodings, monkeypatch, room):
    monkeypatch.setattr(decoded, "MOST_IN_MEMORY", room)
    read(folder, tmp_path / "cache")
    assert len(decodings) == 21
    decodings.clear()
    again = read(folder, tmp_path / "cache")
    assert len(decodings) == 1  # the broken one may have been mended
    photos(folder, 23)  # all are written anew, with the same content, and three more
    decodings.clear()
    more = read(folder, tmp_path / "cache")
    assert len(decodings) == 4 and sum(map(len, more.values())) == 23
    shutil.copytree(folder, tmp_path / "copy")
    decodings.clear()
    copied = read(tmp_path / "copy", tmp_path / "cache")
    assert len(decodings) == 1 and same(copied, more) and not same(again, more)
    assert same(copied, read(folder, "off"))


def test_a_file_that_changed_is_decoded_again(folder, tmp_path, decodings):
    read(folder, tmp_path / "cache")
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
            assert same(read(folder, tmp_path / "cache", preprocess), read(folder, "off", preprocess))
    normalised = Preprocess((3, 16, 20), (0.1,) * 3, (0.9,) * 3)  # comes after the pixels
    before = files(tmp_path / "cache")
    read(folder, tmp_path / "cache", normalised)
    assert files(tmp_path / "cache") == before


def test_nothing_is_written_into_the_data_folder(folder, tmp_path):
    def listing() -> list[tuple[str, int]]:
        return sorted((str(path), path.stat().st_mtime_ns) for path in [folder, *folder.rglob("*")])

    before = listing()
    read(folder, tmp_path / "cache")
    read(folder, tmp_path / "cache")
    assert listing() == before and all(name.endswith(".pixels") for name in files(tmp_path / "cache"))


def test_rows_come_in_any_order_and_as_often_as_asked(folder, tmp_path, monkeypatch):
    memory = decode_split(load_data(folder).split("all"), COLOUR, Reading("off")).pixels
    monkeypatch.setattr(decoded, "MOST_IN_MEMORY", 0)
    read(folder, tmp_path / "cache")
    rows = decode_split(load_data(folder).split("all"), COLOUR, Reading(os.fspath(tmp_path / "cache"))).pixels
    assert isinstance(rows, PackRows) and len(rows.packs) == 3  # they lie where the splits were written
    coin = torch.Generator().manual_seed(0)
    for count in (0, 1, 7, 50):
        places = torch.randint(len(memory), (count,), generator=coin)
        assert torch.equal(rows.take(places), memory[places])
    assert torch.equal(rows[3], memory[3]) and torch.equal(rows[-1], memory[-1])
    assert torch.equal(rows[2:9:3], memory[2:9:3]) and len(rows[30:]) == 0
    with pytest.raises(IndexError):
        rows[20]


@pytest.mark.parametrize("harm", ["cut", "empty", "other", "index"])
def test_a_damaged_file_is_not_used(folder, tmp_path, harm, decodings):
    read(folder, tmp_path / "cache")
    for path in (tmp_path / "cache").iterdir():
        content = bytearray(path.read_bytes())
        content[-100 if harm == "index" else 0] ^= 255
        path.write_bytes({"cut": content[:-5], "empty": b"", "other": b"x" * 5000, "index": content}[harm])
    decodings.clear()
    assert same(read(folder, tmp_path / "cache"), read(folder, "off"))
    assert len(decodings) == 42
    decodings.clear()
    read(folder, tmp_path / "cache")
    assert len(decodings) == 1  # made good


def test_what_was_not_used_for_longest_goes_first(tmp_path, monkeypatch, caplog):
    cache, sets = tmp_path / "cache", [photos(tmp_path / str(i), seed=i) for i in range(4)]
    one = 20 * 3 * 16 * 20
    monkeypatch.setenv("CONVSCOPE_CACHE_SIZE", f"{3.8 * one / 1000}kB")
    kept = {}
    for number in (0, 1, 2, 0, 3):  # the fourth does not fit beside the three; 1 is the oldest
        before = set(files(cache)) if cache.exists() else set()
        read(sets[number], cache)
        for name in set(files(cache)) - before:
            kept[name] = number
        time.sleep(0.02)
    assert {kept[name] for name in files(cache)} >= {0, 3}
    assert sum(1 for name in files(cache) if kept[name] == 1) < 3
    assert sum(entry.bytes for entry in entries(cache)) <= 3.8 * one
    monkeypatch.setattr(decoded, "MOST_IN_MEMORY", 0)
    monkeypatch.setenv("CONVSCOPE_CACHE_SIZE", "1 kb")
    before = files(cache)
    parts = read(photos(tmp_path / "large", seed=9), cache)
    assert isinstance(parts["train"].pixels, Streamed) and "fit neither" in caplog.text
    assert set(before) <= set(files(cache))  # nothing is removed for what will not fit anyway
    monkeypatch.setenv("CONVSCOPE_CACHE_SIZE", "lots")
    with pytest.raises(UsageError, match="CONVSCOPE_CACHE_SIZE must be a size such as 500MB or 20GB, not 'lots'"):
        make_room(cache, 1, set())


def test_a_full_disk_leaves_the_free_space_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("convscope.data.decoding.cache._free", lambda _: 400_000_000)
    assert not make_room(tmp_path, 1000, set())


@pytest.mark.parametrize("room", [0, 10**9])
def test_a_disk_that_fills_up_stops_nobody(folder, tmp_path, monkeypatch, room):
    """In a process that may write no file of more than 3 kB: to it, the disk is full."""
    cache, expected = tmp_path / "cache", sums(read(folder, "off"))
    monkeypatch.setattr(decoded, "MOST_IN_MEMORY", room)

    def work() -> Any:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
        return sums(read(folder, cache))

    found, said = answer(in_a_process(work))
    assert found == [("Tensor" if room else "Streamed", total) for _, total in expected]
    assert sum("decoded images cannot be kept in" in line and "File too large" in line for line in said) == 1
    assert files(cache) == []


def test_a_cache_that_cannot_be_made_stops_nobody(folder, tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    assert same(read(folder, tmp_path / "file" / "cache"), read(folder, "off"))
    assert sum("cannot be kept" in line for line in caplog.messages) == 1


def test_two_processes_at_once(folder, tmp_path, monkeypatch):
    cache, expected = tmp_path / "cache", sums(read(folder, "off"))
    monkeypatch.setattr(decoded, "MOST_IN_MEMORY", 0)
    both = [in_a_process(lambda: sums(read(folder, cache))) for _ in range(3)]
    for process in both:
        assert answer(process)[0] == [("PackRows", total) for _, total in expected]
    assert len(files(cache)) == 3 and all(name.endswith(".pixels") for name in files(cache))


@pytest.mark.parametrize("moment", ["add", "finish", "replace"])
def test_kill_9_while_writing(folder, tmp_path, monkeypatch, moment):
    cache = tmp_path / "cache"
    owner = Path if moment == "replace" else PackWriter
    real, calls = getattr(owner, moment), []

    def killed(self, *given):
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, *given)

    with monkeypatch.context() as patched:
        patched.setattr(owner, moment, killed)
        process = in_a_process(lambda: read(folder, cache))
        process.join()
    assert process.exitcode == -signal.SIGKILL
    assert sum("unfinished" in name for name in files(cache)) == 1
    assert same(read(folder, cache), read(folder, "off"))
    assert not [name for name in files(cache) if "unfinished" in name]


def test_what_another_process_is_writing_stays(folder, tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    name = f".unfinished-{os.uname().nodename}-{other.pid}-00000000"
    (cache / name).write_bytes(b"half")
    (cache / ".unfinished-elsewhere-1-00000000").write_bytes(b"another machine's")
    os.utime(cache / ".unfinished-elsewhere-1-00000000", (0, 0))
    read(folder, cache)
    assert [entry for entry in files(cache) if "unfinished" in entry] == [name]
    other.kill()
    other.wait()
    read(photos(tmp_path / "more", seed=5), cache)
    assert not [entry for entry in files(cache) if "unfinished" in entry]


@pytest.mark.skipif(os.name == "nt", reason="files that are in use stay there")
def test_clearing_does_not_disturb_who_reads(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(decoded, "MOST_IN_MEMORY", 0)
    part = read(folder, tmp_path / "cache")["train"]
    removed, freed, left = clear(tmp_path / "cache")
    assert (removed, left) == (3, 0) and freed > 20 * 960 and files(tmp_path / "cache") == []
    assert torch.equal(part.pixels[:], read(folder, "off")["train"].pixels[:])


def test_the_user_sees_what_is_in_it_and_can_clear_it(folder, tmp_path, monkeypatch, capsys):
    def said(*words: str) -> str:
        assert main(["cache", *words]) == 0
        return capsys.readouterr().out

    place = tmp_path / "mine" / "decoded"
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "mine"))
    monkeypatch.setenv("CONVSCOPE_CACHE_SIZE", "1.5GB")
    assert "0 files, 0 bytes of at most 1.5 GB" in said()
    read(folder, place)
    shown = said()
    assert "3 files" in shown and "3 x 16 x 20" in shown and str(folder) in shown
    document = json.loads(said("show", "--json", "--cache", str(place)))
    assert document["limit"] == 1_500_000_000 and sum(file["images"] for file in document["files"]) == 20
    assert document["files"][0]["settings"]["crop_mode"] == "center"
    assert document["files"][0]["source"].startswith(str(folder))
    assert "3 files removed" in said("clear") and files(place) == []


def test_where_it_is(monkeypatch, tmp_path):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path))
    assert cache_root("auto") == tmp_path / "decoded" and cache_root("off") is None
    assert cache_root("elsewhere") == Path("elsewhere")


def test_arrays_that_are_too_large_for_memory_once_resized_are_kept_too(tmp_path, monkeypatch):
    split = load_data("digits").split("test")
    preprocess = Preprocess((1, 32, 32))
    memory = decode_split(split, preprocess, Reading("off"))
    monkeypatch.setattr(decoded, "MOST_IN_MEMORY", 0)
    for kind, cache in (("PackRows", os.fspath(tmp_path)), ("Streamed", "off")):
        part = decode_split(split, preprocess, Reading(cache, workers=1))
        assert type(part.pixels).__name__ == kind and torch.equal(part.pixels[:], memory.pixels)
        assert part.statistics() == memory.statistics()


def test_a_pack_that_shrinks_while_it_is_read_is_an_error_not_noise(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(decoded, "MOST_IN_MEMORY", 0)
    part = read(folder, tmp_path / "cache")["train"]
    for path in (tmp_path / "cache").iterdir():
        os.truncate(path, 10)
        assert Pack.open(path) is None
    with pytest.raises(OSError, match="is shorter than it was"):
        part.pixels[:]
