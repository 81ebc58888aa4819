"""GoogLeNet in its three forms: the paper's table, torchvision's function, golden rows."""

from __future__ import annotations

from math import sqrt

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

import convscope as cs
from convscope.models.googlenet import TABLE1, Auxiliary, GoogLeNetOutputs, Inception, NaiveInception
from convscope.models.tools.backbone import Backbone
from convscope.models.tools.inception_blocks import AuxiliaryPool

from . import golden, parity
from .checks import check_counts, check_stages, check_training_step, on_meta, parameters

NO_HEADS = {"aux_logits": False}
# name, options, parameters with 1000 classes, 10 classes, 10 classes and 1 channel, MACs, convolutions, BN, field
TABLE = [
    ("googlenet", NO_HEADS, 6_998_552, 5_983_802, 5_977_530, 1_582_671_872, 57, 0, 715),
    ("googlenet", {}, 13_378_280, 10_334_030, 10_327_758, 1_582_671_872, 57, 0, 715),
    ("googlenet_bn", NO_HEADS, 6_624_904, 5_610_154, 5_603_882, 1_498_376_192, 57, 14_560, 379),
    ("googlenet_bn", {}, 13_004_888, 9_960_638, 9_954_366, 1_498_376_192, 57, 14_560, 379),
    ("googlenet_naive", {}, 97_526_008, 92_630_458, 92_624_186, 12_568_061_056, 30, 0, 715),
]  # fmt: skip
# module: channels in, out, side, parameters, MACs, receptive field
MODULES = {
    "3a": (192, 256, 28, 163_696, 128_049_152, 59),
    "3b": (256, 480, 28, 388_736, 304_267_264, 91),
    "4a": (480, 512, 14, 376_176, 73_608_192, 171),
    "4b": (512, 512, 14, 449_160, 87_908_352, 235),
    "4c": (512, 512, 14, 510_104, 99_850_240, 299),
    "4d": (512, 528, 14, 605_376, 118_515_712, 363),
    "4e": (528, 832, 14, 868_352, 169_996_288, 427),
    "5a": (832, 832, 7, 1_043_456, 51_079_168, 587),
    "5b": (832, 1024, 7, 1_444_080, 70_697_984, 715),
}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]}{'' if row[1] else '-default'}")
def test_counts(row):
    name, options, *counts, macs, convolutions, norms, field = row
    check_counts(name, options, 224, tuple(counts), macs, field, convolutions, norms)


def test_modules_are_table_1():
    network = on_meta("googlenet")
    rows = cs.summary(network, (3, 224, 224)).layers
    for number, (inputs, outputs, side, count, macs, field) in MODULES.items():
        own = [row for row in rows if row.name.startswith(f"inception{number}.")]
        shapes = {row.output_shape[1:] for row in own}
        assert shapes == {(side, side)}, number
        assert own[0].parameters == (inputs + 1) * TABLE1[number].conv1, number
        assert TABLE1[number].out_channels == outputs, number
        assert sum(row.parameters for row in own) == count == parameters(network.get_submodule(f"inception{number}"))
        assert sum(row.macs for row in own) == macs, number
        assert max(row.receptive_field for row in own) == field, number
        assert sum(row.type == "ReLU" for row in own) == 6, number
    by_name = {row.name: row for row in rows}
    stem = {
        "conv1.conv": ((64, 112, 112), 9_472, 118_013_952, 7),
        "norm1": ((64, 56, 56), 0, 0, 11),
        "conv2.conv": ((64, 56, 56), 4_160, 12_845_056, 11),
        "conv3.conv": ((192, 56, 56), 110_784, 346_816_512, 19),
        "maxpool2": ((192, 28, 28), 0, 0, 27),
        "maxpool3": ((480, 14, 14), 0, 0, 107),
        "maxpool4": ((832, 7, 7), 0, 0, 459),
        "fc": ((1000,), 1_025_000, 1_024_000, None),
    }
    for name, expected in stem.items():
        row = by_name[name]
        assert (row.output_shape, row.parameters, row.macs, row.receptive_field) == expected, name


def test_auxiliary_heads_cost_what_the_specification_says():
    network = on_meta("googlenet")
    assert [parameters(network.aux1), parameters(network.aux2)] == [3_188_840, 3_190_888]
    heads = cs.summary(network.aux1, (512, 14, 14)), cs.summary(network.aux2, (528, 14, 14))
    assert 1_582_671_872 + sum(head.macs for head in heads) == 1_591_044_096
    assert heads[0].layers[0].output_shape == (512, 4, 4)


def test_naive_modules_only_grow():
    with torch.device("meta"):
        naive, reduced = NaiveInception(192, TABLE1["3a"]), Inception(192, TABLE1["3a"])
    costs = [cs.summary(module, (192, 28, 28)) for module in (naive, reduced)]
    assert [(t.parameters, t.macs) for t in costs] == [(387_296, 303_464_448), (163_696, 128_049_152)]
    assert (naive.out_channels, reduced.out_channels) == (416, 256)


