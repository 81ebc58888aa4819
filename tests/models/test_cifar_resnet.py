"""ResNets and plain networks for CIFAR: the paper's counts, golden rows, and what shortcuts are for."""

from __future__ import annotations

from math import sqrt

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import convscope as cs
from convscope.models.resnet import PlainBlock

from . import golden
from .checks import check_parameters, check_stages, check_training_step, on_meta

# name, parameters with 1000 classes, 10 classes, 10 classes and 1 channel, BN, depth; the catalogue's test has the rest
TABLE = [
    ("resnet20", 334_072, 269_722, 269_434, 1_376, 20),
    ("resnet32", 528_504, 464_154, 463_866, 2_272, 32),
    ("resnet44", 722_936, 658_586, 658_298, 3_168, 44),
    ("resnet56", 917_368, 853_018, 852_730, 4_064, 56),
    ("resnet110", 1_792_312, 1_727_962, 1_727_674, 8_096, 110),
    ("resnet1202", 19_485_624, 19_421_274, 19_420_986, 89_632, 1202),
]
PLAIN = [(row[0].replace("resnet", "plain"), *row[1:]) for row in TABLE if row[0] in
         ("resnet20", "resnet32", "resnet44", "resnet56", "resnet110")]  # fmt: skip

# name, layers, first outputs, sum, norm, argmax, sensitivity
GOLDEN = [
    ("resnet20", 39, (-4.156918411, -1.754943648, 8.47711579, -0.2248674093), 1.889831962, 18.16167429, 6, 0.091),
    ("plain20", 39, (0.00891369012, -0.3217922547, 0.3826459857, -0.1264882467), 0.3495978219, 0.7120178309, 2, 0.01),
    ("plain56", 111, (0.1354331689, 0.1648963063, -0.09797436358, -0.04105078554),
     -0.4443095373, 0.4593958676, 1, 0.00014),
]  # fmt: skip


@pytest.mark.parametrize("row", [*TABLE, *PLAIN], ids=lambda row: row[0])
def test_counts(row):
    name, thousand, ten, ten_grey, norms, depth = row
    network = check_parameters(name, {}, (thousand, ten, ten_grey), norms=norms)
    # The name counts the layers of the main path.
    layers = [path for path, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    assert sum("downsample" not in path for path in layers) == depth


def test_a_thousand_layers_run():
    torch.manual_seed(0)
    network = cs.create_model("resnet1202")
    with torch.no_grad():  # in training mode: without a step of training batch norms have no statistics to go by
        logits = network(torch.randn(1, 3, 32, 32))
    assert logits.shape == (1, 10) and logits.isfinite().all() and logits.std() > 0


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: row[0])
def test_golden_rows(row):
    name, *expected = row
    golden.check_row(cs.create_model(name), (3, 32, 32), *expected)


@pytest.mark.parametrize("name", ["resnet20", "resnet110", "plain56"])
def test_stages(name):
    network = on_meta(name)
    check_stages(network, (3, 32, 32), [(16, 32), (32, 16), (64, 8)])
    assert [stride for _, stride in network.stages.values()] == [1, 2, 4]


def test_keys_are_those_of_the_public_weights():
    parts = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    norm = lambda path: [f"{path}.{part}" for part in parts]  # noqa: E731
    expected = ["conv1.weight", *norm("bn1")]
    for block in [f"layer{i}.{j}" for i in (1, 2, 3) for j in range(3)]:
        expected += [f"{block}.conv1.weight", *norm(f"{block}.bn1"), f"{block}.conv2.weight", *norm(f"{block}.bn2")]
    expected += ["linear.weight", "linear.bias"]
    assert list(cs.create_model("resnet20").state_dict()) == expected
    assert list(cs.create_model("plain20").state_dict()) == expected


