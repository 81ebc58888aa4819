"""The runtime that answers soonest is chosen if it answers the same, and only as long as nothing has changed."""

from __future__ import annotations

import json
import shutil
import time

import numpy as np
import pytest
from PIL import Image

import convscope as cs
from convscope import quickest as choosing
from convscope.bundle_config import BUNDLED
from convscope.cli import main
from convscope.errors import ModelFileError
from convscope.export.onnx import export
from convscope.predictor import open_predictor
from convscope.quickest import CHOICE, FOLDERS, SERVICE, measure, quickest, write_choice
from convscope.serving.api_server import hosting_of
from convscope.serving.options import ServeOptions
from convscope.sessions import onnx_session, other_runtimes
from convscope.target import as_target


@pytest.fixture(autouse=True)
def _few_rounds(monkeypatch):
    monkeypatch.setattr(choosing, "ROUNDS", 1)


@pytest.fixture
def bundle(tmp_path):
    return shutil.copytree(BUNDLED / "mnist-relu", tmp_path / "relu")


@pytest.fixture(scope="module")
def pixels():
    images = cs.load_data("mnist-5k").splits["test"].images[:64]
    predictor = open_predictor("mnist-relu")
    return np.stack([predictor.pixels(image) for image in images]).transpose(0, 3, 1, 2).copy()


class Changed:
    """ONNX Runtime, slower by `seconds` an image, with its outputs changed by `change`."""

    def __init__(self, path, threads, seconds=0.0, change=lambda answers: None):
        self.session, self.seconds, self.change = onnx_session(path, threads), seconds, change

    def run(self, names, given):
        time.sleep(self.seconds * len(given["pixels"]))
        answers = [a.copy() for a in self.session.run(names, given)]
        self.change(answers)
        return answers


def slowed(predictor):
    """The same, so much slower that any other runtime gains something."""
    return predictor.by("onnxruntime", lambda path, threads: Changed(path, threads, 0.0005))


OTHER = {"one-thread": lambda path, threads: onnx_session(path, 1)}


def test_the_quickest_that_agrees_is_chosen_kept_and_used(bundle, pixels, monkeypatch):
    def refuse(path, threads):
        raise ModelFileError("no such operation")

    def swapped(answers):
        for part in answers[:2]:
            part[7] = np.roll(part[7], 1)

    def foreign(answers):
        answers[2][3] *= 100

    def off(answers):
        answers[0][0, answers[0][0].argmin()] += 0.02

    changes = {"swapped": swapped, "foreign": foreign, "off": off}
    others = {
        name: lambda path, threads, change=change: Changed(path, threads, change=lambda a: len(a[0]) > 7 and change(a))
        for name, change in changes.items()
    }
    predictor = open_predictor(bundle)
    choice = measure(slowed(predictor), pixels, {**others, **OTHER, "broken": refuse})
    reasons = {name: found["refused"] for name, found in choice["measured"].items()}
    changed = "another answer, or another 'unknown', for 2 of 64 images"  # one in each batch of 32
    assert reasons == {
        "onnxruntime": "", "one-thread": "", "broken": "no such operation", "swapped": changed, "foreign": changed,
        "off": "a probability differs by 0.02",
    }  # fmt: skip
    assert choice["runtime"] == dict.fromkeys((FOLDERS, SERVICE), "one-thread") and choice["images"] == 64
    rates = choice["measured"]["one-thread"]["images_per_second"]
    assert set(rates) == {"1", "32"} and rates["1"] > choice["measured"]["onnxruntime"]["images_per_second"]["1"]

    write_choice(bundle, choice)
    used = quickest(predictor, FOLDERS, OTHER)
    assert used.runtime == used.on_one_thread().runtime == "one-thread"
    assert quickest(used, FOLDERS, OTHER) is used
    images = list(pixels[:9].transpose(0, 2, 3, 1))
    assert np.allclose(used.run(images).logits, predictor.run(images).logits, atol=1e-4)
    write_choice(bundle, None)
    assert quickest(predictor, FOLDERS, OTHER) is predictor


def test_a_gain_that_may_be_chance_changes_nothing(bundle, pixels, monkeypatch):
    monkeypatch.setattr(choosing, "LEAST_GAIN", 1e9)
    choice = measure(slowed(open_predictor(bundle)), pixels[:32], OTHER)
    assert set(choice["runtime"].values()) == {"onnxruntime"}
    write_choice(bundle, choice)
    predictor = open_predictor(bundle)
    assert quickest(predictor, FOLDERS, OTHER) is predictor