@pytest.mark.parametrize(
    ("name", "maps"),
    [
        ("googlenet", [192, 480, 832, 1024]),
        ("googlenet_bn", [192, 480, 832, 1024]),
        ("googlenet_naive", [192, 832, 3344, 4944]),
    ],
)
def test_stages(name, maps):
    network = on_meta(name)
    check_stages(network, (3, 224, 224), list(zip(maps, (56, 28, 14, 7), strict=True)))
    assert [stride for _, stride in network.stages.values()] == [4, 8, 16, 32]


def test_golden_row():
    first = (105.3132146, -25.75324169, 44.07652935, -39.6591066)
    golden.check_row(cs.create_model("googlenet"), (3, 224, 224), 58, first, 870.325153, 4217.486588, 419, 0.019, 128)


@pytest.fixture(scope="module")
def pair() -> tuple[nn.Module, nn.Module]:
    """Ours and torchvision's, with its weights."""
    torch.manual_seed(0)
    return cs.create_model("googlenet_bn"), torchvision.models.googlenet(aux_logits=True, init_weights=True)


def test_same_function_as_torchvision(pair):
    parity.assert_same(*pair, (3, 75, 107))
    parity.assert_same_statistics(*pair, (3, 75, 107))


def test_same_outputs_and_gradients_in_training_as_torchvision(pair):
    ours, theirs = (network.double().train() for network in pair)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    torch.manual_seed(0)
    images, labels = torch.randn(3, 3, 97, 80, dtype=torch.float64), torch.tensor([1, 2, 3])
    seen = []
    for network in (ours, theirs):
        network.zero_grad()
        torch.manual_seed(1)  # the dropouts of both draw in the same order
        seen.append(network(images))
    assert isinstance(seen[0], GoogLeNetOutputs) and seen[0]._fields == seen[1]._fields
    for own, expected in zip(*seen, strict=True):
        assert float(own.detach().std()) > 1e-3
        torch.testing.assert_close(own, expected, rtol=1e-9, atol=1e-11)
    ours.loss(seen[0], labels).backward()
    sum(weight * F.cross_entropy(out, labels) for weight, out in zip((1, 0.3, 0.3), seen[1], strict=True)).backward()
    gradients = {name: p.grad for name, p in theirs.named_parameters()}
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name], rtol=1e-6, atol=1e-10)


def test_auxiliary_heads_are_off_in_evaluation():
    torch.manual_seed(0)
    network = cs.create_model("googlenet", num_classes=5)
    without = cs.create_model("googlenet", num_classes=5, aux_logits=False)
    shared = {key: value for key, value in network.state_dict().items() if not key.startswith("aux")}
    without.load_state_dict(shared, strict=True)
    images = torch.randn(2, 3, 64, 64)
    assert isinstance(network(images), GoogLeNetOutputs)
    assert isinstance(without(images), Tensor)
    calls: list[nn.Module] = []
    for head in (network.aux1, network.aux2):
        head.register_forward_hook(lambda module, inputs, output: calls.append(module))
    torch.testing.assert_close(network.eval()(images), without.eval()(images))
    assert not calls


def test_heads_read_4a_and_4d():
    torch.manual_seed(0)
    network = cs.create_model("googlenet", num_classes=5)
    seen: dict[str, Tensor] = {}
    for name in ("inception4a", "inception4d"):
        network.get_submodule(name).register_forward_hook(lambda m, i, output, name=name: seen.update({name: output}))
    for head in (network.aux1, network.aux2):
        head.dropout.p = 0.0
    outputs = network(torch.randn(2, 3, 224, 224))
    for maps, head, output in (
        (seen["inception4a"], network.aux1, outputs.aux_logits1),
        (seen["inception4d"], network.aux2, outputs.aux_logits2),
    ):
        pooled = F.relu(F.conv2d(F.avg_pool2d(maps, 5, 3), head.conv.conv.weight, head.conv.conv.bias))
        hidden = F.relu(pooled.flatten(1) @ head.fc1.weight.T + head.fc1.bias)
        torch.testing.assert_close(output, hidden @ head.fc2.weight.T + head.fc2.bias)


