"""Every operation of the page's engine equals PyTorch's, and its backward pass autograd's, in a real browser."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convscope.errors import ModelFileError
from convscope.export.engine import describe_network
from convscope.models.lenet import C3_TABLE
from convscope.models.tools.layers import RBF, LocalResponseNorm, ScaledTanh, SubSampling, TableConv2d

from .conftest import Engine, distance

SCRIPT = """
const network = await load({ simd: argument.simd });
const pass = network.forward(await floats("images"), { images: argument.images });
pass.backward(new Map([[network.graph.answer, await floats("seed")]]));
const tensors = network.tensors.map(({ name }, i) => [`tensor:${name}`, pass.tensorGradients[i]]);
await give({ answer: network.logits(pass), input: pass.gradients[0], ...Object.fromEntries(tensors) });
return network.multiplier.name;
"""


class Function(nn.Module):
    """A function of the images as a network."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, images: Tensor) -> Tensor:
        return self.function(images)


class Gated(nn.Module):
    """Squeeze and excitation: maps times one number each."""

    def __init__(self):
        super().__init__()
        self.reduce, self.expand = nn.Conv2d(4, 2, 1), nn.Conv2d(2, 4, 1)

    def forward(self, images: Tensor) -> Tensor:
        return images * self.expand(F.relu(self.reduce(images.mean((2, 3), keepdim=True)))).sigmoid()


