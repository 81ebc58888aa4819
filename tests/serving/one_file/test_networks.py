"""Other networks in the file: a residual one, several labels per image, and what the engine cannot compute."""

from __future__ import annotations

import pytest
import torch
from PIL import Image
from playwright.sync_api import expect

import convscope as cs
from convscope.data.preprocess import Preprocess
from convscope.errors import UsageError
from convscope.export.engine import describe_network
from convscope.models import CATALOGUE, find_card
from convscope.serving.examples import PHOTO_FOLDER
from convscope.serving.one_file import share
from convscope.serving.one_file.precision import with_weights_of
from convscope.task import Task

from ..page.conftest import answered, calculated, chances

COLOUR = {"mean": (0.5,) * 3, "std": (0.25,) * 3}
# Squeeze-and-excitation blocks are in the EfficientNets and, as in their paper, in timm's network.
SMALL = [
    "softmax_regression", "mnist_fast", "lenet5", "lenet_relu", "lenet_sigmoid", "mlp", "plain20", "resnet20",
    "mnist_best", "plain32", "resnet32", "plain44", "resnet44", "densenet_bc100_k12", "plain56", "resnet56",
    "nin_cifar", "densenet40_k12", "preact_resnet164", "plain110", "resnet110", "cifar_fast", "mnist_cnn",
    "efficientnet_b0", "googlenet_tutorial1", "densenet100_k12", "googlenet_tutorial0", "nin", "efficientnet_b1",
    "densenet121", "timm:legacy_seresnet18",
]  # fmt: skip


def saved(
    name: str, folder, task: Task | None = None, size: tuple[int, int, int] = (3, 32, 32), **preprocessing: object
) -> cs.Classifier:
    torch.manual_seed(0)
    network = cs.create_model(name, num_classes=4).eval()
    with torch.no_grad():  # a fresh network answers nearly the same for every class
        for parameter in list(network.parameters())[-2:]:
            parameter.mul_(8)
    preprocess = Preprocess(size, **{**COLOUR, **preprocessing})
    args = {"num_classes": 4, "in_channels": size[0]}
    classifier = cs.Classifier(network, ["a", "b", "c", "d"], preprocess, name, args, task=task or Task())
    classifier.save(folder)
    return classifier


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "cat.png"
    Image.open(PHOTO_FOLDER / "cat.jpg").resize((100, 80)).save(path)
    return path


def expected_chances(classifier: cs.Classifier, picture) -> dict[str, float]:
    return {p.label: 100 * p.probability for p in classifier.predict(picture)}


@pytest.mark.parametrize("precision", ["full", "8bit"])
def test_resnet_20_answers_as_in_python(visit_file, tmp_path, picture, precision):
    classifier = saved("resnet20", tmp_path / "net")
    shared = share(str(tmp_path / "net"), tmp_path / "net.html", [str(picture)], weights_precision=precision)
    page = visit_file(shared.path)
    answered(page)
    if precision == "8bit":
        assert shared.error.largest_change > 0
        expect(page.locator(".about-classifier")).to_contain_text("Weights in 8 bits: on 7 pictures")
        reduced = describe_network(classifier.network, (3, 32, 32), "int8")
        classifier.network = with_weights_of(classifier.network, reduced)
    assert chances(page) == pytest.approx(expected_chances(classifier, picture), abs=1)
    if precision == "full":
        node = page.locator(".head").nth(4).get_attribute("data-layer")
        calculated(page, f"{node}~3~4~5")
        expect(page.locator(".result.theirs.same")).to_be_visible()


@pytest.mark.slow
def test_no_small_network_is_missing():
    with torch.device("meta"):
        sizes = {name: sum(p.numel() for p in cs.create_model(name).parameters()) for name in CATALOGUE}
    assert {name for name, size in sizes.items() if size < 8_000_000} == set(SMALL) - {"timm:legacy_seresnet18"}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_every_small_network_answers_as_in_python(visit_file, tmp_path, picture, name):
    size = find_card(name).input_size
    statistics = {"mean": (0.5,) * size[0], "std": (0.25,) * size[0]}
    classifier = saved(name, tmp_path / "net", size=size, **statistics)
    shared = share(str(tmp_path / "net"), tmp_path / "net.html", [str(picture)], 64, "full")
    page = visit_file(shared.path)
    answered(page)
    assert chances(page) == pytest.approx(expected_chances(classifier, picture), abs=0.11)  # "< 0.1" is 0


def test_several_labels_per_image(visit_file, tmp_path, picture):
    classifier = saved("resnet20", tmp_path / "net", Task((0.5, 0.4, 0.3, 0.6)))
    shared = share(str(tmp_path / "net"), tmp_path / "net.html", [str(picture)])
    page = visit_file(shared.path)
    page.locator(".classes .threshold").first.wait_for(state="attached")
    assert chances(page) == pytest.approx(expected_chances(classifier, picture), abs=1)


def test_superpixels_are_refused(tmp_path):
    pytest.importorskip("skimage")
    saved("resnet20", tmp_path / "net", superpixels=50)
    with pytest.raises(UsageError, match="cannot compute superpixels"):
        share(str(tmp_path / "net"), tmp_path / "net.html")
    assert not (tmp_path / "net.html").exists()
