"""The DenseNets, against their specification, torchvision, timm, and the paper's equation written out."""

from __future__ import annotations

import inspect

import pytest
import timm
import torch
import torch.nn.functional as F
import torchvision.models as tv
from torch import Tensor, nn

import convscope as cs
from convscope.models import densenet
from convscope.models.densenet import CARDS
from convscope.models.tools.backbone import Backbone
from convscope.models.tools.shapes import shapes_only

from . import golden, parity

CARD = {card.name: card for card in CARDS}

# name, parameters with 1000 classes, with 10, with 10 and 1 channel; the catalogue's test has the rest
TABLE = [
    ("densenet121", 7_978_856, 6_964_106, 6_957_834),
    ("densenet169", 14_149_480, 12_501_130, 12_494_858),
    ("densenet201", 20_013_928, 18_112_138, 18_105_866),
    ("densenet264", 33_337_704, 30_675_594, 30_669_322),
    ("densenet161", 28_681_000, 26_494_090, 26_484_682),
    ("densenet40_k12", 1_464_232, 1_019_722, 1_019_434),
    ("densenet100_k12", 8_136_952, 6_979_642, 6_979_354),
    ("densenet100_k24", 29_546_872, 27_249_082, 27_248_794),
    ("densenet_bc100_k12", 1_108_732, 769_162, 768_730),
    ("densenet_bc250_k24", 17_042_056, 15_324_406, 15_323_542),
    ("densenet_bc190_k40", 27_793_520, 25_624_430, 25_622_990),
]


def build(name: str, **arguments: int) -> nn.Module:
    with shapes_only():
        return CARD[name].build(**arguments)


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_every_card_has_a_row():
    assert [row[0] for row in TABLE] == list(CARD)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_counts(row):
    name, with_1000, with_10, with_1_channel = row
    assert parameters(build(name, num_classes=1000)) == with_1000
    assert parameters(build(name, num_classes=10)) == with_10
    assert parameters(build(name, num_classes=10, in_channels=1)) == with_1_channel


def test_a_network_has_its_papers_options():
    for card in CARDS:
        assert set(inspect.signature(card.build).parameters) == {"num_classes", "in_channels", "drop_rate"}


def test_shapes_of_densenet121_are_table_1s():
    shapes = {r.name: r.output_shape for r in cs.summary(build("densenet121"), (3, 224, 224)).layers}
    expected = {
        "features.relu0": (64, 112, 112),
        "features.pool0": (64, 56, 56),
        "features.denseblock1.denselayer6.norm1": (224, 56, 56),
        "features.denseblock1.denselayer6.conv1": (128, 56, 56),
        "features.denseblock1.denselayer6.conv2": (32, 56, 56),
        "features.transition1.norm": (256, 56, 56),
        "features.transition1.pool": (128, 28, 28),
        "features.transition2.pool": (256, 14, 14),
        "features.transition3.pool": (512, 7, 7),
        "features.relu5": (1024, 7, 7),
        "avgpool": (1024, 1, 1),
        "classifier": (1000,),
    }
    assert {name: shapes[name] for name in expected} == expected