def test_loss_adds_three_tenths_of_each_head():
    torch.manual_seed(0)
    network = on_meta("googlenet")
    logits, aux2, aux1 = (torch.randn(4, 6, dtype=torch.float64) for _ in range(3))
    labels = torch.tensor([0, 5, 2, 2])

    def entropy(outputs: Tensor) -> Tensor:
        return (outputs.logsumexp(1) - outputs[torch.arange(4), labels]).mean()

    expected = entropy(logits) + 0.3 * entropy(aux2) + 0.3 * entropy(aux1)
    torch.testing.assert_close(network.loss(GoogLeNetOutputs(logits, aux2, aux1), labels), expected)
    torch.testing.assert_close(network.loss(logits, labels), entropy(logits))
    smooth = F.cross_entropy(logits, labels, label_smoothing=0.1)
    torch.testing.assert_close(network.loss(logits, labels, label_smoothing=0.1), smooth)
    with_heads = network.loss(GoogLeNetOutputs(logits, logits, logits), labels, label_smoothing=0.1)
    torch.testing.assert_close(with_heads, 1.6 * smooth)


@pytest.mark.parametrize("side", [1, 4, 5, 14, 15, 30])
def test_the_auxiliary_pool_fits_every_size_and_is_the_papers_at_224(side):
    maps = torch.randn(1, 2, side, side + 3)
    assert AuxiliaryPool(4)(maps).shape == (1, 2, 4, 4)
    square = torch.randn(1, 2, 14, 14)
    torch.testing.assert_close(AuxiliaryPool(4)(square), F.avg_pool2d(square, 5, 3))


@pytest.mark.parametrize("name", ["googlenet", "googlenet_bn"])
@pytest.mark.parametrize(("batch", "channels", "size"), [(1, 3, (97, 96)), (2, 1, (63, 90))])
def test_a_step_of_training(name, batch, channels, size):
    torch.manual_seed(0)
    check_training_step(cs.create_model(name, num_classes=7, in_channels=channels), torch.randn(batch, channels, *size))


def test_naive_module_is_three_convolutions_and_its_pooled_input():
    torch.manual_seed(0)
    block = NaiveInception(5, TABLE1["3a"]).double()
    maps = torch.randn(2, 5, 6, 7, dtype=torch.float64)
    parts = [
        F.relu(F.conv2d(maps, branch.conv.weight, branch.conv.bias, padding=pad))
        for pad, branch in enumerate((block.branch1, block.branch2, block.branch3))
    ]
    torch.testing.assert_close(block(maps), torch.cat([*parts, F.max_pool2d(maps, 3, 1, 1)], 1))


def test_initialisation():
    torch.manual_seed(0)
    network = cs.create_model("googlenet")
    for layer in (network.inception4a.branch2[1].conv, network.aux1.fc1):
        bound = sqrt(3 / layer.weight[0].numel())
        assert 0.99 * bound < float(layer.weight.detach().abs().max()) <= bound
        assert set(layer.bias.tolist()) == {torch.tensor(0.2).item()}
    for layer in (network.fc, network.aux1.fc2, network.aux2.fc2):
        assert not layer.bias.any()
    normal = cs.create_model("googlenet_bn")
    for layer in (normal.inception4a.branch2[1].conv, normal.fc):
        assert float(layer.weight.detach().std()) == pytest.approx(0.01, rel=0.02)


def test_dropout_is_the_papers():
    network = on_meta("googlenet")
    assert (network.dropout.p, network.aux1.dropout.p, network.aux2.dropout.p) == (0.4, 0.7, 0.7)
    assert on_meta("googlenet_bn").dropout.p == 0.2


@pytest.mark.parametrize(("name", "least"), [("googlenet", 31), ("googlenet_bn", 15), ("googlenet_naive", 31)])
def test_the_smallest_image(name, least):
    network = on_meta(name, num_classes=3).eval()
    assert network(torch.empty(1, 3, least, least + 1, device="meta")).shape == (1, 3)
    network.train()
    network(torch.empty(2, 3, least, least, device="meta"))
    size = rf"{least} x {least}; got 1 x 3 x 40 x {least - 1}"
    with pytest.raises(ValueError, match=rf"^GoogLeNet takes images of at least {size}$"):
        network(torch.empty(1, 3, 40, least - 1, device="meta"))
    # The limit is the network's own, not a choice: without the check a pooling fails.
    network.eval()
    network.least = 1
    with pytest.raises(RuntimeError, match="Output size is too small"):
        network(torch.empty(1, 3, least - 1, least - 1, device="meta"))


def test_a_backbone_leaves_the_heads_behind():
    torch.manual_seed(0)
    network = cs.create_model("googlenet")
    backbone = Backbone(network, ["inception3b", "inception5b"]).train()
    maps = backbone(torch.randn(1, 3, 64, 64))
    assert {name: tuple(found.shape) for name, found in maps.items()} == {
        "inception3b": (1, 480, 8, 8),
        "inception5b": (1, 1024, 2, 2),
    }
    assert not any(name.split(".")[1] in ("aux1", "aux2", "fc") for name, _ in backbone.named_parameters())
    sum(found.sum() for found in maps.values()).backward()
    assert all(p.grad is not None for p in backbone.parameters())
    assert isinstance(network.aux1, Auxiliary)
