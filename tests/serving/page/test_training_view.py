"""Sliding through the epochs of a run, its curves, and a training that goes on while the page looks."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

import convscope as cs
from convscope.files import write_atomically
from convscope.run_folder import RunFolder

from .conftest import answered, box_of, chances, eventually, served, until

SLIDE = """(range, at) => { range.value = at; range.dispatchEvent(new Event("input", { bubbles: true })); }"""
HOUR = 3600


@pytest.fixture(scope="module")
def finished(run_with_every_epoch: cs.Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service with a run, and with the same network as a bundle without epochs."""
    bundle = tmp_path_factory.mktemp("bundle") / "no-epochs"
    shutil.copytree(run_with_every_epoch.folder / "classifier", bundle)
    with served(str(run_with_every_epoch.folder), str(bundle), "--train", "120") as address:
        yield address


@dataclass
class Training:
    """A copy of a finished run, made to look as while it was in training."""

    finished: Path
    folder: Path

    def reach(self, epoch: int) -> None:
        """Add snapshots and rows up to this epoch; files from the future do not grow old however long a test takes."""
        snapshots = Path("checkpoints") / "snapshots"
        (self.folder / snapshots).mkdir(parents=True, exist_ok=True)
        for number in range(epoch + 1):
            name = snapshots / f"epoch-{number:04d}.safetensors"
            if not (self.folder / name).exists():
                put(self.finished / name, self.folder / name)
        rows = (self.finished / "metrics.csv").read_text().splitlines(keepends=True)
        write_atomically(self.folder / "metrics.csv", "".join(rows[: epoch + 1]))
        os.utime(self.folder / "metrics.csv", (time.time() + HOUR,) * 2)

    def end(self) -> None:
        """Leave the classifier."""
        put(self.finished / "classifier", self.folder / "classifier")


def put(source: Path, target: Path) -> None:
    """Copy a file or folder that is there as a whole or not at all."""
    unfinished = target.with_name(f".unfinished-{target.name}")
    (shutil.copytree if source.is_dir() else shutil.copy)(source, unfinished)
    unfinished.rename(target)


@pytest.fixture
def in_training(run_with_every_epoch: cs.Run, tmp_path: Path) -> Iterator[Callable[[int], tuple[Training, str]]]:
    """Make a run that has reached an epoch, and serve it: the run and the address.

    Ask for it before `visit`: a page that is still open when its server ends reports errors.
    """
    with ExitStack() as stack:

        def start(epoch: int) -> tuple[Training, str]:
            run = run_with_every_epoch.folder
            training = Training(run, tmp_path / "in-training")
            ignored = shutil.ignore_patterns("report.html", "classifier", "metrics.csv", "epoch-*.safetensors")
            shutil.copytree(run, training.folder, ignore=ignored)
            training.reach(epoch)
            return training, stack.enter_context(served(str(training.folder)))

        yield start


def epochs_asked_for(page: Page) -> list[str | None]:
    """The epochs whose weights are asked for from now on, None for those of the finished network."""
    asked: list[str | None] = []

    def note(request) -> None:
        if "/api/forward" in request.url:
            asked.append(parse_qs(urlsplit(request.url).query).get("epoch", [None])[0])

    page.on("request", note)
    return asked


def test_maps_answers_and_kernels_follow_the_epochs(visit, finished):
    page = visit(finished)
    page.locator(".thumb").first.click()
    answered(page)
    trained = chances(page)
    page.locator("#epochs input").evaluate(SLIDE, 0)
    expect(page.locator("#epochs .epoch-word")).to_have_text("before training")
    eventually(page, lambda: max(chances(page).values()) < 40)  # it has learned nothing yet
    page.locator("#to-training").click()
    expect(page.locator(".moment h2")).to_contain_text("random weights")
    kernels = page.locator(".moment-layer").last.locator("canvas")
    expect(kernels).to_have_count(6)
    picture = "canvas => canvas.toDataURL()"
    before = kernels.last.evaluate(picture)
    page.locator("#tab-training input[type=range]").evaluate(SLIDE, 12)
    expect(page.locator(".moment h2")).to_have_text("After epoch 12")
    eventually(page, lambda: kernels.last.evaluate(picture) != before)
    page.locator("#tab-training").get_by_role("button", name="To the end").click()
    expect(page.locator(".moment h2")).to_have_text("The finished network")
    page.locator("#to-network").click()
    eventually(page, lambda: chances(page) == trained)