class OwnParameter(nn.Module):
    """A parameter that is used as an operand."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.randn(4))

    def forward(self, images: Tensor) -> Tensor:
        return images * self.scale.view(1, -1, 1, 1) - 0.5 * images


MAPS = (4, 9, 7)


def drawn(layer: nn.Module) -> nn.Module:
    """Return a layer of the package, whose weights its network draws, with weights."""
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    return layer


LAYERS = {
    "convolution": nn.Conv2d(4, 6, 3),
    "without bias": nn.Conv2d(4, 6, (3, 5), padding=(1, 2), bias=False),
    "strided": nn.Conv2d(4, 5, 5, stride=(2, 3), padding=2),
    "dilated": nn.Conv2d(4, 6, 3, padding=2, dilation=(2, 1)),
    "grouped": nn.Conv2d(4, 6, 3, groups=2),
    "depthwise": nn.Conv2d(4, 4, 3, stride=2, padding=1, groups=4),
    "depthwise with multiplier": nn.Conv2d(4, 8, 3, groups=4),
    "1 x 1": nn.Conv2d(4, 10, 1),
    "same": nn.Conv2d(4, 3, (4, 2), padding="same"),
    "kernel larger than maps": nn.Conv2d(4, 3, 11, padding=5),
    "transposed": nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1),
    "transposed in groups": nn.ConvTranspose2d(4, 6, (2, 3), stride=(1, 3), groups=2, dilation=2),
    "one axis": nn.Sequential(nn.Flatten(2), nn.Conv1d(4, 3, 5, stride=2, padding=1), nn.MaxPool1d(2)),
    "maximum": nn.MaxPool2d(3, 2, 1),
    "maximum, ceil": nn.MaxPool2d((2, 3), 2, ceil_mode=True),
    "maximum, dilated": nn.MaxPool2d(2, 1, 1, dilation=2),
    "average": nn.AvgPool2d(3, 2, 1),
    "average, ceil": nn.AvgPool2d(2, 2, 1, ceil_mode=True),
    "average, without padding": nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False),
    "average, divisor": nn.AvgPool2d(2, divisor_override=1),
    "adaptive average": nn.AdaptiveAvgPool2d((4, 3)),
    "adaptive maximum": nn.AdaptiveMaxPool2d((2, 5)),
    "global": nn.AdaptiveAvgPool2d(1),
    "LP": nn.Sequential(nn.Sigmoid(), nn.LPPool2d(3, 2)),
    "batch norm": nn.BatchNorm2d(4),
    "batch norm, plain": nn.BatchNorm2d(4, affine=False),
    "group norm": nn.GroupNorm(2, 4),
    "instance norm": nn.InstanceNorm2d(4, affine=True),
    "layer norm": nn.LayerNorm([9, 7]),
    "response norm": nn.LocalResponseNorm(3, alpha=0.5),
    "response norm, 2012": nn.Sequential(LocalResponseNorm(3, alpha=0.1)),
    "linear": nn.Sequential(nn.Flatten(), nn.Linear(252, 11)),
    "linear along the last axis": nn.Linear(7, 5, bias=False),
    "softmax": nn.Softmax(1),
    "log softmax": nn.LogSoftmax(-1),
    "dropout": nn.Sequential(nn.Dropout(0.5), nn.Tanh()),
    "PReLU": nn.PReLU(4),
    "PReLU of one": nn.PReLU(),
    "gate": Gated(),
    "parameter": OwnParameter(),
    "scaled tanh": ScaledTanh(),
    "sub-sampling": nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), drawn(SubSampling(4))),
    "connection table": nn.Sequential(nn.Conv2d(4, 6, 1), drawn(TableConv2d(C3_TABLE, 6, 5))),
    "RBF": nn.Sequential(nn.Flatten(), nn.Linear(252, 8), RBF(torch.randn(5, 8))),
    "reflection": nn.ReflectionPad2d(2),
    "constant border": nn.ConstantPad2d((1, -2, 0, 3), 0.7),
    "pixel shuffle": nn.PixelShuffle(2),
    "pixel unshuffle": nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.PixelUnshuffle(2)),
    "channel shuffle": nn.ChannelShuffle(2),
    "upsampling": nn.Upsample(scale_factor=2),
    **{
        layer.__class__.__name__: layer
        for layer in (
            nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.2), nn.ELU(0.7), nn.CELU(1.3), nn.SELU(), nn.GELU(), nn.SiLU(),
            nn.Mish(), nn.Sigmoid(), nn.Tanh(), nn.Hardtanh(-0.5, 0.8), nn.Hardsigmoid(), nn.Hardswish(),
            nn.Softplus(2), nn.Softsign(), nn.LogSigmoid(), nn.Identity(),
        )
    },
    "GELU by tanh": nn.GELU("tanh"),
    **{
        name: Function(function)
        for name, function in {
            "a + a": lambda x: x + x,
            "a - b": lambda x: 2 * x - x.relu(),
            "a * b": lambda x: x * x.sigmoid(),
            "a / b": lambda x: x / (1.5 + x.sigmoid()),
            "1 / a": lambda x: 1 / (x.abs() + 1),
            "1 - a": lambda x: 1 - x,
            "add with alpha": lambda x: torch.add(x, x.tanh(), alpha=0.3),
            "larger": lambda x: torch.maximum(x, x.flip(3)) + torch.minimum(x, -x),
            "power": lambda x: (x.square() + 1) ** -0.75,
            "root": lambda x: (x.abs() + 0.1).sqrt() + (x.exp() + 1).log(),
            "clamp": lambda x: x.clamp(min=-0.3).clamp(max=1),
            "mean": lambda x: x.mean((2, 3)),
            "sum of an axis": lambda x: x.sum(2),
            "largest": lambda x: x.amax((1, 3), keepdim=True),
            "concatenation": lambda x: torch.cat([x, x.relu(), x[:, 1:3]], 1),
            "stack": lambda x: torch.stack([x, -x], 2),
            "slices": lambda x: x[:, :, 1::2, :-1],
            "chunks": lambda x: x.chunk(2, 1)[0] * x.chunk(2, 1)[1],
            "permuted": lambda x: x.permute(0, 2, 3, 1).flatten(1, 2),
            "transposed matrix": lambda x: x.transpose(2, 3).reshape(-1, 4, 63),
            "expanded": lambda x: x + x.mean((2, 3), keepdim=True).expand_as(x),
            "product of matrices": lambda x: x.flatten(2) @ x.flatten(2).transpose(1, 2),
            "channels last norm": lambda x: F.layer_norm(x.permute(0, 2, 3, 1), (4,)).permute(0, 3, 1, 2),
        }.items()
    },
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("simd", [True, False], ids=["simd", "plain"])
def test_an_operation_equals_pytorch(engine: Engine, name: str, simd: bool):
    generator = torch.Generator().manual_seed(1)
    network = LAYERS[name].eval()
    with torch.no_grad():
        for tensor in [*network.parameters(), *network.buffers()]:
            if tensor.is_floating_point():
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.1)
    network.zero_grad()
    images = torch.randn(3, *MAPS, generator=generator).requires_grad_()
    answer = network(images)
    seed = torch.randn(answer.shape, generator=generator)
    (answer * seed).sum().backward()
    argument = {"simd": simd, "images": 3}
    arrays = {"images": images.detach().numpy(), "seed": seed.numpy()}
    kind, found = engine.run(describe_network(network, MAPS), SCRIPT, argument, **arrays)
    assert kind == ("simd" if simd else "plain")
    assert distance(found["answer"], answer.detach().numpy()) < 1e-4
    assert images.grad is not None
    assert distance(found["input"], images.grad.numpy()) < 1e-4
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None
        assert distance(found[f"tensor:{name}"], parameter.grad.numpy()) < 1e-4, name


class OwnKernels(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return F.conv2d(images, images.mean(0)[None])


@pytest.mark.parametrize(
    ("network", "named"),
    [
        (OwnKernels(), "conv2d: kernels that are computed from the image"),
        (nn.Sequential(nn.Conv2d(4, 2, 1), nn.Upsample(scale_factor=2, mode="bilinear")), "1: interpolation"),
        (Function(lambda x: x.cumsum(1)), "cumsum is not among the engine's operations"),
        (Function(lambda x: x.mean(0, keepdim=True)), "along the batch"),
        (Function(lambda x: x.reshape(2, -1)), "along the batch"),
    ],
)
def test_what_the_engine_lacks_is_named(network: nn.Module, named: str):
    with pytest.raises(ModelFileError, match=named.split(":")[-1].strip()):
        describe_network(network, MAPS)
