"""Inception-v3, against torchvision."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

import convscope as cs
from convscope.models.inception_v3 import InceptionOutputs
from convscope.models.tools.backbone import Backbone
from convscope.models.tools.inception_blocks import AuxiliaryPool

from . import parity
from .checks import check_counts, check_smallest_image, check_stages, check_training_step, on_meta


@pytest.mark.parametrize(
    ("options", "counts", "macs", "convolutions", "norms", "field"),
    [
        ({"aux_logits": False}, (23_834_568, 21_806_058, 21_805_482), 5_713_216_096, 94, 34_432, 1311),
        ({}, (27_161_264, 24_371_444, 24_370_868), 5_713_216_096, 94, 34_432, 1311),
    ],
)  # fmt: skip
def test_counts(options, counts, macs, convolutions, norms, field):
    check_counts("inception_v3", options, 299, counts, macs, field, convolutions, norms)
    eps = {m.eps for m in on_meta("inception_v3", **options).modules() if isinstance(m, nn.BatchNorm2d)}
    assert eps == {1e-3}


def test_stages():
    network = on_meta("inception_v3")
    check_stages(network, (3, 299, 299), [(192, 71), (288, 35), (768, 17), (2048, 8)])
    assert [stride for _, stride in network.stages.values()] == [4, 8, 16, 32]


@pytest.fixture(scope="module")
def v3() -> tuple[nn.Module, nn.Module]:
    """Ours and torchvision's, with its weights."""
    torch.manual_seed(0)
    return cs.create_model("inception_v3", num_classes=20), torchvision.models.inception_v3(
        num_classes=20, init_weights=True
    )


def test_it_is_the_same_function_as_torchvision(v3):
    parity.assert_same(*v3, (3, 107, 91))


def test_it_gives_the_same_in_training_as_torchvision(v3):
    ours, theirs = (network.double().train() for network in v3)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    images = torch.randn(2, 3, 299, 299, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    seen = []
    with torch.no_grad():
        for network in (ours, theirs):
            torch.manual_seed(1)
            seen.append(network(images))
    assert isinstance(seen[0], InceptionOutputs) and seen[0]._fields == seen[1]._fields
    for own, expected in zip(*seen, strict=True):
        assert float((expected[0] - expected[1]).norm() / expected.norm()) > 1e-2
        torch.testing.assert_close(own, expected, rtol=1e-9, atol=1e-10)
    buffers = dict(theirs.named_buffers())
    for name, buffer in ours.named_buffers():
        torch.testing.assert_close(buffer, buffers[name], rtol=1e-9, atol=1e-10)


def test_the_auxiliary_head_has_torchvisions_gradients(v3):
    ours, theirs = (network.AuxLogits.double().train() for network in v3)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    maps = torch.randn(3, 768, 19, 17, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    gradients = []
    for head in (ours, theirs):
        head.zero_grad()
        x = maps.clone().requires_grad_()
        F.cross_entropy(head(x), torch.tensor([1, 2, 3])).backward()
        gradients.append({"input": x.grad} | {name: p.grad for name, p in head.named_parameters()})
    assert float(gradients[0]["input"].abs().max()) > 1e-8
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], rtol=1e-6, atol=1e-12)


def test_the_loss_adds_four_tenths_of_the_head():
    torch.manual_seed(0)
    network = on_meta("inception_v3")
    logits, aux, labels = torch.randn(4, 6), torch.randn(4, 6), torch.tensor([0, 5, 2, 2])
    own, other = F.cross_entropy(logits, labels), F.cross_entropy(aux, labels)
    torch.testing.assert_close(network.loss(InceptionOutputs(logits, aux), labels), own + 0.4 * other)
    torch.testing.assert_close(network.loss(logits, labels), own)
    smooth = F.cross_entropy(logits, labels, label_smoothing=0.2)
    torch.testing.assert_close(network.loss(logits, labels, label_smoothing=0.2), smooth)


@pytest.mark.parametrize("length", [1, 4, 16, 17, 18, 30])
def test_the_auxiliary_pool_is_the_papers_where_it_can_be(length):
    maps, pooled = torch.randn(1, 2, length, 20), None
    pooled = AuxiliaryPool(5, larger=True)(maps)
    if length >= 17:
        torch.testing.assert_close(pooled, F.avg_pool2d(maps, 5, 3))
    else:
        assert pooled.shape == (1, 2, 5, 5)


def test_a_backbone_leaves_the_head_behind():
    backbone = Backbone(on_meta("inception_v3"), ["Mixed_5d", "Mixed_6e"]).train()
    maps = backbone(torch.empty(2, 3, 107, 91, device="meta"))
    assert [tuple(found.shape) for found in maps.values()] == [(2, 288, 11, 9), (2, 768, 5, 4)]
    assert not any("AuxLogits" in name or "Mixed_7a" in name for name, _ in backbone.named_parameters())


def test_a_step_of_training():
    torch.manual_seed(0)
    check_training_step(cs.create_model("inception_v3", num_classes=7, in_channels=1), torch.randn(2, 1, 111, 123))


def test_the_smallest_image(monkeypatch):
    check_smallest_image(on_meta("inception_v3", num_classes=3), "inception_v3", 75, monkeypatch)


def test_initialisation():
    torch.manual_seed(0)
    v3 = cs.create_model("inception_v3")
    for layer, deviation in (
        (v3.Mixed_6b.branch7x7_2.conv, 0.1),
        (v3.fc, 0.1),
        (v3.AuxLogits.conv1.conv, 0.01),
        (v3.AuxLogits.fc, 0.001),
    ):
        weight = layer.weight.detach()
        assert 1.9 * deviation < float(weight.abs().max()) <= 2 * deviation
        assert float(weight.std()) == pytest.approx(0.8796 * deviation, rel=0.02)


def test_dropout_is_the_papers():
    assert on_meta("inception_v3").dropout.p == 0.5
