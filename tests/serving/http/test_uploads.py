"""Uploads: every hostile upload gets an error that says why, and every good image is read."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from convscope.png import png_bytes
from convscope.serving.http import image_bodies

from ...data.hostile import SKIPPED, USED

PHOTO = {"content-type": "image/jpeg"}
# The package silences these, but pytest sets its own filters.
pytestmark = [
    pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning"),
    pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning"),
]


def in_both_languages(answer) -> str:
    error = answer.json()["error"]
    assert set(error) == {"en", "zh"} and all(error.values())
    assert "\n" not in error["en"] and "Traceback" not in answer.text
    return error["en"]


@pytest.mark.parametrize("name", sorted(SKIPPED))
def test_bad_images_are_refused(client, name):
    content, _ = SKIPPED[name]
    answer = client.post("/predict", content=content, headers=PHOTO)
    says = in_both_languages(answer)
    expected = 413 if "megapixels" in says else 415 if "it looks like" in says else 400
    assert answer.status_code == expected
    assert (answer.status_code == 413) == name.startswith("bomb-") or name in (
        "bomb-text.png",
        "bomb-profile.png",
        "bomb-icon.png",
    )


@pytest.mark.parametrize("name", sorted(USED)[::4])
def test_good_images_of_every_kind_are_read(client, name):
    answer = client.post("/predict", content=USED[name][0], headers=PHOTO)
    assert answer.status_code == 200 and len(answer.json()["predictions"]) == 5


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "image/svg+xml", "video/mp4", "text/html; charset=x"]
)
def test_other_types_are_415(client, digit, kind):
    for path in ("/predict", "/api/forward"):
        answer = client.post(path, content=digit, headers={"content-type": kind})
        assert answer.status_code == 415 and "image" in in_both_languages(answer)


def test_compressed_bodies_are_415(client, digit):
    for path in ("/predict", "/api/forward"):
        answer = client.post(path, content=gzip.compress(digit), headers={"content-encoding": "gzip"})
        assert answer.status_code == 415 and "Content-Encoding" in in_both_languages(answer)


def test_a_form_is_read_too(client, digit):
    answer = client.post("/predict", files={"file": ('se"ven.png', digit, "image/png")})
    assert answer.status_code == 200 and answer.json()["predictions"][0]["label"] == "7"
    tail = png_bytes(np.zeros((8, 8), np.uint8)) + b"\r\n\r\n--\r\n"  # bytes that look like the form's own
    assert client.post("/predict", files={"file": ("a.png", tail)}).status_code == 200


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/form-data"),
        (b"", "multipart/form-data; boundary=x"),
        (b"--x\r\n\r\nhello\r\n--x--", "multipart/form-data; boundary=x"),
        (b"--x\r\nContent-Disposition: form-data; name=image\r\n\r\nhello\r\n--x--", "multipart/form-data; boundary=x"),
        (b"--x\r\nContent-Disposition: form-data; name=file\r\n\r\nhello\r\n--x--", "multipart/form-data; boundary=x"),
        (b"\xff" * 100, "multipart/form-data; boundary=\xff"),
        (b"", "image/png"),
    ],
)
def test_broken_forms_and_nothing_at_all(client, body, kind):
    answer = client.post("/predict", content=body, headers={"content-type": kind.encode("latin-1")})
    assert answer.status_code in (400, 415)
    in_both_languages(answer)


@pytest.mark.parametrize(
    ("boundary", "end", "says"),
    [("y", b"\r\n--x--", "no field 'file'"), ("x", b"", "cut off"), ("x", b"\r\n--x", "cut")],
)
def test_a_form_with_another_boundary_or_without_its_end_is_refused(client, digit, boundary, end, says):
    body = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + digit + end
    kind = f"multipart/form-data; boundary={boundary}"
    answer = client.post("/predict", content=body, headers={"content-type": kind})
    assert answer.status_code == 400 and says in in_both_languages(answer)


def test_too_much_is_413_known_before_or_not(client, monkeypatch):
    monkeypatch.setattr(image_bodies, "MAX_IMAGE_BYTES", 1000)
    pieces = []

    def chunks():
        for number in range(100):
            pieces.append(number)
            yield bytes(500)

    for content in (bytes(1001), chunks()):
        answer = client.post("/predict", content=content, headers=PHOTO)
        assert answer.status_code == 413 and "send a smaller image" in in_both_languages(answer)
    assert client.post("/predict", content=bytes(1000), headers=PHOTO).status_code == 400
