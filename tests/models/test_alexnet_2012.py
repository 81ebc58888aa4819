"""AlexNet as published, whole and as two towers, against the paper's table and golden rows."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import convscope as cs
from convscope.models.alexnet_2012 import AlexNet2012, TwoTowers

from . import golden
from .checks import check_stages, check_training_step, on_meta

FULL = (3, 227, 227)


@pytest.mark.parametrize(
    ("options", "parameters", "macs"),
    [
        ({}, 60_965_224, 724_406_816),
        ({"num_classes": 10}, 56_909_194, 720_351_776),
        ({"num_classes": 10, "in_channels": 1}, 56_885_962, 650_074_976),
        ({"groups": 1}, 62_378_344, 1_135_256_096),
        ({"groups": 1, "num_classes": 10, "in_channels": 1}, 58_299_082, 1_060_924_256),
        ({"devices": ("cpu", "cpu")}, 60_965_224, 724_406_816),
    ],
)
def test_counts(options, parameters, macs):
    table = cs.summary(on_meta("alexnet_2012", **options), (options.get("in_channels", 3), 227, 227))
    assert (table.parameters, table.macs, table.receptive_field) == (parameters, macs, 195)


def test_layer_table_is_the_papers():
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


def test_stages():
    network = on_meta("alexnet_2012")
    check_stages(network, FULL, [(96, 55), (256, 27), (256, 13), (256, 6)])
    assert [stride for _, stride in network.stages.values()] == [4, 8, 16, 32]


def test_order_of_layers():
    whole = on_meta("alexnet_2012")
    assert [type(m).__name__ for m in whole.features[:8]] == ["Conv2d", "ReLU", "LocalResponseNorm", "MaxPool2d"] * 2
    assert [type(m).__name__ for m in whole.classifier] == [
        "Flatten", "Linear", "ReLU", "Dropout", "Linear", "ReLU", "Dropout", "Linear",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def whole() -> AlexNet2012:
    network = on_meta("alexnet_2012").to_empty(device="cpu")
    order = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert golden.fill(network, FULL, order=order) == 8
    return network


def twin(state: dict[str, Tensor], **options: object) -> nn.Module:
    """Another form of the network on the same weights, without a copy."""
    network = on_meta("alexnet_2012", **options).eval()
    network.load_state_dict(state, strict=True, assign=True)
    return network


def test_golden_row_in_both_forms(whole):
    towers = twin(whole.state_dict(), devices=("cpu", "cpu"))
    for network in (whole, towers):
        with torch.no_grad():
            logits = network(golden.image(FULL, 128))
        row = (67.7222387, -37.567962, -19.67336824, 43.89260686)
        golden.check(logits, row, -1964.205532, 1325.524416, 12)
    assert golden.sensitivity(whole, FULL, 128) == pytest.approx(0.097, rel=0.05)


@pytest.mark.parametrize(
    "across",
    [pytest.param(True, id="norm across towers"), pytest.param(False, id="norm within towers", marks=pytest.mark.slow)],
)
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


# A second device where there is one; the towers are the same on one.
DEVICES = ("cpu", "cuda:0" if torch.cuda.is_available() else "cpu")


def test_towers_on_two_devices():
    torch.manual_seed(0)
    towers = cs.create_model("alexnet_2012", num_classes=3, devices=DEVICES).eval()
    assert (str(towers.top.device), str(towers.bottom.device)) == DEVICES
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


def test_another_size_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^alexnet_2012 takes images of N x 3 x 227 x 227; got 1 x 3 x 224 x 224$"):
        on_meta("alexnet_2012")(torch.zeros(1, 3, 224, 224, device="meta"))


def test_a_step_of_training():
    torch.manual_seed(0)
    check_training_step(cs.create_model("alexnet_2012", num_classes=7), torch.randn(2, *FULL))


def test_dropout_is_an_argument():
    for options in ({}, {"devices": ("cpu", "cpu")}):
        for rate in (0.5, 0.2):
            network = on_meta("alexnet_2012", dropout=rate, **options)
            rates = [m.p for m in network.modules() if isinstance(m, nn.Dropout)]
            assert rates == [rate] * (4 if options else 2)


def test_starts_as_the_paper_says():
    torch.manual_seed(0)
    network = cs.create_model("alexnet_2012", num_classes=10)
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    for layer in layers:
        assert float(layer.weight.detach().std()) == pytest.approx(0.01, rel=0.03)
        assert abs(float(layer.weight.detach().mean())) < 2e-4
    assert [layer.bias.unique().tolist() for layer in layers] == [[0], [1], [0], [1], [1], [1], [1], [0]]
