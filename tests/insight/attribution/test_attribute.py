"""Heat maps against Captum, autograd, finite differences and small networks worked out by hand."""

from __future__ import annotations

import captum.attr
import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

import convscope as cs
from convscope.insight import MAP_METHODS, METHODS, attribute, map_layer, trace
from convscope.insight.attribution.relu_backward import ChangedRectifiers


class Own(nn.Module):
    """A user's network: functional and in-place rectifiers, one module used twice, an addition."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1)
        self.act = nn.ReLU(inplace=True)
        self.head = nn.Linear(6 * 16, 4)

    def forward(self, x):
        x = self.act(self.one(x))
        x = self.act(x + self.two(x))
        x = F.max_pool2d(F.relu(self.two(x), inplace=True), 4)
        return self.head(x.flatten(1).relu_())


class Plain(nn.Module):
    """The same arithmetic with a module of its own a rectifier: what Captum needs."""

    def __init__(self, own):
        super().__init__()
        self.own, self.acts = own, nn.ModuleList(nn.ReLU() for _ in range(4))

    def forward(self, x):
        own, acts = self.own, self.acts
        x = acts[0](own.one(x))
        x = acts[1](x + own.two(x))
        x = F.max_pool2d(acts[2](own.two(x)), 4)
        return own.head(acts[3](x.flatten(1)))


@pytest.fixture
def own():
    torch.manual_seed(0)
    return Own()


@pytest.fixture
def images():
    return torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))


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


def test_grad_cam_is_captums(own, images):
    ours = attribute(own, images, "grad-cam", 1, layer="one")
    maps = captum.attr.LayerGradCam(Plain(own).eval(), own.one).attribute(images, target=1, relu_attributions=True)
    torch.testing.assert_close(ours, maps[:, 0])  # `one` has the size of the image


def test_grad_cam_with_global_pooling_is_the_class_activation_map(images):
    """Zhou 2016: the weights of the class times the maps; the gradient of the mean adds 1 / pixels."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    network.append(nn.Linear(5, 3))
    maps = network[:2](images).detach()
    activation = torch.einsum("c,nchw->nhw", network[4].weight[2].detach(), maps).relu() / (14 * 14)
    expected = F.interpolate(activation[:, None], (16, 16), mode="bilinear")[:, 0]
    torch.testing.assert_close(attribute(network, images, "grad-cam", 2), expected)


def test_hires_cam_is_grad_cam_where_maps_are_averaged(images):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 3))
    hires, grad = (attribute(network, images, method, 2) for method in ("hires-cam", "grad-cam"))
    torch.testing.assert_close(hires, grad)


def test_hires_cam_points_at_what_a_maximum_has_chosen():
    """Two spots, of which the brighter one alone is the answer: a mean gradient would light up both."""
    network = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(1, 2))
    with torch.no_grad():
        network[0].weight.fill_(1.0)
        network[3].weight.copy_(torch.tensor([[0.0], [2.0]]))
    images = torch.zeros(1, 1, 8, 8)
    images[0, 0, 1, 2], images[0, 0, 6, 5] = 3.0, 4.0
    heat = attribute(network, images, "hires-cam", 1)
    expected = torch.zeros(1, 8, 8)
    expected[0, 6, 5] = 4.0 * 2.0
    torch.testing.assert_close(heat, expected)
    assert attribute(network, images, "grad-cam", 1)[0, 1, 2] > 0


def test_two_classes_compared(own, images):
    for method in ("integrated-gradients", "occlusion"):
        one, two = (attribute(own, images, method, label) for label in (0, 3))
        both = attribute(own, images, method, 0, versus=3)
        torch.testing.assert_close(both, one - two, atol=1e-5, rtol=1e-4)
    signed = attribute(own, images, "grad-cam", 0, versus=3)
    torch.testing.assert_close(signed, -attribute(own, images, "grad-cam", 3, versus=0))
    assert signed.min() < 0 < signed.max()


def test_integrated_gradients_sum_up_to_the_difference(images):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 196, 3)).eval()
    heat = attribute(network, images, "integrated-gradients", 1)
    expected = (network(images) - network(torch.zeros_like(images)))[:, 1].detach()
    torch.testing.assert_close(heat.sum((1, 2)), expected, atol=1e-3, rtol=1e-3)


def test_saliency_is_what_a_small_change_does(own, images):
    own, images = own.double(), images[:1].double()
    heat = attribute(own, images, "saliency", 1)
    for row, column in ((3, 5), (8, 8), (15, 0)):
        slopes = []
        for channel in range(3):
            step = torch.zeros_like(images)
            step[0, channel, row, column] = 1e-6
            slopes.append(float((own(images + step) - own(images - step))[0, 1].detach()) / 2e-6)
        assert float(heat[0, row, column]) == pytest.approx(max(map(abs, slopes)), rel=1e-5, abs=1e-9)


def test_occlusion_is_the_score_without_each_square(own, images):
    heat = attribute(own, images, "occlusion", 2, window=4, stride=4, baseline=0.5)
    score = own.eval()(images)[:, 2]
    for top in range(0, 16, 4):
        for left in range(0, 16, 4):
            hidden = images.clone()
            hidden[:, :, top : top + 4, left : left + 4] = 0.5
            fall = (score - own(hidden)[:, 2]).detach()
            torch.testing.assert_close(heat[:, top + 1, left + 2], fall, atol=1e-5, rtol=1e-4)


def test_rectifiers_give_the_same_numbers_however_they_are_spelled():
    x = torch.randn(50)
    spellings = [F.relu, torch.relu, torch.Tensor.relu, nn.ReLU(), F.relu_, torch.relu_, torch.Tensor.relu_]
    spellings.append(nn.ReLU(inplace=True))
    for rule in ("guided", "deconvnet"):
        for relu in spellings:
            leaf = x.clone().requires_grad_()
            with ChangedRectifiers(rule):
                y = relu(leaf * 2)
            (gradient,) = torch.autograd.grad(y, leaf, torch.linspace(-1, 1, 50))
            expected = 2 * torch.linspace(-1, 1, 50).relu() * (x > 0 if rule == "guided" else 1)
            assert y.equal((2 * x).relu()) and gradient.equal(expected)
        with ChangedRectifiers(rule):
            capped = F.relu6(x * 9)
        assert capped.equal(F.relu6(x * 9))
    changed = x.clone()
    with ChangedRectifiers("guided"):
        torch.relu_(changed)
    assert changed.equal(x.relu())  # in place is in place
    with pytest.raises(ValueError, match="unknown rule 'x': choose one of deconvnet, guided"):
        ChangedRectifiers("x")


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


def sums(network):
    return {key: float(value.double().sum()) for key, value in network.state_dict().items()}


def assert_untouched(network, before):
    assert all(module.training for module in network.modules())
    assert all(p.grad is None for p in network.parameters())
    assert sums(network) == before
    for module in network.modules():
        hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks)
        assert not any(hooks)


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
        (("occlusion", 0, "one"), "occlusion looks at the input and takes no layer"),
    ],
)
def test_errors_are_one_line(own, images, arguments, message):
    with pytest.raises(ValueError) as problem:
        attribute(own, images, *arguments)
    assert message in str(problem.value) and "\n" not in str(problem.value)


def test_a_network_without_maps():
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    with pytest.raises(ValueError, match="no layer of this network gives maps: choose another method"):
        attribute(network, torch.randn(1, 1, 8, 8), "grad-cam", 0)