@pytest.mark.parametrize("name", ["densenet121", "densenet161", "densenet40_k12", "densenet_bc190_k40"])
def test_stages_are_modules_with_these_channels_and_strides(name):
    network = build(name)
    side = CARD[name].input_size[1]
    seen = {}
    for path in network.stages:
        network.get_submodule(path).register_forward_hook(
            lambda module, inputs, output, path=path: seen.update({path: tuple(output.shape[1:])})
        )
    network(torch.empty(1, 3, side, side, device="meta"))
    assert list(seen) == list(network.stages)
    expected = {path: (maps, side // s, side // s) for path, (maps, s) in network.stages.items()}
    assert seen == expected


def theirs(name: str) -> nn.Module:
    if name == "densenet264":  # no public network; torchvision's class with the paper's row
        return tv.DenseNet(32, (6, 12, 64, 48), 64)
    return getattr(tv, name)()


@pytest.mark.parametrize("name", ["densenet169", "densenet201", "densenet161", "densenet264"])
def test_parameters_and_geometry_are_torchvisions(name):
    """Deeper and wider ones have the same layers as densenet121, of which the next test shows what they compute."""
    with shapes_only():
        ours, reference = CARD[name].build(), theirs(name)
    assert {k: v.shape for k, v in ours.state_dict().items()} == {k: v.shape for k, v in reference.state_dict().items()}
    layers = (nn.Conv2d, nn.BatchNorm2d, nn.Linear, nn.MaxPool2d, nn.AvgPool2d)
    expected = {path: repr(module) for path, module in reference.named_modules() if isinstance(module, layers)}
    assert {path: repr(module) for path, module in ours.named_modules() if isinstance(module, layers)} == expected


@pytest.mark.parametrize(
    ("name", "size"),
    [("densenet121", (3, 75, 64)), *(pytest.param(name, (3, side, side), marks=pytest.mark.slow) for name, side in
     {"densenet169": 64, "densenet201": 64, "densenet161": 65, "densenet264": 64}.items())],
)  # fmt: skip
def test_same_function_as_torchvision(name, size):
    torch.manual_seed(0)
    ours, reference = CARD[name].build(), theirs(name)
    parity.assert_same(ours, reference, size)
    if name in ("densenet121", "densenet161"):
        parity.assert_same_statistics(ours, reference, size)


def test_same_function_as_timm():
    torch.manual_seed(0)
    ours, reference = CARD["densenet121"].build(), timm.create_model("densenet121")
    parity.assert_same(ours, reference, (3, 67, 70))


def test_dropout_is_the_papers():
    torch.manual_seed(0)
    network = CARD["densenet40_k12"].build(drop_rate=0.2)
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    drops = [path for path, m in network.named_modules() if isinstance(m, nn.Dropout)]
    assert len(drops) == len(convolutions) - 1 and all(network.get_submodule(path).p == 0.2 for path in drops)
    assert parameters(network) == 1_019_722
    images = torch.randn(2, 3, 32, 32)
    assert not torch.equal(network(images), network(images))
    plain = CARD["densenet40_k12"].build()
    plain.load_state_dict(network.state_dict())
    torch.testing.assert_close(plain.eval()(images), network.eval()(images))
    with pytest.raises(ValueError, match=r"drop_rate must be at least 0 and below 1, not 1\.5"):
        CARD["densenet40_k12"].build(drop_rate=1.5)


def test_golden_row():
    network = CARD["densenet40_k12"].build()
    assert golden.fill(network, (3, 32, 32)) == 79
    with torch.no_grad():
        output = network(golden.image((3, 32, 32)))
    first = (0.4982972107, -0.7317148867, 0.1456447227, 0.8573740412)
    golden.check(output, first, 1.861308682, 1.536519085, 3)
    assert golden.sensitivity(network, (3, 32, 32)) == pytest.approx(0.021, rel=0.05)


def written_out(state: dict[str, Tensor], images: Tensor, blocks: int, pairs: int) -> Tensor:
    """DenseNet-BC for CIFAR as the paper has it: H_l gets the list of all maps before it, concatenated afresh."""

    def norm_relu_conv(maps: Tensor, norm: str, conv: str | None, padding: int = 0) -> Tensor:
        parts = [state[f"{norm}.{p}"] for p in ("running_mean", "running_var", "weight", "bias")]
        active = F.relu(F.batch_norm(maps, *parts))
        return active if conv is None else F.conv2d(active, state[f"{conv}.weight"], padding=padding)

    maps = F.conv2d(images, state["features.conv0.weight"], padding=1)
    for block in range(1, blocks + 1):
        everything = [maps]
        for layer in range(1, pairs + 1):
            path = f"features.denseblock{block}.denselayer{layer}"
            narrow = norm_relu_conv(torch.cat(everything, 1), f"{path}.norm1", f"{path}.conv1")
            everything.append(norm_relu_conv(narrow, f"{path}.norm2", f"{path}.conv2", padding=1))
        maps = torch.cat(everything, 1)
        if block < blocks:
            path = f"features.transition{block}"
            maps = F.avg_pool2d(norm_relu_conv(maps, f"{path}.norm", f"{path}.conv"), 2)
    pooled = norm_relu_conv(maps, f"features.norm{blocks + 1}", None).mean((2, 3))
    return pooled @ state["classifier.weight"].T + state["classifier.bias"]


def test_bc_is_the_papers_equation():
    torch.manual_seed(0)
    network = CARD["densenet_bc100_k12"].build().double()
    parity.calibrate(network, torch.randn(4, 3, 33, 35, dtype=torch.float64))
    images = torch.randn(2, 3, 33, 35, dtype=torch.float64)
    with torch.no_grad():
        logits = network(images)
        assert float((logits[0] - logits[1]).norm() / logits[0].norm()) > 1e-2
        torch.testing.assert_close(logits, written_out(network.state_dict(), images, 3, 16), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("name", "smallest"), [("densenet121", 29), ("densenet40_k12", 4), ("densenet_bc100_k12", 4)])
def test_the_smallest_size_is_named(name, smallest):
    network = CARD[name].build(num_classes=7, in_channels=1).eval()
    for size in [(smallest, smallest), (smallest + 5, smallest)]:
        assert network(torch.randn(1, 1, *size)).shape == (1, 7)
    with pytest.raises(ValueError, match=f"at least {smallest} x {smallest}; got 1 x 1 x {smallest - 1} x 64$"):
        network(torch.randn(1, 1, smallest - 1, 64))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_training_step_reaches_every_parameter(channels):
    torch.manual_seed(0)
    network = CARD["densenet_bc100_k12"].build(num_classes=7, in_channels=channels)
    logits = network(torch.randn(2, channels, 16, 16))
    assert logits.shape == (2, 7) and logits.isfinite().all()
    F.cross_entropy(logits, torch.tensor([1, 5])).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_initialised_after_he():
    torch.manual_seed(0)
    network = CARD["densenet121"].build()
    for path, fan_in in [("features.conv0", 147), ("features.denseblock3.denselayer20.conv1", 864),
                         ("features.denseblock4.denselayer3.conv2", 1152)]:  # fmt: skip
        weight = network.get_submodule(path).weight
        assert float(weight.detach().std()) == pytest.approx((2 / fan_in) ** 0.5, rel=0.03)
    assert float(network.classifier.bias.detach().abs().max()) == 0


def test_carries_a_feature_pyramid():
    torch.manual_seed(0)
    backbone = Backbone(CARD["densenet121"].build(), pyramid=8)
    maps = backbone(torch.randn(2, 3, 64, 96))
    assert [tuple(m.shape[1:]) for m in maps.values()] == [(8, 16, 24), (8, 8, 12), (8, 4, 6), (8, 2, 3)]
    sum(m.square().sum() for m in maps.values()).backward()
    assert all(p.grad is not None and p.grad.any() for p in backbone.parameters())


def test_no_activation_works_in_place_or_twice():
    network = build("densenet_bc100_k12")
    calls: list[nn.Module] = []
    for module in network.modules():
        if not list(module.children()):
            module.register_forward_hook(lambda module, inputs, output: calls.append(module))
    network(torch.empty(1, 3, 32, 32, device="meta"))
    assert len(calls) == len(set(calls))
    assert sum(isinstance(m, nn.ReLU) for m in calls) == sum(isinstance(m, nn.BatchNorm2d) for m in calls) == 99
    assert not any(getattr(m, "inplace", False) for m in calls)


def test_the_variants_are_module_functions():
    assert all(getattr(densenet, name) is card.build for name, card in CARD.items())
