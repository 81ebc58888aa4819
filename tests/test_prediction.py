"""The prediction pipeline: every way in gives the same numbers, in order, with bad files named, in bounded memory."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import torch
from PIL import Image

import convscope as cs
from convscope.cli import main
from convscope.data.decoded import decode_split
from convscope.evaluation import evaluate
from convscope.explaining.findings import find
from convscope.prediction import answers, image_pixels


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Large photographs as JPEG, which are decoded at a part of their size, with one broken file between them."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for number in range(5):
        small = random.integers(0, 256, (30 + number, 40, 3), np.uint8)
        Image.fromarray(small).resize((900, 700)).save(folder / f"{number}.jpg")
    (folder / "2b.jpg").write_bytes(b"no image")
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def classifier():
    torch.manual_seed(0)
    network = cs.create_model("resnet20", num_classes=3, in_channels=3).eval()
    preprocess = cs.Preprocess((3, 32, 32), (0.5,) * 3, (0.25,) * 3)
    return cs.Classifier(network, ["a", "b", "c"], preprocess, "resnet20", {"num_classes": 3, "in_channels": 3})


def test_all_ways_in_give_the_same_answer(classifier, photos, tmp_path, capsys):
    good = [path for path in photos if path.name != "2b.jpg"]
    split = cs.Split(good, np.zeros(len(good), np.int64), [path.name for path in good])
    expected = evaluate(
        classifier.network, decode_split(split, classifier.preprocess), classifier.preprocess, classifier.class_names
    ).probabilities
    assert torch.allclose(classifier.probabilities(good), expected, atol=1e-6)
    streamed = [result.predictions for result in classifier.predict_each(good, topk=3)]
    by_bytes = [classifier.predict(path.read_bytes(), topk=3) for path in good]
    explained = [find(classifier, classifier.pixels(path), methods=["saliency"]).predictions for path in good]
    classifier.save(tmp_path / "bundle")
    assert main(["predict", str(tmp_path / "bundle"), *map(str, good), "--json"]) == 0
    printed = [row["topk"] for row in json.loads(capsys.readouterr().out)["predictions"]]
    for row, *found in zip(expected.tolist(), streamed, by_bytes, explained, strict=True):
        for predictions in found:
            assert [p.probability for p in predictions] == pytest.approx(sorted(row, reverse=True), abs=1e-5)
    for row, top in zip(expected.tolist(), printed, strict=True):
        assert [p["probability"] for p in top] == pytest.approx(sorted(row, reverse=True), abs=1e-5)


def test_a_bad_file_has_its_reason_in_its_place(classifier, photos):
    results = list(classifier.predict_each([photos[0], photos[3], photos[3].read_bytes(), photos[1], "gone.jpg"]))
    assert [bool(result.predictions) for result in results] == [True, False, False, True, False]
    assert "looks like a text file" in results[1].reason and results[1].image == photos[3]
    assert results[2].reason == results[1].reason and results[4].reason == "no such file"
    with pytest.raises(cs.DataError, match=r"2b\.jpg: not an image"):
        classifier.predict(photos)
    assert [bool(result.predictions) for result in classifier.predict_each([photos[3]])] == [False]


@pytest.mark.parametrize("size", [1, 2, 7, 256])
def test_batches_change_nothing(classifier, photos, size):
    one = [a.logits for a in answers(classifier.network, classifier.preprocess, photos, torch.device("cpu"), size)]
    assert [logits is None for logits in one] == [path.name == "2b.jpg" for path in photos]
    for path, logits in zip(photos, one, strict=True):
        if logits is not None:
            alone = classifier.logits(image_pixels(path, classifier.preprocess)[None])[0]
            torch.testing.assert_close(logits, alone)


def test_an_endless_stream_is_answered_while_it_comes(classifier):
    taken = []

    def stream():
        for number in itertools.count():
            taken.append(number)
            yield np.full((32, 32, 3), number % 256, np.uint8)

    results = classifier.predict_each(stream(), topk=1)
    for _ in range(600):
        assert next(results).predictions
    results.close()
    assert len(taken) < 600 + 256 + 1100  # a batch and the queue of decoded images


def test_what_cannot_be_an_image_is_an_error_at_once(classifier):
    with pytest.raises(cs.DataError, match="an image of shape 4 x 4 x 2"):
        list(classifier.predict_each([np.zeros((4, 4, 2), np.uint8)]))
    with pytest.raises(cs.UsageError, match="topk"):
        list(classifier.predict_each([], topk=0))
