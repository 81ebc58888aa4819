"""The tutorials' GoogLeNets, against golden rows and the paper's network."""

from __future__ import annotations

from math import sqrt

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import convscope as cs
from convscope.models.googlenet import Inception, Row
from convscope.models.googlenet_tutorials import InceptionTutorial1

from . import golden
from .checks import check_counts, check_stages, check_training_step, on_meta

# name, parameters with 1000 classes, 10 classes, 10 classes and 1 channel, MACs, convolutions
TABLE = [
    ("googlenet_tutorial0", 6_994_392, 5_979_642, 5_973_370, 1_569_826_816, 56),
    ("googlenet_tutorial1", 6_948_872, 5_934_122, 5_927_850, 1_572_937_728, 57),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_counts(row):
    name, *counts, macs, convolutions = row
    check_counts(name, {}, 224, tuple(counts), macs, 715, convolutions, norms=0)


@pytest.mark.parametrize("name", ["googlenet_tutorial0", "googlenet_tutorial1"])
def test_stages(name):
    network = on_meta(name, in_channels=3)
    check_stages(network, (3, 224, 224), [(192, 56), (480, 28), (832, 14), (1024, 7)])
    assert [stride for _, stride in network.stages.values()] == [4, 8, 16, 32]


def test_golden_row_of_tutorial_0():
    first = (-173.6122086, 203.1365151, 158.769268, 128.7242743)
    network = cs.create_model("googlenet_tutorial0")
    golden.check_row(network, (3, 224, 224), 57, first, -19031.22165, 8954.515848, 825, 0.045)


@pytest.mark.parametrize("name", ["googlenet_tutorial0", "googlenet_tutorial1"])
@pytest.mark.parametrize(("batch", "channels", "size"), [(1, 3, (97, 96)), (2, 1, (63, 90))])
def test_a_step_of_training(name, batch, channels, size):
    torch.manual_seed(0)
    check_training_step(cs.create_model(name, num_classes=7, in_channels=channels), torch.randn(batch, channels, *size))


def test_tutorial_1_is_for_ten_classes_of_grey_images():
    table = cs.summary(on_meta("googlenet_tutorial1"), (1, 224, 224))
    assert (table.parameters, table.macs) == (5_927_850, 1_493_248_000)


class Typed(nn.Module):
    """An Inception module as the study notes type it."""

    def __init__(self, in_channels, c1, c2, c3, c4):
        super().__init__()
        self.ReLU = nn.ReLU()
        self.p1 = nn.Conv2d(in_channels, c1, kernel_size=1)
        self.p2_1 = nn.Conv2d(in_channels, c2[0], kernel_size=1)
        self.p2_2 = nn.Conv2d(c2[0], c2[1], kernel_size=3, padding=1)
        self.p3_1 = nn.Conv2d(in_channels, c3[0], kernel_size=1)
        self.p3_2 = nn.Conv2d(c3[0], c3[1], kernel_size=5, padding=2)
        self.p4_1 = nn.MaxPool2d(kernel_size=3, padding=1, stride=1)
        self.p4_2 = nn.Conv2d(in_channels, c4, kernel_size=1)

    def forward(self, x):
        p1 = self.ReLU(self.p1(x))
        p2 = self.ReLU(self.p2_2(self.ReLU(self.p2_1(x))))
        p3 = self.ReLU(self.p3_2(self.ReLU(self.p3_1(x))))
        p4 = self.ReLU(self.p4_2(self.p4_1(x)))
        return torch.cat((p1, p2, p3, p4), dim=1)


class TypedGoogLeNet(nn.Module):
    """The study notes' network: one channel, ten classes."""

    def __init__(self):
        super().__init__()
        pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.b1 = nn.Sequential(nn.Conv2d(1, 64, kernel_size=7, stride=2, padding=3), nn.ReLU(), pool)
        self.b2 = nn.Sequential(
            nn.Conv2d(64, 64, kernel_size=1), nn.ReLU(), nn.Conv2d(64, 192, kernel_size=3, padding=1), nn.ReLU(), pool
        )
        self.b3 = nn.Sequential(
            Typed(192, 64, (96, 128), (16, 32), 32), Typed(256, 128, (128, 192), (32, 96), 64), pool
        )
        self.b4 = nn.Sequential(
            Typed(480, 192, (96, 208), (16, 48), 64), Typed(512, 160, (112, 224), (24, 64), 64),
            Typed(512, 128, (128, 256), (24, 64), 64), Typed(512, 112, (128, 288), (32, 64), 64),
            Typed(528, 256, (160, 320), (32, 128), 128), pool,
        )  # fmt: skip
        self.b5 = nn.Sequential(
            Typed(832, 256, (160, 320), (32, 128), 128), Typed(832, 384, (192, 384), (48, 128), 128),
            nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(1024, 10),
        )  # fmt: skip

    def forward(self, x):
        return self.b5(self.b4(self.b3(self.b2(self.b1(x)))))


def test_tutorial_1_is_the_class_that_its_notes_type():
    torch.manual_seed(0)
    typed, ours = TypedGoogLeNet().double(), cs.create_model("googlenet_tutorial1").double()
    ours.load_state_dict(typed.state_dict(), strict=True)
    images = torch.randn(2, 1, 70, 65, dtype=torch.float64)
    torch.testing.assert_close(ours(images), typed(images), rtol=1e-12, atol=1e-12)
    assert sum(p.numel() for p in typed.parameters()) == 5_927_850


def test_module_rectifies_its_reductions_and_tutorial_0s_does_not():
    torch.manual_seed(0)
    x, y = torch.randn(2, 1, 192, 6, 6, dtype=torch.float64)
    mixed = 0.3 * x + 0.7 * y
    plain = cs.create_model("googlenet_tutorial0").double().inception3a
    papers = cs.create_model("googlenet", aux_logits=False).double().inception3a
    for name in ("branch1", "branch2", "branch3"):
        for block, linear in ((plain, True), (papers, False)):
            branch = block.get_submodule(name)
            gap = (branch(mixed) - 0.3 * branch(x) - 0.7 * branch(y)).abs().max()
            assert (gap.item() < 1e-12) is linear, (name, linear)
    # So its 1x1 and 3x3 convolutions are one 3x3 convolution (away from the border, where the padding sees biases).
    first, second = plain.branch2
    weight = torch.einsum("omyx,mi->oiyx", second.weight, first.weight[:, :, 0, 0])
    bias = second.bias + (second.weight.sum((2, 3)) @ first.bias)
    torch.testing.assert_close(plain.branch2(x)[..., 1:-1, 1:-1], F.conv2d(x, weight, bias))


def test_tutorial_1_is_the_paper_with_a_narrower_4d_without_normalisation_dropout_and_ceiling():
    torch.manual_seed(0)
    tutorial, paper = (
        cs.create_model(name, num_classes=9, in_channels=3) for name in ("googlenet_tutorial1", "googlenet")
    )
    paper.inception4d = Inception(512, Row(112, 128, 288, 32, 64, 64))
    tutorial, paper = tutorial.double(), paper.double()
    expected = ["b1.0", "b2.0", "b2.2", "b3.0.p1", "b3.0.p2_1", "b3.0.p2_2", "b3.0.p3_1", "b3.0.p3_2", "b3.0.p4_2"]
    layers = list(dict.fromkeys(key.rsplit(".", 1)[0] for key in tutorial.state_dict()))
    assert layers[:9] == expected and layers[-1] == "b5.4" and len(layers) == 58
    rows = cs.summary(tutorial, (3, 224, 224)).layers
    assert len(rows) + sum(isinstance(m, InceptionTutorial1) for m in tutorial.modules()) == 139
    weights = [value for key, value in paper.state_dict().items() if not key.startswith("aux")]
    tutorial.load_state_dict(dict(zip(tutorial.state_dict(), weights, strict=True)))
    images = torch.randn(2, 3, 61, 72, dtype=torch.float64)
    paper.eval()
    assert not torch.allclose(paper(images), tutorial(images), rtol=1e-3)
    paper.norm1, paper.norm2 = nn.Identity(), nn.Identity()
    for number in "1234":
        setattr(paper, f"maxpool{number}", nn.MaxPool2d(3, 2, 1))
    torch.testing.assert_close(paper(images), tutorial(images), rtol=1e-10, atol=1e-12)


def test_tutorial_1_takes_any_size():
    assert on_meta("googlenet_tutorial1").eval()(torch.empty(1, 1, 1, 2, device="meta")).shape == (1, 10)


def test_initialisation_of_tutorial_1():
    torch.manual_seed(0)
    tutorial = cs.create_model("googlenet_tutorial1", num_classes=1000)
    fan_out = sqrt(2 / (9 * 208))
    assert float(tutorial.b4[0].p2_2.weight.detach().std()) == pytest.approx(fan_out, rel=0.02)
    assert float(tutorial.b5[4].weight.detach().std()) == pytest.approx(0.01, rel=0.02)
    assert not tutorial.b4[0].p2_2.bias.any()


def test_neither_normalises_and_tutorial_1_has_no_dropout():
    assert [m.p for m in on_meta("googlenet_tutorial0").modules() if isinstance(m, nn.Dropout)] == [0.4]
    assert not any(isinstance(m, nn.Dropout | nn.BatchNorm2d) for m in on_meta("googlenet_tutorial1").modules())


def test_the_smallest_image_of_tutorial_0():
    network = on_meta("googlenet_tutorial0", num_classes=3).eval()
    assert network(torch.empty(1, 3, 31, 32, device="meta")).shape == (1, 3)
    with pytest.raises(
        ValueError, match=r"^googlenet_tutorial0 takes images of at least 31 x 31; got 1 x 3 x 40 x 30$"
    ):
        network(torch.empty(1, 3, 40, 30, device="meta"))
