"""What the network sees of a picture is the same in the file as in Python, within 1 of 255."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convscope.data.preprocess import Preprocess
from convscope.serving.examples import PHOTO_FOLDER
from convscope.serving.http.static_files import PAGE

SCRIPT = """
const { decode } = await import("/file/picture.js");
const { preprocess } = await import("/file/preprocess.js");
const bytes = Uint8Array.from(atob(argument.content), (one) => one.charCodeAt(0));
return Array.from(preprocess(await decode(new Blob([bytes])), argument.preprocessing));
"""
COLOUR = {"mean": (0.5,) * 3, "std": (0.5,) * 3}


@pytest.fixture(scope="module")
def seen_by_the_page(browser):
    page = browser.new_page()

    def answer(route):
        path = PAGE / route.request.url.removeprefix("http://page.test/")
        if path.is_file():
            route.fulfill(body=path.read_bytes(), content_type="text/javascript")
        else:
            route.fulfill(body="<title>page</title>", content_type="text/html")

    page.route("**/*", answer)
    page.goto("http://page.test/")

    def seen(content: bytes, preprocess: Preprocess) -> np.ndarray:
        argument = {"content": base64.b64encode(content).decode(), "preprocessing": preprocess.to_dict()}
        values = page.evaluate(f"async (argument) => {{ {SCRIPT} }}", argument)
        return np.array(values, np.uint8).reshape(preprocess.input_size)

    yield seen
    page.close()


def photo(size: tuple[int, int], kind: str = "PNG", name: str = "cat.jpg", **options: object) -> bytes:
    """A photo in another size and format."""
    file = io.BytesIO()
    Image.open(PHOTO_FOLDER / name).resize(size).save(file, kind, **options)
    return file.getvalue()


def differences(seen_by_the_page, content: bytes, preprocess: Preprocess) -> np.ndarray:
    ours = preprocess.read(content).numpy().astype(int)
    return np.abs(seen_by_the_page(content, preprocess).astype(int) - ours)


def largest_difference(seen_by_the_page, content: bytes, preprocess: Preprocess) -> int:
    return int(differences(seen_by_the_page, content, preprocess).max())


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "nearest"])
@pytest.mark.parametrize("crop_mode", ["center", "pad", "squash"])
@pytest.mark.parametrize("size", [(451, 300), (97, 211), (40, 30)])
def test_colour(seen_by_the_page, size, crop_mode, interpolation):
    preprocess = Preprocess((3, 64, 56), crop_mode=crop_mode, interpolation=interpolation, **COLOUR)
    assert largest_difference(seen_by_the_page, photo(size), preprocess) <= 1


@pytest.mark.parametrize("crop_pct", [1.0, 0.875])
@pytest.mark.parametrize("path", sorted(PHOTO_FOLDER.glob("*.jpg")), ids=lambda path: path.stem)
def test_the_photos_of_the_page_as_files(seen_by_the_page, path: Path, crop_pct: float):
    preprocess = Preprocess((3, 144, 144), interpolation="bicubic", crop_pct=crop_pct, **COLOUR)
    assert largest_difference(seen_by_the_page, path.read_bytes(), preprocess) <= 1


@pytest.mark.parametrize("border", [0, 2])
@pytest.mark.parametrize("size", [(224, 224), (28, 28), (31, 47)])
def test_gray(seen_by_the_page, size, border):
    preprocess = Preprocess((1, 32, 32), border=border)
    assert largest_difference(seen_by_the_page, photo(size), preprocess) <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photo(seen_by_the_page, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    preprocess = Preprocess((3, 48, 48), **COLOUR)
    content = photo((120, 90), "JPEG", exif=exif, quality=95)
    assert largest_difference(seen_by_the_page, content, preprocess) <= 1


def test_transparency_is_over_white(seen_by_the_page):
    picture = Image.open(PHOTO_FOLDER / "cat.jpg").resize((80, 60)).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize((80, 60)))
    file = io.BytesIO()
    picture.save(file, "PNG")
    assert largest_difference(seen_by_the_page, file.getvalue(), Preprocess((3, 32, 32), **COLOUR)) <= 1
    assert largest_difference(seen_by_the_page, file.getvalue(), Preprocess((1, 32, 32))) <= 1


def test_a_colour_profile_is_ignored(seen_by_the_page):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    content = photo((90, 70), "PNG", icc_profile=profile)
    assert largest_difference(seen_by_the_page, content, Preprocess((3, 32, 32), **COLOUR)) <= 1


def test_a_much_larger_jpeg_differs_a_little(seen_by_the_page):
    """Python decodes it at reduced size, which browsers cannot; on average it is less than 1 of 255."""
    content = photo((800, 600), "JPEG", quality=92)
    found = differences(seen_by_the_page, content, Preprocess((3, 96, 96), **COLOUR))
    assert 1 < found.max() < 24
    assert found.mean() < 1