def test_a_run_shows_its_own_images_and_first_its_mistakes(visit, finished, run_with_every_epoch):
    rows = RunFolder(run_with_every_epoch.folder).read_predictions()
    wrong = [row for row in rows if row["label"] != row["prediction"]]
    page = visit(finished, width=1366, height=768)
    expect(page.get_by_text(f"Validation images of this run: {len(wrong)} of {len(rows)} wrong")).to_be_visible()
    expect(page.locator(".thumb")).to_have_count(len(wrong) + 20)
    mistakes = page.locator(".thumb[data-kind=mistake]")
    expect(mistakes).to_have_count(len(wrong))
    first = mistakes.first
    said = re.search(r"This is (\d); the network said (\d)", first.get_attribute("title"))
    expect(first).to_have_text(f"{said[1]} → {said[2]}")
    first.click()
    answered(page)
    expect(page.locator(".figure")).to_have_text(said[2])


def test_epochs_play_one_after_another(visit, finished):
    page = visit(finished)
    page.locator(".thumb").first.click()
    answered(page)
    asked = epochs_asked_for(page)
    page.get_by_role("button", name="Play the training").click()
    eventually(page, lambda: asked[:2] == ["0", "1"])  # at the end it plays from the beginning
    page.locator("#epochs input").evaluate(SLIDE, 9)  # which stops it
    eventually(page, lambda: asked[-1] == "9")
    page.get_by_role("button", name="Play the training").click()
    expect(page.locator("#epochs .epoch-word")).to_have_text("finished network")
    eventually(page, lambda: asked[asked.index("9") :] == ["9", "10", "11", "12", None])
    expect(page.get_by_role("button", name="Play the training")).to_be_visible()


def test_curves_are_drawn_and_lead_to_an_epoch(visit, finished):
    page = visit(finished)
    page.locator("#to-training").click()
    expect(page.locator(".run-state")).to_have_text("Finished")
    for chart in (0, 1):
        picture = page.locator(".curves svg").nth(chart)
        expect(picture.locator("polyline")).to_have_count(2)
        expect(picture.locator(".axis").first).to_have_text("epoch")
        expect(picture.locator("circle.train")).to_have_count(12)
        assert len(picture.locator("polyline").first.get_attribute("points").split()) == 12
    box = box_of(page, ".curves svg")
    page.locator(".curves svg").first.click(position={"x": box["width"] * 0.42, "y": box["height"] / 2})
    expect(page.locator(".moment h2")).to_contain_text("After epoch")


def test_a_training_is_watched_as_it_goes_on(in_training, visit):
    training, address = in_training(11)
    page = visit(address)
    page.locator("#to-training").click()
    expect(page.locator(".run-state")).to_have_text("In training")
    dots = page.locator(".curves").first.locator("circle.train")
    slider = page.locator("#tab-training input[type=range]")
    word = page.locator("#tab-training .epoch-word")
    expect(dots).to_have_count(11)
    expect(slider).to_have_attribute("max", "11")
    expect(page.locator(".moment h2")).to_have_text("The newest epoch")
    asked = epochs_asked_for(page)
    training.reach(12)
    expect(dots).to_have_count(12)
    expect(slider).to_have_attribute("max", "12")
    expect(slider).to_have_value("12")
    expect(word).to_have_text("newest epoch")
    eventually(page, lambda: asked[-1:] == ["12"])  # and the view goes along
    training.end()
    expect(page.locator(".run-state")).to_have_text("Finished")
    expect(slider).to_have_attribute("max", "13")
    expect(word).to_have_text("finished network")
    eventually(page, lambda: asked[-1:] == [None])


def test_who_looks_at_an_older_epoch_stays_there(in_training, visit):
    training, address = in_training(11)
    page = visit(address)
    page.locator("#to-training").click()
    slider = page.locator("#tab-training input[type=range]")
    slider.evaluate(SLIDE, 3)
    expect(page.locator(".moment h2")).to_have_text("After epoch 3")
    training.reach(12)
    expect(slider).to_have_attribute("max", "12")
    expect(slider).to_have_value("3")
    page.get_by_role("button", name="Follow the newest epoch").click()
    expect(slider).to_have_value("12")


