"""`--augment random-crop=12` with an input of 8: training sees crops of the frame of 12, everything else its centre."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms.v2.functional import center_crop, resize

import convscope as cs
from convscope.data import Preprocess, decoded
from convscope.data.augment import parse_augment
from convscope.data.batches import Batches, in_order
from convscope.data.decoded import decode_data
from convscope.data.decoding.split_decoder import Reading
from convscope.data.decoding.stream import StreamedPixels
from convscope.errors import ModelFileError, UsageError
from convscope.evaluation.evaluate_run import evaluate_bundle
from convscope.evaluation.evaluated_images import EvaluationOptions
from convscope.training.prepare.prepare_data import PreparedData, prepare_data

# A mean and a deviation with which normalised pixels are the pixels, from 0 to 1.
PLAIN = {"mean": (0.0,) * 3, "std": (1.0,) * 3}
INPUT = Preprocess((3, 8, 8), **PLAIN, crop_pct=8 / 12)
OPTIONS = {"img_size": 8, "show": False, "precision": "float32", "layout": "contiguous", "batch_size": 8}


class Tiny(nn.Module):
    def __init__(self, num_classes: int = 2, in_channels: int = 3):
        super().__init__()
        self.convolution = nn.Conv2d(in_channels, 4, 3)
        self.fully_connected = nn.Linear(4 * 6 * 6, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.fully_connected(torch.relu(self.convolution(images)).flatten(1))


def smooth(seed: int, height: int, width: int) -> Image.Image:
    small = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """Two classes of photos that are no squares, of 36 x 24 and 24 x 48 pixels."""
    root = tmp_path_factory.mktemp("photos")
    for seed in range(32):
        path = root / ("cat", "dog")[seed % 2] / f"{seed}.png"
        path.parent.mkdir(exist_ok=True)
        smooth(seed, *((36, 24) if seed % 4 < 2 else (24, 48))).save(path)
    return root


@pytest.fixture(scope="module")
def run(photos, tmp_path_factory) -> cs.Run:
    options = {**OPTIONS, "augment": "random-crop=12,flip", "tta": "ten-crop"}
    return cs.train(photos, Tiny, epochs=2, output=tmp_path_factory.mktemp("runs"), name="run", **options)


def training_parts(photos: Path, **options) -> PreparedData:
    recipe = cs.Recipe(model="resnet20", data=str(photos), img_size=8).changed(**options)
    return prepare_data(cs.load_data(photos), recipe)


@pytest.mark.parametrize("size", [(36, 24), (24, 48), (24, 24), (9, 6)])
def test_frame_and_input_are_torchvisions_resize_and_centre_crop(size):
    image = smooth(1, *size)
    expected = torch.from_numpy(np.array(center_crop(resize(image, 12, antialias=True), [12, 12]))).permute(2, 0, 1)
    assert INPUT.frame is not None
    frame, seen = INPUT.frame.pixels(image), INPUT.pixels(image)
    assert frame.shape == (3, 12, 12) and seen.shape == (3, 8, 8)
    # At its edges a filter sees no pixel that was cut off.
    assert (frame.int() - expected.int()).abs().max() <= 12
    assert (frame.int() - expected.int())[:, 2:-2, 2:-2].abs().max() <= 2
    assert (seen.int() - center_crop(expected, [8, 8]).int()).abs().max() <= 12
    assert (INPUT.centre(frame[None])[0].int() - seen.int()).abs().max() <= 12


def test_training_batches_are_parts_of_the_frames_and_all_else_is_their_centre(photos):
    prepared = training_parts(photos, augment="random-crop=12")
    train, preprocess = prepared.parts["train"], prepared.preprocess
    assert train.pixels.shape[1:] == (3, 12, 12) and prepared.parts["val"].pixels.shape[1:] == (3, 8, 8)
    assert preprocess.input_size == (3, 8, 8) and preprocess.crop_pct == 8 / 12
    batches = Batches(train, preprocess, 4, 0, torch.device("cpu"), parse_augment("random-crop=12"))
    frames, places = preprocess.normalize(train.pixels[:]), set()
    windows = frames.unfold(2, 8, 1).unfold(3, 8, 1).permute(0, 2, 3, 1, 4, 5).reshape(len(frames) * 25, -1)
    for epoch in range(8):
        for images, _ in batches.epoch(epoch):
            assert images.shape[1:] == (3, 8, 8)
            apart = (images.flatten(1)[:, None] - windows[None]).abs().amax(2)
            assert (apart.min(1).values < 1e-5).all()
            places |= set((apart.argmin(1) % 25).tolist())
    assert len(places) > 20
    centre = frames[:, :, 2:10, 2:10]
    assert torch.equal(torch.cat([images for images, _ in in_order(train, preprocess, torch.device("cpu"))]), centre)
    sample, _ = batches.sample(len(train))
    assert {tuple(image.flatten().tolist()) for image in sample} == {tuple(i.flatten().tolist()) for i in centre}


def test_frames_are_the_same_in_memory_from_the_cache_and_streamed(photos, tmp_path, monkeypatch):
    data = cs.load_data(photos)
    frames = decode_data(data, INPUT, reading=Reading(cache="off"), frame=INPUT.frame)
    monkeypatch.setattr(decoded, "MOST_IN_MEMORY", 0)
    ways = [decode_data(data, INPUT, reading=Reading(cache=str(tmp_path)), frame=INPUT.frame) for _ in range(2)]
    monkeypatch.setattr(decoded, "SHARE_OF_MEMORY", 0)
    ways.append(decode_data(data, INPUT, reading=Reading(cache="off", workers=1), frame=INPUT.frame))
    assert isinstance(ways[2]["train"].pixels, StreamedPixels)
    for way in ways:
        for name, part in way.items():
            side = 12 if name == "train" else 8
            assert part.pixels.shape == (len(part), 3, side, side)
            assert torch.equal(part.pixels[:], frames[name].pixels) and part.statistics() == frames[name].statistics()
    batch = next(ways[2]["train"].pixels.take_batches([torch.tensor([3, 0])]))
    assert torch.equal(batch, frames["train"].pixels[[3, 0]])


def test_the_classifier_sees_the_centre_and_ten_crops_the_corners_of_the_frame(run, photos):
    classifier = run.classifier
    preprocess = classifier.preprocess
    assert preprocess.input_size == (3, 8, 8) and preprocess.crop_pct == 8 / 12 and preprocess.frame is not None
    split = cs.load_data(photos).split("test")
    network = classifier.network.eval()
    plain, ten = [], []
    with torch.no_grad():
        for path in split.images:
            image = Image.open(path)
            plain.append(network(preprocess.normalize(preprocess.pixels(image)[None]))[0])
            frame = preprocess.normalize(preprocess.frame.pixels(image)[None])
            crops = [frame[:, :, y : y + 8, x : x + 8] for y, x in ((0, 0), (0, 4), (4, 0), (4, 4), (2, 2))]
            ten.append(torch.cat([network(each) for crop in crops for each in (crop, crop.flip(3))]).mean(0))
    labels = torch.from_numpy(split.labels)
    result = evaluate_bundle(
        str(run.folder), options=EvaluationOptions(model=Tiny, output=str(run.folder / "evaluation")), tta="ten-crop"
    )
    for logits, reported, trained in ((plain, result, "test"), (ten, result["tta"], "test_tta")):
        loss = float(nn.functional.cross_entropy(torch.stack(logits), labels))
        assert reported["loss"] == pytest.approx(loss, abs=1e-5)
        assert run.metrics[trained]["loss"] == pytest.approx(loss, abs=1e-5)


def test_a_resumed_run_keeps_its_crops(photos, tmp_path):
    crops, constant = "random-crop=12,flip", {"schedule": "constant"}
    whole = cs.train(photos, Tiny, epochs=3, output=tmp_path, name="whole", augment=crops, **constant, **OPTIONS)
    half = cs.train(photos, Tiny, epochs=1, output=tmp_path, name="half", augment=crops, **constant, **OPTIONS)
    for other in ("flip", "random-crop=10,flip", "auto"):
        with pytest.raises(ModelFileError, match=r"was started with augment random-crop=12,flip, not "):
            cs.resume(half.folder, model=Tiny, augment=other, epochs=3, show=False)
    resumed = cs.resume(half.folder, model=Tiny, augment="flip,random-crop=12", epochs=2, show=False)
    resumed = cs.resume(resumed.folder, model=Tiny, augment=crops, epochs=3, show=False)
    losses = [[row["train/loss"] for row in run.history] for run in (whole, resumed)]
    # The second epoch was mirrored before it was cropped, so the third begins from other weights.
    assert losses[0][0] == losses[1][0] and losses[0][1:] != losses[1][1:]
    again = cs.train(photos, Tiny, epochs=1, output=tmp_path, name="again", augment=crops, **constant, **OPTIONS)
    again = cs.resume(again.folder, model=Tiny, epochs=3, show=False)
    assert [row["train/loss"] for row in again.history] == losses[0]


def test_a_run_without_crops_does_not_begin_them(photos, tmp_path):
    run = cs.train(photos, Tiny, epochs=1, output=tmp_path, augment="flip", **OPTIONS)
    with pytest.raises(ModelFileError, match=r"was started with augment flip, not random-crop=12"):
        cs.resume(run.folder, model=Tiny, augment="random-crop=12", epochs=2, show=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"augment": "random-crop=8"}, "must be larger than the network's input of 8 pixels"),
        ({"augment": "random-crop=7"}, "must be larger than the network's input of 8 pixels"),
        ({"augment": "random-crop"}, "random-crop=256 is more than ten times the network's input of 8 pixels"),
        ({"progressive": True}, "shows pixels without rescaling, and progressive rescales them"),
        ({"superpixels": 20}, "does not go with superpixels"),
        ({"crop_mode": "pad"}, "goes with crop_mode center, not pad"),
        ({"crop_mode": "squash"}, "goes with crop_mode center, not squash"),
    ],
)
def test_what_does_not_go_with_crops_is_refused_in_one_line(photos, options, message):
    with pytest.raises(UsageError, match=message) as caught:
        training_parts(photos, **{"augment": "random-crop=12", **options})
    assert "\n" not in str(caught.value) and str(caught.value).startswith("augment: random-crop=")


def test_digits_are_refused():
    with pytest.raises(UsageError, match="random-crop=36 cuts parts off characters: give --augment shift=2, or --kind"):
        prepare_data(cs.load_data("digits"), cs.Recipe(model="lenet_relu", data="digits", augment="random-crop=36"))


def test_enlarged_photos_and_crops_that_show_little_are_said(photos, caplog):
    with caplog.at_level(logging.WARNING, "convscope"):
        training_parts(photos, augment="random-crop=12")
        assert not caplog.messages
        training_parts(photos, augment="random-crop=30")
    assert caplog.messages[0].startswith("random-crop=30 enlarges these photos of about 24 pixels")
    assert caplog.messages[1].startswith("random-crop=30: crops of 8 x 8 show 7 % of the frame: random-crop=9 would")