def test_option_b_and_the_place_of_the_zeros():
    projected = cs.create_model("resnet20", shortcut="B")
    assert sum(p.numel() for p in projected.parameters()) == 272_474
    torch.manual_seed(0)
    centre, end = cs.create_model("resnet20").eval(), cs.create_model("resnet20", zeros="end").eval()
    end.load_state_dict(centre.state_dict(), strict=True)
    images = torch.randn(2, 3, 32, 32)
    assert not torch.allclose(centre(images), end(images))
    # With the maps of stages 2 and 3 in another order they are the same network.
    with torch.no_grad():
        quarter = torch.arange(32).roll(-8)  # what "centre" puts at 8..23 is at 0..15 in "end"
        permute(end.layer2, torch.arange(16), quarter)
        inherited = torch.cat([16 + quarter, torch.arange(48, 64), torch.arange(16)])
        permute(end.layer3, quarter, inherited)
        end.linear.weight.copy_(end.linear.weight[:, inherited])
    torch.testing.assert_close(end(images), centre(images), rtol=1e-4, atol=1e-4)
    for options, message in [
        ({"shortcut": "C"}, r"^resnet20: unknown shortcut 'C'; choose A or B$"),
        ({"zeros": "start"}, r"^resnet20: zeros must be centre or end, not 'start'$"),
    ]:
        with pytest.raises(cs.UsageError, match=message):
            cs.create_model("resnet20", **options)


def permute(layer: nn.Module, inputs: torch.Tensor, outputs: torch.Tensor) -> None:
    """Let a stage take and give its maps in another order (map i of the new is map outputs[i] of the old)."""
    for block in layer:
        block.conv1.weight.copy_(block.conv1.weight[:, inputs])
        block.conv2.weight.copy_(block.conv2.weight[outputs])
        for part in (block.bn2.weight, block.bn2.bias, block.bn2.running_mean, block.bn2.running_var):
            part.copy_(part[outputs])
        inputs = outputs


@torch.no_grad()
def make_identity(block: PlainBlock) -> None:
    """Kernels that copy their input, batch norms that undo what they subtract and divide by: the block is ReLU(x)."""
    for conv, norm in ((block.conv1, block.bn1), (block.conv2, block.bn2)):
        nn.init.dirac_(conv.weight)
        norm.weight.copy_((norm.running_var + norm.eps).sqrt())
        norm.bias.copy_(norm.running_mean)


def test_a_deeper_plain_network_can_do_what_the_shallow_one_does():
    torch.manual_seed(0)
    shallow = cs.create_model("plain20").double()
    optimizer = torch.optim.SGD(shallow.parameters(), lr=0.05)
    for _ in range(3):
        loss = F.cross_entropy(shallow(torch.randn(8, 3, 32, 32, dtype=torch.float64)), torch.arange(8))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    deep = cs.create_model("plain56").double()
    images = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    missing, unexpected = deep.load_state_dict(shallow.state_dict(), strict=False)
    assert not unexpected and {key.split(".")[1] for key in missing} == set("345678")
    shallow.eval(), deep.eval()
    with torch.no_grad():
        expected = shallow(images)
        assert not torch.allclose(deep(images), expected)
        for layer in (deep.layer1, deep.layer2, deep.layer3):
            for block in layer[3:]:
                make_identity(block)
        torch.testing.assert_close(deep(images), expected, rtol=1e-10, atol=1e-12)
    assert expected.std() > 1e-3 and not torch.allclose(expected[0], expected[1], rtol=1e-3)


def test_a_deeper_residual_network_needs_zeros_only():
    torch.manual_seed(0)
    shallow, deep = cs.create_model("resnet20").eval(), cs.create_model("resnet56").eval()
    deep.load_state_dict(shallow.state_dict(), strict=False)
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        expected = shallow(images)
        assert not torch.allclose(deep(images), expected)
        for layer in (deep.layer1, deep.layer2, deep.layer3):
            for block in layer[3:]:
                block.bn2.weight.zero_()
        torch.testing.assert_close(deep(images), expected)


@pytest.mark.parametrize("name", ["resnet20", "plain20"])
@pytest.mark.parametrize(("channels", "batch", "size"), [(1, 2, (28, 28)), (3, 1, (33, 17)), (3, 2, (32, 32))])
def test_any_size_and_a_gradient_on_every_parameter(name, channels, batch, size):
    torch.manual_seed(0)
    network = cs.create_model(name, num_classes=7, in_channels=channels)
    check_training_step(network, torch.randn(batch, channels, *size))


def test_it_starts_as_the_paper_says():
    torch.manual_seed(0)
    network = cs.create_model("resnet44")
    weight = network.layer3[3].conv2.weight.detach()
    assert weight.shape == (64, 64, 3, 3)
    assert float(weight.std()) == pytest.approx(sqrt(2 / (9 * 64)), rel=0.02)
    assert float((weight / weight.std()).pow(4).mean()) == pytest.approx(3, abs=0.1)
