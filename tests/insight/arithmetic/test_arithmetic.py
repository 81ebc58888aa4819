"""The arithmetic of a value gives the network's own value: in whole networks at random positions, and by hand."""

from __future__ import annotations

import json
import random

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

import convscope as cs
from convscope.insight import arithmetic, trace


def living(network):
    """Norms with statistics and scales that are not those of a network that was never trained."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
    return network.eval()


def check(t, name, place, image=0, rtol=2e-4):
    a = arithmetic(t, name, *place, image=image)
    assert a.value == pytest.approx(a.network_value, rel=rtol, abs=rtol), (name, place, a.operation, a.formula)
    found = a.to_dict()
    json.dumps(found)
    if a.grid is not None:
        assert len(a.terms) == len(a.grid["channels"]) * a.grid["height"] * a.grid["width"]
    if a.operation in ("sum of products", "average", "sum", "copy") and a.terms and a.terms[0].product is not None:
        assert sum(term.product for term in a.terms) + (a.bias or 0) == pytest.approx(a.value, rel=1e-9, abs=1e-9)
    for term in random.sample(a.terms, min(len(a.terms), 9)):  # every value is where it says
        if not term.padded and term.input in t.outputs:
            index = [i for i in term.index if i is not None]
            assert term.value == pytest.approx(float(t.output(term.input)[image][tuple(index)]), rel=1e-6)
    if a.partial_sums:
        assert sum(a.partial_sums) + (a.bias or 0) == pytest.approx(a.value, rel=1e-9, abs=1e-9)
    return a


def check_everywhere(network, images, places=2, **tolerance):
    t = trace(network, images)
    dice = random.Random(0)
    operations = {}
    for node in t.nodes[1:]:
        if len(node.shape) > 3:
            continue
        for _ in range(places):
            place = [dice.randrange(size) for size in node.shape] or [0]
            a = check(t, node.name, place, dice.randrange(len(images)), **tolerance)
            operations.setdefault(a.operation, set()).add(node.type)
    return operations


OURS = [
    ("lenet5", {}, (1, 32, 32)), ("lenet_relu", {}, (1, 32, 32)), ("lenet_sigmoid", {}, (1, 28, 28)),
    ("mnist_fast", {}, (1, 28, 28)), ("alexnet_2012", {}, (3, 227, 227)), ("resnet20", {}, (3, 32, 32)),
    ("resnet18", {}, (3, 40, 40)), ("googlenet", {}, (3, 40, 40)), ("densenet121", {}, (3, 40, 40)),
    ("efficientnet_b0", {}, (3, 40, 40)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "size"), OURS, ids=[name for name, _, _ in OURS])
def test_our_networks(name, options, size):
    network = living(cs.create_model(name, **options))
    operations = check_everywhere(network, torch.randn(2, *size), 1 if size[1] > 32 else 3)
    assert "composite" not in operations, operations["composite"]


PUBLIC = ["resnet18", "googlenet", "densenet121", "mobilenet_v3_small", "efficientnet_b0", "shufflenet_v2_x0_5",
          "squeezenet1_1", "convnext_tiny"]  # fmt: skip


@pytest.mark.parametrize("name", PUBLIC)
def test_public_networks(name):
    options = {"init_weights": False} if name == "googlenet" else {}
    network = living(getattr(torchvision.models, name)(weights=None, **options))
    operations = check_everywhere(network, torch.randn(2, 3, 40, 40), 1)
    assert "composite" not in operations, operations["composite"]


def test_transformer():
    network = torchvision.models.VisionTransformer(32, 8, 2, 4, 24, 48, num_classes=5).eval()
    nn.init.normal_(network.heads.head.weight)
    operations = check_everywhere(network, torch.randn(2, 3, 32, 32))
    assert operations["composite"] == {"MultiheadAttention"}


LAYERS = {
    "grouped": nn.Conv2d(6, 8, 3, padding=1, groups=2),
    "strided": nn.Conv2d(6, 4, (3, 5), stride=(2, 3), padding=(0, 2), bias=False),
    "dilated": nn.Conv2d(6, 4, 3, dilation=2, padding=2),
    "same": nn.Conv2d(6, 4, 4, padding="same"),
    "valid": nn.Conv2d(6, 4, 4, padding="valid"),
    **{mode: nn.Conv2d(6, 4, 3, padding=2, padding_mode=mode) for mode in ("reflect", "replicate", "circular")},
    "transposed": nn.ConvTranspose2d(6, 4, 3, stride=2, padding=1, output_padding=1, groups=2, dilation=2),
    "max": nn.MaxPool2d(3, 2, 1, ceil_mode=True),
    "max dilated": nn.MaxPool2d(3, 1, dilation=2),
    "average": nn.AvgPool2d(3, 2, 1, ceil_mode=True),
    "average of what is inside": nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False),
    "sum": nn.AvgPool2d(2, divisor_override=1),
    "adaptive average": nn.AdaptiveAvgPool2d((3, 4)),
    "adaptive maximum": nn.AdaptiveMaxPool2d(4),
    "global": nn.AdaptiveAvgPool2d(1),
    "batch norm": nn.BatchNorm2d(6),
    "batch norm of the batch": nn.BatchNorm2d(6, track_running_stats=False),
    "group norm": nn.GroupNorm(3, 6),
    "instance norm": nn.InstanceNorm2d(6, affine=True),
    "layer norm": nn.LayerNorm([9, 11]),
    "response norm": nn.LocalResponseNorm(4, alpha=0.5),
    "softmax": nn.Softmax(1),
    "log softmax": nn.LogSoftmax(1),
    "dropout": nn.Dropout2d(),
    "flatten": nn.Flatten(),
    "padding": nn.ConstantPad2d((1, 2, 0, -1), 0.5),
    "reflection": nn.ReflectionPad2d(2),
    "unshuffle": nn.ChannelShuffle(3),
    "prelu": nn.PReLU(6, 0.1),
    **{kind.__name__: kind() for kind in (
        nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.RReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Sigmoid,
        nn.Tanh, nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish, nn.Softplus, nn.Softsign, nn.Tanhshrink, nn.Softshrink,
        nn.Hardshrink, nn.LogSigmoid, nn.Identity)},
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("name", LAYERS)
def test_layers_of_torch(name):
    torch.manual_seed(1)
    layer = LAYERS[name]
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    operations = check_everywhere(nn.Sequential(layer), torch.randn(2, 6, 9, 11), 25)
    assert "composite" not in operations


FUNCTIONS = {
    "constants": lambda x: 1 - 2 * (x + 3) / 4,
    "reversed": lambda x: 1 / (x.abs() + 1) + 2 ** x,
    "broadcast": lambda x: x * x.mean((2, 3), keepdim=True).sigmoid() - x.amax(dim=(2, 3), keepdim=True),
    "global": lambda x: x.mean([-2, -1]),
    "total": lambda x: x.sum(1),
    "maximum": lambda x: torch.maximum(x, -x) + torch.minimum(x, x * 2),
    "slices": lambda x: torch.cat([x[:, ::2, 1:, ::2], x[:, 1::2, 1:, ::2]], 1).permute(0, 2, 3, 1).reshape(2, 1, -1),
    "stack": lambda x: torch.stack([x, x.flip(2)], 1).flatten(1),
    "split": lambda x: torch.add(*x.split(3, 1), alpha=0.5),
    "product": lambda x: x @ x.transpose(2, 3),
    "norm": lambda x: F.layer_norm(F.batch_norm(x, torch.ones(6), torch.ones(6)), (9, 11), None, torch.ones(9, 11)),
    "pad": lambda x: F.max_pool2d(F.pad(x, (1, 1, 1, 1), value=-1.0), 3) + F.softmax(x, 1)[:, :, :3, :4],
    "in place": lambda x: x.mul_(2).relu_().add_(x),
    "half": lambda x: (x.double() * 2).float(),
    "interpolate": lambda x: F.interpolate(x, scale_factor=2.0, mode="bilinear"),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    class Network(nn.Module):
        def forward(self, x):
            return FUNCTIONS[name](x)

    operations = check_everywhere(Network(), torch.randn(2, 6, 9, 11), 10)
    assert ("composite" in operations) == (name == "interpolate")


def test_a_layer_without_a_formula():
    class Gate(nn.Module):
        """Pointwise in each link, but with a path around: a chain."""

        def forward(self, x):
            return x * torch.sigmoid(2 * x)

    class Unknown(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(4, 6))

        def forward(self, x):
            return torch.einsum("oc,nchw->nohw", self.weight, x).cumsum(3)

    operations = check_everywhere(nn.Sequential(Gate(), Unknown()), torch.randn(2, 6, 9, 11), 10)
    assert operations == {"function": {"Gate"}, "composite": {"Unknown"}}
    t = trace(nn.Sequential(Unknown()), torch.randn(1, 6, 9, 11))
    a = arithmetic(t, "0", 1, 2, 3)
    assert {tuple(term.index[1:]) for term in a.terms} == {(2, x) for x in range(4)} and len(a.terms) == 24
    assert sum(term.product for term in a.terms) == pytest.approx(a.network_value, abs=1e-5)  # it is linear


def test_infinities():
    """Infinities and NaN have their arithmetic like any other value."""

    class Divide(nn.Module):
        def forward(self, x):
            return x / (x - x) + 0

    t = trace(nn.Sequential(Divide(), nn.Conv2d(1, 1, 2)), torch.tensor([[[[1.0, -1.0], [2.0, 0.0]]]]))
    assert arithmetic(t, "0", 0, 0, 0).value == float("inf") and arithmetic(t, "0", 0, 0, 1).value == -float("inf")
    a = arithmetic(t, "1", 0, 0, 0)
    assert a.value != a.value and a.network_value != a.network_value
    t = trace(Divide(), torch.ones(1, 1, 2, 2))
    assert arithmetic(t, "div", 0, 0, 0).value == float("inf")


def test_by_hand():
    conv = nn.Conv2d(1, 1, 2, padding=1)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]))
        conv.bias.fill_(0.5)
    t = trace(nn.Sequential(conv, nn.MaxPool2d(2)), torch.tensor([[[[10.0, 20.0], [30.0, 40.0]]]]))
    a = arithmetic(t, "0", 0, 0, 1).to_dict()
    assert a["value"] == a["network_value"] == 3 * 10 + 4 * 20 + 0.5
    assert [term["product"] for term in a["terms"]] == [0, 0, 30, 80]
    assert [term["padded"] for term in a["terms"]] == [True, True, False, False]
    assert [term["index"] for term in a["terms"]] == [[0, -1, 0], [0, -1, 1], [0, 0, 0], [0, 0, 1]]
    assert a["grid"] == {"channels": [0], "height": 2, "width": 2} and a["partial_sums"] == [110] and a["bias"] == 0.5
    a = arithmetic(t, "1", 0, 0, 0)
    assert a.value == 10 * 1 + 20 * 2 + 30 * 3 + 40 * 4 + 0.5
    assert [term.chosen for term in a.terms] == [False, False, False, True]


def test_lenet5_of_1998():
    t = trace(cs.create_model("lenet5"), torch.rand(1, 1, 32, 32))
    assert arithmetic(t, "C3", 0, 1, 1).grid == {"channels": [0, 1, 2], "height": 5, "width": 5}
    assert len(arithmetic(t, "C3", 15, 1, 1).terms) == 150
    pool = arithmetic(t, "S2", 3, 1, 2)
    assert pool.operation == "sum of products" and pool.terms[0].index == [3, 2, 4]
    assert arithmetic(t, "output", 7).formula == "sum((x - w)^2)" and arithmetic(t, "neg", 7).formula == "-x"


def test_errors():
    t = trace(cs.create_model("lenet_relu"), torch.rand(2, 1, 32, 32), keep=["features.0", "features.1"])
    with pytest.raises(ValueError, match=r"features\.0 has no unit \[6, 0, 0\]: its output is 6 x 28 x 28 per image"):
        arithmetic(t, "features.0", 6, 0, 0)
    with pytest.raises(ValueError, match="has no unit"):
        arithmetic(t, "features.1", 1)
    with pytest.raises(ValueError, match="no image 2 in a batch of 2"):
        arithmetic(t, "features.1", 1, 1, 1, image=2)
    with pytest.raises(ValueError, match="the output of 'input' was not kept"):
        arithmetic(t, "features.0", 1, 1, 1)
    with pytest.raises(ValueError, match="the input is not computed: choose a layer behind it"):
        arithmetic(trace(nn.ReLU(), torch.zeros(1, 1, 2, 2)), "input", 0, 0, 0)
    assert arithmetic(t, "features.1", 1, 1, 1).kind == "activation"


def test_half_precision():
    network = living(cs.create_model("mnist_fast")).to(torch.bfloat16)
    check_everywhere(network, torch.rand(2, 1, 28, 28), rtol=2e-2)
