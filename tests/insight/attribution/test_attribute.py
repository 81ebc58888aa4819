"""Every method on networks of all kinds, against Captum where it has the same, and that networks stay untouched."""

from __future__ import annotations

import captum.attr
import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

import convscope as cs
from convscope.insight import MAP_METHODS, METHODS, attribute, map_layer, trace

from .networks import Own, Plain, assert_untouched, sums


@pytest.mark.filterwarnings("ignore:Setting backward hooks")
@pytest.mark.filterwarnings("ignore:Input Tensor")
@pytest.mark.parametrize(
    ("method", "theirs"),
    [
        ("guided-backprop", captum.attr.GuidedBackprop),
        ("deconvnet", captum.attr.Deconvolution),
        ("saliency", captum.attr.Saliency),
    ],
)
def test_gradient_methods_are_captums(own, images, method, theirs):
    found = theirs(Plain(own).eval()).attribute(images.clone(), target=torch.tensor([1, 2]))
    expected = found.amax(1) if method == "saliency" else found.sum(1)
    torch.testing.assert_close(attribute(own, images, method, [1, 2]), expected)
    assert expected.abs().max() > 0


def test_two_classes_compared(own, images):
    for method in ("integrated-gradients", "occlusion"):
        one, two = (attribute(own, images, method, label) for label in (0, 3))
        both = attribute(own, images, method, 0, versus=3)
        torch.testing.assert_close(both, one - two, atol=1e-5, rtol=1e-4)
    signed = attribute(own, images, "grad-cam", 0, versus=3)
    torch.testing.assert_close(signed, -attribute(own, images, "grad-cam", 3, versus=0))
    assert signed.min() < 0 < signed.max()


NETWORKS = {
    "resnet18": (lambda: torchvision.models.resnet18(), "layer4.1.relu#2"),
    "vgg11": (lambda: torchvision.models.vgg11(init_weights=False), "avgpool"),
    "googlenet": (lambda: torchvision.models.googlenet(aux_logits=True, init_weights=False), "inception5b.cat"),
    "densenet121": (lambda: torchvision.models.densenet121(), "relu"),
    "efficientnet_b0": (lambda: torchvision.models.efficientnet_b0(), "features.8.2"),
    "lenet5": (lambda: cs.create_model("lenet5"), "f3"),
    "own": (Own, "relu"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_method_on_networks_of_all_kinds(name):
    torch.manual_seed(0)
    build, layer = NETWORKS[name]
    network = build()
    size = {"lenet5": (1, 32, 32), "own": (3, 16, 16)}.get(name, (3, 64, 64))
    images = torch.rand(1, *size)
    for p in list(network.parameters())[:3]:
        p.requires_grad_(False)  # as in a network that is being fine-tuned
    before = sums(network)
    usual = images if size[1] < 64 else torch.zeros(1, 3, 224, 224)  # at 64 their last maps have 2 x 2 places
    assert map_layer(trace(network, usual, keep=())) == layer or name == "own"
    side = size[1] // 3
    for method in METHODS:
        with torch.no_grad():  # as a server calls it
            heat = attribute(network, images, method, 1, steps=2, window=side, stride=side)
        assert heat.shape == (1, *size[1:]) and heat.dtype == torch.float32 and not heat.requires_grad
        assert torch.isfinite(heat).all() and (heat.abs().sum() > 0 or method in MAP_METHODS), method
    assert_untouched(network, before)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_left_behind_after_an_exception(own, method):
    before = sums(own)
    with pytest.raises(RuntimeError):
        attribute(own, torch.randn(1, 5, 16, 16), method, 0)
    assert_untouched(own, before)
    assert F.relu(torch.tensor([1.0], requires_grad=True)).grad_fn.name() == "ReluBackward0"


def test_the_callers_images_stay(images):
    class InPlace(nn.Module):
        def forward(self, x):
            return x.relu_().mean((2, 3))

    kept = images.clone()
    for method in METHODS:
        if method not in MAP_METHODS:
            attribute(InPlace(), images, method, 0, steps=3)
    assert images.equal(kept) and not images.requires_grad


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("grad-kam", 0), "unknown method 'grad-kam': did you mean grad-cam or hires-cam?"),
        (("saliency", 4), "no class 4: this network has 4, counted from 0"),
        (("saliency", [0, 1, 2]), "2 images need one label, or one each"),
        (("grad-cam", 0, "too"), "unknown layer 'too': did you mean two"),
        (("grad-cam", 0, "head"), "'head' gives no maps: choose one of two, add, act#2"),
        (("occlusion", 0, "one"), "occlusion takes no layer: leave it out, or choose grad-cam or hires-cam"),
    ],
)
def test_errors_are_one_line(own, images, arguments, message):
    with pytest.raises(ValueError) as problem:
        attribute(own, images, *arguments)
    assert message in str(problem.value) and "\n" not in str(problem.value)