def test_a_choice_holds_for_its_graph_processor_and_versions_alone(bundle, pixels, caplog, monkeypatch):
    predictor = open_predictor(bundle)
    choice = measure(slowed(predictor), pixels[:32], OTHER)
    for key in choice["made_with"]:
        write_choice(bundle, choice | {"made_with": choice["made_with"] | {key: "another"}})
        assert quickest(predictor, FOLDERS, OTHER) is predictor
        assert f"was measured with another `{key}`; ONNX Runtime answers" in caplog.messages[-1]
    write_choice(bundle, choice)
    assert quickest(predictor, FOLDERS, {}) is predictor
    assert "chose one-thread, which is not installed" in caplog.messages[-1]
    with (bundle / "model.onnx").open("ab") as file:
        file.write(b"\0")
    assert quickest(predictor, FOLDERS, OTHER) is predictor and "another `graph`" in caplog.messages[-1]


@pytest.mark.parametrize(
    "content",
    ["", "[]", "[" * 90_000, '{"runtime": 3, "made_with": {}}',
     '{"runtime": {"folders": "a"}, "made_with": 3}', '{"runtime": {"folders": [1]}, "made_with": {}}', "\xff",
     '{"runtime": {"folders": "../x"}, "made_with": {}}', " " * 200_000],
)  # fmt: skip
def test_a_damaged_or_hostile_choice_is_one_line(bundle, content, caplog):
    (bundle / CHOICE).write_text(content, "latin-1")
    predictor = open_predictor(bundle)
    assert quickest(predictor, FOLDERS, OTHER) is predictor
    assert len(caplog.messages) == 1 and "\n" not in caplog.text.strip() and CHOICE in caplog.text
    (bundle / CHOICE).unlink()
    (bundle / CHOICE).symlink_to("/dev/zero")
    assert quickest(predictor, FOLDERS, OTHER) is predictor  # no regular file is opened


def test_export_chooses_and_whole_folders_and_the_service_follow(bundle, pixels, tmp_path, monkeypatch, capsys):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(51):
        Image.fromarray(np.full((28, 28), number, np.uint8)).save(pictures / f"{number}.png")
    monkeypatch.setattr(export, "EXPORTERS", {"torch.jit.trace": False})
    monkeypatch.setattr(export, "other_runtimes", lambda: OTHER)
    monkeypatch.setattr(choosing, "other_runtimes", lambda: OTHER)
    monkeypatch.setattr(export, "open_predictor", lambda bundle: slowed(open_predictor(bundle)))
    assert main(["export", str(bundle)]) == 0
    shown = capsys.readouterr().out
    assert "runtime    one-thread for whole folders, one-thread for the service" in shown and "one-thread: " in shown
    assert json.loads((bundle / CHOICE).read_text())["runtime"][SERVICE] == "one-thread"
    for words, runtime in (
        ([pictures], "one-thread"), ([pictures, "--runtime", "onnx"], "onnxruntime"),
        ([pictures / "0.png"], "onnxruntime"),
    ):  # fmt: skip
        assert main(["predict", str(bundle), *map(str, words), "--json"]) == 0
        answer = capsys.readouterr()
        assert json.loads(answer.out)["runtime"] == runtime
        assert ("one-thread answers" in answer.err) == (runtime == "one-thread")
    hosting = hosting_of([as_target(str(bundle))], ServeOptions())
    assert hosting.get(None).find().runtime == "one-thread"
    monkeypatch.setattr(export, "pixels_for_judging", lambda *_: pixels[:27])  # the former choice is of another time
    assert main(["export", str(bundle)]) == 0 and not (bundle / CHOICE).exists()
    assert "28 images of the run's data are needed, and 27 were found" in capsys.readouterr().err


@pytest.mark.slow  # which installs it
def test_openvino_answers_the_same_in_float32(bundle, pixels):
    pytest.importorskip("openvino", reason="pip install 'convscope[openvino]'")
    predictor, others = open_predictor(bundle), other_runtimes()
    choice = measure(slowed(predictor), pixels, others)
    assert choice["measured"]["openvino-float32"]["refused"] == ""
    assert choice["measured"]["openvino-float32"]["difference"] < 1e-4
    used = predictor.by("openvino-float32", others["openvino-float32"])
    images = list(pixels[:7].transpose(0, 2, 3, 1))
    for one in (used, used.on_one_thread()):
        got, expected = one.run(images), predictor.run(images)
        assert np.allclose(got.logits, expected.logits, atol=1e-3)
        assert np.allclose(got.distances, expected.distances, rtol=1e-3)
    write_choice(bundle, choice | {"runtime": {FOLDERS: "openvino-float32"}})
    assert quickest(predictor, FOLDERS).runtime == "openvino-float32"
