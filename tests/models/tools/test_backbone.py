"""Our networks under torchvision's detection and segmentation heads."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models.detection import FasterRCNN, RetinaNet
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.segmentation.fcn import FCN, FCNHead
from torchvision.ops import MultiScaleRoIAlign

import convscope as cs
from convscope.models import CATALOGUE
from convscope.models.tools.backbone import Backbone
from convscope.models.tools.layers import require_size

MEAN_STD = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
SMALL = {"min_size": 64, "max_size": 64, **MEAN_STD}


def step(model: nn.Module, loss: torch.Tensor, backbone: Backbone) -> None:
    """One step of SGD; the loss is finite, every parameter of the backbone gets a gradient, its first layer moves."""
    assert loss.isfinite() and loss > 0
    first = next(backbone.parameters())
    before = first.detach().clone()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
    optimizer.zero_grad()
    loss.backward()
    for name, parameter in backbone.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.any(), name
    optimizer.step()
    assert not torch.equal(first, before)


def scene() -> tuple[list[torch.Tensor], list[dict[str, torch.Tensor]]]:
    """Two pictures with a bright and a dark square."""
    torch.manual_seed(0)
    images = [0.1 * torch.randn(3, 64, 64) + 0.5 for _ in range(2)]
    boxes = torch.tensor([[4.0, 4.0, 28.0, 28.0], [30.0, 32.0, 62.0, 62.0]])
    for image in images:
        image[:, 4:28, 4:28] = 1
        image[:, 32:62, 30:62] = 0
    return images, [{"boxes": boxes, "labels": torch.tensor([1, 2])} for _ in images]


def test_retinanet_with_a_pyramid_trains_a_step():
    images, targets = scene()
    backbone = Backbone(cs.create_model("resnet18"), ["layer2", "layer3", "layer4"], pyramid=32)
    assert backbone.out_channels == 32 and backbone.strides == {"layer2": 8, "layer3": 16, "layer4": 32}
    anchors = AnchorGenerator(((16,), (24,), (32,)), ((0.5, 1.0, 2.0),) * 3)
    detector = RetinaNet(backbone, num_classes=3, anchor_generator=anchors, **SMALL)
    losses = detector(images, targets)
    assert set(losses) == {"classification", "bbox_regression"}
    step(detector, sum(losses.values()), backbone)
    with torch.no_grad():
        found = detector.eval()(images)
    assert [set(each) for each in found] == [{"boxes", "scores", "labels"}] * 2


def test_faster_rcnn_on_one_stage_trains_a_step():
    images, targets = scene()
    backbone = Backbone(cs.create_model("resnet18"), ["layer3"])
    assert backbone.out_channels == 256
    detector = FasterRCNN(
        backbone,
        num_classes=3,
        rpn_anchor_generator=AnchorGenerator(((16, 32),), ((1.0,),)),
        box_roi_pool=MultiScaleRoIAlign(["layer3"], output_size=3, sampling_ratio=2),
        **SMALL,
    )
    losses = detector(images, targets)
    assert len(losses) == 4
    step(detector, sum(losses.values()), backbone)
    assert not any("layer4" in name or "fc" in name for name, _ in backbone.named_parameters())


def test_segmentation_head_trains_a_step():
    images, _ = scene()
    labels = torch.zeros(2, 64, 64, dtype=torch.long)
    labels[:, 4:28, 4:28], labels[:, 32:62, 30:62] = 1, 2
    backbone = Backbone(cs.create_model("resnet18"), {"layer4": "out"})
    segmenter = FCN(backbone, FCNHead(backbone.out_channels, 3))
    logits = segmenter(torch.stack(images))["out"]
    assert logits.shape == (2, 3, 64, 64)
    step(segmenter, F.cross_entropy(logits, labels), backbone)


NETWORKS = ["resnet18", "resnet50", "plain18", "resnet20", "plain20", "preact_resnet164"]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("training", [False, True])
def test_maps_are_the_networks_own(name, training):
    torch.manual_seed(0)
    network = cs.create_model(name).train(training)
    backbone = Backbone(network)
    seen = OrderedDict()
    handles = [
        network.get_submodule(stage).register_forward_hook(lambda m, i, out, stage=stage: seen.update({stage: out}))
        for stage in network.stages
    ]
    images = torch.randn(2, 3, 75, 64)
    with torch.no_grad():
        network(images)
        maps = backbone(images)
    for handle in handles:
        handle.remove()
    assert isinstance(maps, OrderedDict) and list(maps) == list(network.stages)
    for stage, found in maps.items():
        channels, stride = network.stages[stage]
        assert found.shape == (2, channels, -(-75 // stride), 64 // stride)
        torch.testing.assert_close(found, seen[stage])


def test_it_shares_parameters_and_leaves_the_network_as_it_was():
    torch.manual_seed(0)
    network = cs.create_model("resnet18").eval()
    network.layer2.train()  # a mixture of modes, as in fine-tuning with frozen batch norms
    modes = {path: module.training for path, module in network.named_modules()}
    images, keys = torch.randn(1, 3, 64, 64), list(network.state_dict())
    backbone = Backbone(network, ["layer2", "layer4"])
    assert {path: module.training for path, module in network.named_modules()} == modes
    assert list(network.state_dict()) == keys
    backbone(images)["layer4"].sum().backward()
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in [*network.modules(), *backbone.modules()])
    own, theirs = dict(network.named_parameters()), dict(backbone.body.named_parameters())
    assert set(own) - set(theirs) == {"fc.weight", "fc.bias"}
    assert all(own[name] is parameter and parameter.grad is not None for name, parameter in theirs.items())
    backbone.load_state_dict(backbone.state_dict(), strict=True)


def test_modes_reach_the_layers():
    network = cs.create_model("resnet20")
    backbone = Backbone(network).eval()
    before = network.bn1.running_mean.clone()
    backbone(torch.randn(2, 3, 32, 32))
    assert torch.equal(network.bn1.running_mean, before)
    backbone.train()(torch.randn(2, 3, 32, 32))
    assert not torch.equal(network.bn1.running_mean, before)


def test_names_and_order_of_the_maps():
    network = cs.create_model("resnet20")
    renamed = Backbone(network, {"layer3": "1", "layer1": "0"})
    assert list(renamed(torch.zeros(1, 3, 32, 32))) == ["0", "1"] == list(renamed.channels)
    assert (renamed.out_channels, renamed.channels, renamed.strides) == (64, {"0": 16, "1": 64}, {"0": 1, "1": 4})
    pyramid = Backbone(network, {"layer3": "1", "layer1": "0"}, pyramid=8)
    shapes = {name: tuple(found.shape) for name, found in pyramid(torch.zeros(1, 3, 32, 32)).items()}
    assert shapes == {"0": (1, 8, 32, 32), "1": (1, 8, 8, 8)} and pyramid.channels == {"0": 8, "1": 8}


class FixedSize(nn.Module):
    """A network whose classifier takes 32 x 32 images only."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3, 2, padding=1), nn.ReLU())
        self.stages = {"features": (4, 2)}
        self.classifier = nn.Linear(4 * 16 * 16, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        require_size(images, (3, 32, 32), "fixed")
        return self.classifier(self.features(images).flatten(1))


def test_the_size_of_the_classifier_does_not_bind_the_maps():
    network = FixedSize()
    with pytest.raises(ValueError, match="fixed takes images of N x 3 x 32 x 32"):
        network(torch.zeros(2, 3, 40, 56))
    assert Backbone(network)(torch.zeros(2, 3, 40, 56))["features"].shape == (2, 4, 20, 28)


# One network of every paper for large and for small images: the first in the catalogue. Perceptrons have no maps.
EVERY_PAPER = {
    (CATALOGUE[name].paper, CATALOGUE[name].input_size[1] > 64): name
    for name in reversed(CATALOGUE)
    if CATALOGUE[name].family != "perceptron"
}


@pytest.mark.parametrize("name", EVERY_PAPER.values())
def test_every_family_can_be_cut(name):
    _, height, width = CATALOGUE[name].input_size
    height, width = height + 33, width + 32
    with torch.device("meta"):
        network = cs.create_model(name)
        for training in (True, False):
            backbone = Backbone(network.train(training))
            maps = backbone(torch.empty(2, CATALOGUE[name].input_size[0], height, width))
            assert list(maps) == list(network.stages)
            for stage, (channels, stride) in network.stages.items():
                found = maps[stage].shape
                assert found[:2] == (2, channels)
                # Without padding a little less than one unit every `stride` pixels.
                assert 0.7 * height / stride <= found[2] <= height / stride + 1, (stage, found)
                assert 0.7 * width / stride <= found[3] <= width / stride + 1, (stage, found)


class Undecided(FixedSize):
    """A network that looks at the numbers before it goes on: no graph says what it does."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.features(images if images.sum() > 0 else -images)


def test_what_cannot_be_is_said_in_one_line():
    network = cs.create_model("resnet20")
    with pytest.raises(ValueError, match=r"^CifarResNet has no stage 'layer4'; it has layer1, layer2, layer3$"):
        Backbone(network, ["layer4"])
    with pytest.raises(ValueError, match=r"^two stages of CifarResNet cannot have the same name: out, out$"):
        Backbone(network, {"layer1": "out", "layer2": "out"})
    with pytest.raises(ValueError, match=r"^CifarResNet has no stage 'fc'"):
        Backbone(network, "fc")
    undecided = Undecided().eval()
    with pytest.raises(ValueError, match=r"^Undecided cannot be cut into stages: symbolically traced .* control flow$"):
        Backbone(undecided)
    assert not any(module.training for module in undecided.modules())
    with pytest.raises(ValueError, match=r"^Sequential has no property `stages` that names its stages"):
        Backbone(nn.Sequential(nn.Conv2d(3, 4, 3)))