def test_a_reloaded_page_shows_the_newest_epoch(in_training, visit):
    training, address = in_training(10)
    page = visit(address)  # the server has read epoch 10 now
    page.locator("#to-training").click()
    expect(page.locator(".run-state")).to_have_text("In training")
    training.reach(11)
    expect(page.locator("#tab-training input[type=range]")).to_have_attribute("max", "11")
    until(page, "() => location.hash.includes('tab=training')")
    held: list = []
    page.route("**/api/network*", lambda route: held.append(route))
    page.reload()
    # The epochs and rows of the run that the link names are here before its network.
    eventually(page, lambda: held)
    expect(page.locator("#tab-training .curves").first.locator("circle.train")).to_have_count(11)
    asked = epochs_asked_for(page)
    held[0].continue_()
    expect(page.locator(".moment-answer canvas")).to_be_visible()
    expect(page.locator(".moment h2")).to_have_text("The newest epoch")
    assert asked and set(asked) == {"11"}


def test_the_bundled_networks_come_with_their_epochs(visit, mnist):
    page = visit(mnist + "#model=mnist-lenet5&example=14&tab=training&lang=en")
    expect(page.locator(".training header p")).to_have_text(re.compile(r"^Epochs: 20\. Best on .* 98\.\d % right"))
    expect(page.locator(".moment h2")).to_have_text("The finished network")
    answer = page.locator(".moment-classes .best")
    expect(answer).to_contain_text("> 99.9 %")
    page.locator("#tab-training input[type=range]").evaluate(SLIDE, 0)
    expect(page.locator(".moment h2")).to_contain_text("random weights")
    expect(answer).not_to_contain_text("99.9")
    page.locator("#tab-training input[type=range]").evaluate(SLIDE, 8)
    expect(page.locator(".moment h2")).to_have_text("After epoch 20")
    expect(answer).to_contain_text("99.9 %")
    expect(page.locator(".curves svg").first.locator("circle.train")).to_have_count(20)
    page.evaluate("location.hash = '#model=mnist-relu&example=14&tab=training&lang=en&epoch=1'")
    expect(page.locator(".moment h2")).to_have_text("After epoch 1")


def test_without_epochs_it_says_how_to_get_some(visit, finished):
    page = visit(finished + "#model=no-epochs")
    expect(page.locator("#epochs")).to_be_hidden()
    page.locator("#to-training").click()
    expect(page.locator(".training-empty pre")).to_contain_text("convscope train digits")
    page.get_by_role("button", name="中文").click()
    expect(page.locator(".training-empty")).to_contain_text("在本机训练一个吧")


def test_a_run_that_was_stopped_is_not_called_finished(in_training, visit):
    training, address = in_training(5)
    os.utime(training.folder / "metrics.csv", (time.time() - HOUR,) * 2)
    for path in (training.folder / "checkpoints").iterdir():
        os.utime(path, (time.time() - HOUR,) * 2)
    page = visit(address)
    page.locator("#to-training").click()
    expect(page.locator(".run-state")).to_have_text("Stopped before its end")
    expect(page.locator(".training header p")).to_contain_text("Go on with: convscope train --resume")


def test_without_validation_the_second_curve_is_that_of_the_test_images(in_training, visit):
    training, address = in_training(12)
    table = training.folder / "metrics.csv"
    table.write_text(table.read_text().replace("val/", "test/"))
    training.end()
    page = visit(address)
    page.locator("#to-training").click()
    expect(page.locator(".curves svg").first.locator("polyline")).to_have_count(2)
    expect(page.locator(".curves .value.val").first).to_contain_text("test")
    expect(page.locator(".training header p")).to_contain_text("the last epoch was kept")


def test_a_reader_trains_a_network_where_the_host_allows_it(visit, finished):
    page = visit(finished + "#tab=training")
    panel = page.locator(".trainer")
    expect(panel).to_contain_text("at most 120 seconds")
    assert panel.get_by_label("Images").input_value() == "digits"  # that of the run that is shown
    network = panel.get_by_label("Network").input_value()
    panel.get_by_label("Epochs").select_option("5")
    panel.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("select.classifier")).to_have_value("trained-here-1")
    assert panel.get_by_label("Network").input_value() == network  # what was trained stays chosen
    expect(page.locator(".run-state.finished")).to_be_visible()
    expect(page.locator("#tab-training .epoch-slider input")).to_be_visible()
    assert page.evaluate("fetch('/api/snapshots?classifier=trained-here-1').then((a) => a.json())")["epochs"] == [
        0, 1, 2, 3, 4, 5,
    ]  # fmt: skip
