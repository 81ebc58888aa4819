"""The AlexNets and the papers' response normalisation, against their specification and torchvision."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import Tensor, nn

import convscope as cs
from convscope.models.alexnet_2012 import AlexNet2012, TwoTowers
from convscope.models.tools.layers import LocalResponseNorm

from . import golden, parity

FULL = (3, 227, 227)


def on_meta(name: str, **options: object) -> nn.Module:
    with torch.device("meta"):
        return cs.create_model(name, **options)


def narrow(network: nn.Module, *places: int) -> nn.Module:
    """64 instead of 4096 units in the hidden linear layers: what is to be compared, at a fraction of the memory."""
    inputs = network.classifier[places[0]].in_features
    for place, (i, o) in zip(places, [(inputs, 64), (64, 64), (64, 7)], strict=True):
        network.classifier[place] = nn.Linear(i, o)
    return network


# ----------------------------------------------------------------------------------- local response normalisation


@pytest.mark.parametrize(("size", "channels"), [(5, 12), (5, 3), (3, 7), (4, 9), (1, 4)])
def test_lrn_is_the_papers_formula(size, channels):
    torch.manual_seed(0)
    a = 20 * torch.randn(2, channels, 3, 4, dtype=torch.float64)
    k, alpha, beta = 2.0, 1e-2, 0.75
    expected = torch.empty_like(a)
    for i in range(channels):  # b_i = a_i / (k + alpha sum_{j = max(0, i - n/2)}^{min(N - 1, i + n/2)} a_j^2)^beta
        window = [j for j in range(channels) if i - size / 2 <= j <= i + size / 2]
        total = sum(a[:, j] ** 2 for j in window)
        expected[:, i] = a[:, i] / (k + alpha * total) ** beta
    torch.testing.assert_close(LocalResponseNorm(size, alpha, beta, k)(a), expected, rtol=1e-12, atol=0)


def test_lrn_defaults_are_the_papers_and_torch_divides_alpha():
    a = 50 * torch.randn(1, 96, 5, 5, dtype=torch.float64)
    ours = LocalResponseNorm()(a)
    torch.testing.assert_close(ours, nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)(a), rtol=1e-12, atol=0)
    five_times_too_weak = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2.0)(a)
    assert float((ours - five_times_too_weak).norm() / ours.norm()) > 0.1


def test_lrn_gradient_and_half_precision():
    a = torch.randn(2, 6, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(LocalResponseNorm(5, 0.3), a)
    loud = torch.full((1, 8, 1, 1), 300.0)  # squared it is beyond float16
    for kind in (torch.float16, torch.bfloat16):
        quiet = LocalResponseNorm()(loud.to(kind))
        assert quiet.dtype == kind
        torch.testing.assert_close(quiet.float(), LocalResponseNorm()(loud), rtol=1e-2, atol=0)


# -------------------------------------------------------------------------------------------------------- counts


@pytest.mark.parametrize(
    ("name", "options", "parameters", "macs"),
    [
        ("alexnet_2012", {}, 60_965_224, 724_406_816),
        ("alexnet_2012", {"num_classes": 10}, 56_909_194, 720_351_776),
        ("alexnet_2012", {"num_classes": 10, "in_channels": 1}, 56_885_962, 650_074_976),
        ("alexnet_2012", {"groups": 1}, 62_378_344, 1_135_256_096),
        ("alexnet_2012", {"groups": 1, "num_classes": 10, "in_channels": 1}, 58_299_082, 1_060_924_256),
        ("alexnet_2012", {"devices": ("cpu", "cpu")}, 60_965_224, 724_406_816),
        ("alexnet_227", {}, 58_299_082, 1_060_924_256),
        ("alexnet_227", {"num_classes": 1000, "in_channels": 3}, 62_378_344, 1_135_256_096),
        ("alexnet_227", {"in_channels": 3}, 58_322_314, 1_131_201_056),
        ("alexnet", {}, 61_100_840, 714_188_480),
        ("alexnet", {"num_classes": 10}, 57_044_810, 710_133_440),
        ("alexnet", {"num_classes": 10, "in_channels": 1}, 57_029_322, 663_282_240),
    ],
)
def test_counts(name, options, parameters, macs):
    side = 224 if name == "alexnet" else 227
    channels = options.get("in_channels", 1 if name == "alexnet_227" else 3)
    table = cs.summary(on_meta(name, **options), (channels, side, side))
    assert (table.parameters, table.macs, table.receptive_field) == (parameters, macs, 195)


def test_2012_layer_table_is_the_papers():
    rows = [row for row in cs.summary(on_meta("alexnet_2012"), FULL).layers if row.type in ("Conv2d", "Linear")]
    assert [(row.output_shape, row.parameters, row.macs) for row in rows] == [
        ((96, 55, 55), 34_944, 105_415_200),
        ((256, 27, 27), 307_456, 223_948_800),
        ((384, 13, 13), 885_120, 149_520_384),
        ((384, 13, 13), 663_936, 112_140_288),
        ((256, 13, 13), 442_624, 74_760_192),
        ((4096,), 37_752_832, 37_748_736),
        ((4096,), 16_781_312, 16_777_216),
        ((1000,), 4_097_000, 4_096_000),
    ]
    assert [row.receptive_field for row in rows[:5]] == [11, 51, 99, 131, 163]
    neurons = sum(torch.Size(row.output_shape).numel() for row in rows)
    assert neurons == 659_272  # "650,000 neurons" in the abstract


@pytest.mark.parametrize(
    ("name", "channels", "side", "shapes"),
    [
        ("alexnet_2012", 3, 227, [(96, 55, 55), (256, 27, 27), (256, 13, 13), (256, 6, 6)]),
        ("alexnet_227", 1, 227, [(96, 55, 55), (256, 27, 27), (256, 13, 13), (256, 6, 6)]),
        ("alexnet", 3, 224, [(64, 55, 55), (192, 27, 27), (256, 13, 13), (256, 6, 6)]),
    ],
)
def test_stages(name, channels, side, shapes):
    network = on_meta(name)
    seen = {row.name: row.output_shape for row in cs.summary(network, (channels, side, side)).layers}
    assert [seen[path] for path in network.stages] == shapes
    assert [maps for maps, _ in network.stages.values()] == [shape[0] for shape in shapes]
    assert [stride for _, stride in network.stages.values()] == [4, 8, 16, 32]


def test_keys_and_order_of_layers():
    assert {key.rsplit(".", 1)[0] for key in on_meta("alexnet_227").state_dict()} == {
        "c1", "c3", "c5", "c6", "c7", "f1", "f2", "f3",
    }  # fmt: skip
    whole = on_meta("alexnet_2012")
    assert [type(m).__name__ for m in whole.features[:8]] == ["Conv2d", "ReLU", "LocalResponseNorm", "MaxPool2d"] * 2
    assert [type(m).__name__ for m in whole.classifier] == [
        "Flatten", "Linear", "ReLU", "Dropout", "Linear", "ReLU", "Dropout", "Linear",
    ]  # fmt: skip


# -------------------------------------------------------------------------------------------- golden rows, towers


def filled(name: str, size: tuple[int, int, int], **options: object) -> nn.Module:
    network = on_meta(name, **options).to_empty(device="cpu")
    order = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert golden.fill(network, size, order=order) == 8
    return network


@pytest.fixture(scope="module")
def whole() -> AlexNet2012:
    return filled("alexnet_2012", FULL)


def twin(state: dict[str, Tensor], **options: object) -> nn.Module:
    """Another form of the network on the same weights, without a copy."""
    network = on_meta("alexnet_2012", **options).eval()
    network.load_state_dict(state, strict=True, assign=True)
    return network


def test_golden_row_2012_in_both_forms(whole):
    towers = twin(whole.state_dict(), devices=("cpu", "cpu"))
    for network in (whole, towers):
        with torch.no_grad():
            logits = network(golden.image(FULL, 128))
        row = (67.7222387, -37.567962, -19.67336824, 43.89260686)
        golden.check(logits, row, -1964.205532, 1325.524416, 12)
    assert golden.sensitivity(whole, FULL, 128) == pytest.approx(0.097, rel=0.05)


def test_golden_row_227():
    network = filled("alexnet_227", (1, 227, 227))
    with torch.no_grad():
        logits = network(golden.image((1, 227, 227)))
    row = (2.377872602, -1.899432986, 3.781457912, -1.052040823)
    golden.check(logits, row, 1.658521375, 6.760438603, 2)
    assert golden.sensitivity(network, (1, 227, 227)) == pytest.approx(0.22, rel=0.05)


@pytest.mark.parametrize("across", [True, False], ids=["norm across towers", "norm within towers"])
def test_two_towers_are_the_grouped_network(whole, across):
    grouped = twin(whole.state_dict(), norm_across_towers=across)
    towers = twin(whole.state_dict(), norm_across_towers=across, devices=("cpu", "cpu"))
    images = torch.cat([golden.image(FULL, 128), golden.image(FULL, 128, golden.OTHER_STREAM)])
    images.requires_grad_()
    gradients = []
    logits = []
    for network in (grouped, towers):
        y = network(images)
        (torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y) * y).sum().backward()
        logits.append(y.detach())
        gradients.append(images.grad)
        images.grad = None
    torch.testing.assert_close(logits[1], logits[0], rtol=1e-12, atol=1e-9)
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-9, atol=1e-9)
    for name, parameter in grouped.named_parameters():
        if name.startswith("classifier.7."):
            found = towers.get_parameter(name).grad
        else:
            found = torch.cat([getattr(towers, t).get_parameter(name).grad for t in ("top", "bottom")])
        torch.testing.assert_close(found, parameter.grad, rtol=1e-7, atol=1e-6, msg=lambda m, n=name: f"{n}: {m}")
    other = twin(whole.state_dict(), norm_across_towers=not across)
    with torch.no_grad():
        assert float((other(images) - logits[0]).norm() / logits[0].norm()) > 1e-4, "the option changes nothing"


def test_towers_share_files_and_seeds_with_the_grouped_network():
    options = {"num_classes": 3, "in_channels": 1}
    torch.manual_seed(5)
    grouped = cs.create_model("alexnet_2012", **options).eval()
    torch.manual_seed(5)
    towers = cs.create_model("alexnet_2012", devices=("cpu", "cpu"), **options).eval()
    assert isinstance(towers, TwoTowers)
    mine, theirs = grouped.state_dict(), towers.state_dict()
    assert set(mine) == set(theirs)
    assert all(torch.equal(mine[key], theirs[key]) for key in mine)
    kept = towers.top.features[4].weight
    assert kept.shape == (128, 48, 5, 5)  # a tower holds its half only
    assert sum(p.numel() for p in towers.parameters()) == sum(p.numel() for p in grouped.parameters())
    with torch.no_grad():
        grouped.features[4].weight.add_(1.0)
        towers.load_state_dict(grouped.state_dict())
        torch.testing.assert_close(towers.top.features[4].weight, grouped.features[4].weight[:128])
        images = torch.randn(2, 1, 227, 227)
        torch.testing.assert_close(towers(images), grouped(images), rtol=1e-4, atol=1e-5)
    broken = grouped.state_dict() | {"extra": torch.zeros(())}
    del broken["features.0.bias"]
    with pytest.raises(RuntimeError, match=r"Missing key.*features\.0\.bias(.|\n)*Unexpected key.*extra"):
        towers.load_state_dict(broken)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_towers_on_two_devices():
    torch.manual_seed(0)
    towers = cs.create_model("alexnet_2012", num_classes=3, devices=("cpu", "cuda:0")).eval()
    assert (towers.top.device.type, towers.bottom.device.type) == ("cpu", "cuda")
    grouped = cs.create_model("alexnet_2012", num_classes=3).eval()
    grouped.load_state_dict(towers.state_dict())
    images = torch.randn(2, 3, 227, 227)
    torch.testing.assert_close(towers(images), grouped(images), rtol=1e-3, atol=1e-4)


def test_devices_and_groups_are_checked():
    for options in ({"devices": ("cpu",)}, {"devices": "cpu"}, {"devices": ("cpu", "cpu"), "groups": 1}):
        with pytest.raises(cs.UsageError, match=r"^alexnet_2012: devices must be two, one for each of two groups"):
            cs.create_model("alexnet_2012", **options)
    with pytest.raises(cs.UsageError, match=r"^unknown device 'gpu'"):
        cs.create_model("alexnet_2012", devices=("cpu", "gpu"))
    with pytest.raises(cs.UsageError, match="groups must be 2, the paper's towers, or 1, not 3"):
        cs.create_model("alexnet_2012", groups=3)


# --------------------------------------------------------------------------------------------------- torchvision


def test_alexnet_is_torchvisions_with_gradients():
    torch.manual_seed(0)
    ours = narrow(cs.create_model("alexnet", num_classes=7), 1, 4, 6)
    theirs = narrow(torchvision.models.alexnet(num_classes=7), 1, 4, 6)
    # Freshly made, its output would hardly depend on the input.
    golden.fill(theirs, FULL, order=[m for m in theirs.modules() if isinstance(m, nn.Conv2d | nn.Linear)])
    parity.assert_same(ours, theirs, (3, 159, 195))  # 4 x 5 maps, brought to 6 x 6


def test_alexnet_takes_torchvisions_weights_at_full_width():
    with torch.device("meta"):
        theirs = torchvision.models.alexnet()
    theirs = theirs.to_empty(device="cpu").eval()
    order = [m for m in theirs.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    golden.fill(theirs, (3, 224, 224), order=order)
    ours = on_meta("alexnet").eval()
    ours.load_state_dict(theirs.state_dict(), strict=True, assign=True)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    images = golden.image((3, 224, 224))
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images), rtol=1e-9, atol=1e-12)
    assert golden.sensitivity(theirs, (3, 224, 224)) > 1e-2


# -------------------------------------------------------------------------------------------- sizes, dropout, init


def test_alexnet_takes_any_size_from_63():
    network = cs.create_model("alexnet", num_classes=7, in_channels=1).eval()
    for batch, height, width in ((1, 63, 63), (2, 63, 100), (1, 227, 131)):
        with torch.no_grad():
            assert network(torch.randn(batch, 1, height, width)).shape == (batch, 7)
    with pytest.raises(ValueError, match=r"^alexnet takes images of at least 63 x 63; got 1 x 1 x 62 x 80$"):
        network(torch.zeros(1, 1, 62, 80))


@pytest.mark.parametrize("name", ["alexnet_2012", "alexnet_227"])
def test_fixed_sizes_are_refused_in_one_line(name):
    with pytest.raises(ValueError, match=rf"^{name} takes images of N x 3 x 227 x 227; got 1 x 3 x 224 x 224$"):
        on_meta(name, in_channels=3)(torch.zeros(1, 3, 224, 224, device="meta"))


@pytest.mark.parametrize(
    ("name", "channels", "side"), [("alexnet_2012", 3, 227), ("alexnet_227", 1, 227), ("alexnet", 1, 63)]
)
def test_contract(name, channels, side):
    torch.manual_seed(0)
    network = cs.create_model(name, num_classes=7, in_channels=channels)
    images = torch.randn(2, channels, side, side)
    logits = network(images)
    assert logits.shape == (2, 7) and logits.isfinite().all()
    nn.functional.cross_entropy(logits, torch.tensor([1, 4])).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
    with torch.no_grad():
        assert not torch.equal(network(images), network(images)), "dropout is missing"
        network.eval()
        first = network(images)
        assert torch.equal(first, network(images)), "dropout stays on in evaluation"
        torch.testing.assert_close(network(images[:1]), first[:1], rtol=1e-4, atol=1e-5)


def test_dropout_is_an_argument():
    for name in ("alexnet_2012", "alexnet_227", "alexnet"):
        for rate in (0.5, 0.2):
            network = on_meta(name, dropout=rate)
            assert [m.p for m in network.modules() if isinstance(m, nn.Dropout)] == [rate, rate]
    towers = on_meta("alexnet_2012", dropout=0.2, devices=("cpu", "cpu"))
    assert [m.p for m in towers.modules() if isinstance(m, nn.Dropout)] == [0.2] * 4


def test_2012_starts_as_the_paper_says():
    torch.manual_seed(0)
    network = cs.create_model("alexnet_2012", num_classes=10)
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    for layer in layers:
        assert float(layer.weight.detach().std()) == pytest.approx(0.01, rel=0.03)
        assert abs(float(layer.weight.detach().mean())) < 2e-4
    assert [layer.bias.unique().tolist() for layer in layers] == [[0], [1], [0], [1], [1], [1], [1], [0]]
