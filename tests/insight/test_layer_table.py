"""The layer table of networks that are not ours, against published counts."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import convscope as cs

from .hooks import hooks_of

# Parameters with 1000 classes, multiply-accumulates and receptive field at the usual input size (Araujo et al. 2019).
KNOWN = [
    ("alexnet", 224, 61_100_840, 714_188_480, 195),
    ("vgg16", 224, 138_357_544, 15_470_264_320, 212),
    ("resnet50", 224, 25_557_032, 4_089_184_256, 427),
    ("densenet121", 224, 7_978_856, 2_834_161_664, 2071),
    ("googlenet", 224, 13_004_888, 1_498_376_192, 379),
    ("inception_v3", 299, 27_161_264, 5_713_216_096, 1311),
    ("efficientnet_b0", 224, 5_288_548, 385_814_752, 851),
]


@pytest.mark.parametrize(
    ("name", "side", "parameters", "macs", "field"), KNOWN, ids=lambda v: v if isinstance(v, str) else ""
)
def test_public_networks(name, side, parameters, macs, field):
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    with torch.device("meta"):
        network = getattr(torchvision.models, name)(weights=None, **options)
    table = cs.summary(network, (3, side, side))
    assert (table.parameters, table.macs, table.receptive_field) == (parameters, macs, field)
    assert sum(row.parameters for row in table.layers) == parameters  # unused heads have rows too


def measured_field(network: nn.Module, size: tuple[int, int, int]) -> int:
    """Rows of the input that change the middle unit of the output, by gradient."""
    image = torch.rand(1, *size, dtype=torch.float64, requires_grad=True)
    maps = network.double()(image)
    maps[0, :, maps.shape[2] // 2, maps.shape[3] // 2].sum().backward()
    return int((image.grad[0].abs().sum((0, 2)) > 0).sum())


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Conv2d(1, 2, 3)],
        [nn.Conv2d(1, 2, 3, stride=2), nn.AvgPool2d(2), nn.Conv2d(2, 2, 5)],
        [nn.Conv2d(1, 2, 3, dilation=3), nn.AvgPool2d(3, stride=2), nn.Conv2d(2, 2, 3, padding=1)],
    ],
)
def test_receptive_fields_are_what_the_gradient_sees(layers):
    network = nn.Sequential(*layers)
    table = cs.summary(network, (1, 64, 64))
    assert table.layers[-1].receptive_field == measured_field(network, (1, 64, 64))


def test_branches_join_at_the_widest():
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.narrow, self.wide, self.after = nn.Conv2d(1, 2, 1), nn.Conv2d(1, 2, 5, padding=2), nn.Conv2d(4, 1, 3)

        def forward(self, x):
            return self.after(torch.cat([self.narrow(x), self.wide(x)], 1) + 1)

    rows = {row.name: row.receptive_field for row in cs.summary(Branches(), (1, 16, 16)).layers}
    assert rows == {"narrow": 1, "wide": 5, "after": 7}


def test_one_kernel_for_height_and_another_for_width():
    network = nn.Sequential(nn.Conv2d(1, 1, (5, 4)))
    table = cs.summary(network, (1, 28, 28))
    assert table.layers[0].output_shape == (1, 24, 25) and table.layers[0].receptive_field == 5


def test_a_layer_that_runs_twice_counts_its_parameters_once():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 3, padding=1)

        def forward(self, x):
            return self.conv(self.conv(x))

    table = cs.summary(Twice(), (1, 8, 8))
    assert [row.parameters for row in table.layers] == [10, 0] and table.parameters == 10
    assert table.macs == 2 * 64 * 9


def test_nothing_is_left_behind():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout())
    network[2].eval()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    cs.summary(network, (1, 8, 8))
    with pytest.raises(cs.UsageError, match="does not take an image of 3 x 8 x 8"):
        cs.summary(network, (3, 8, 8))
    assert hooks_of(network) == 0
    assert network.training and network[1].training and not network[2].training
    assert all(v.equal(before[k]) for k, v in network.state_dict().items())


def test_connections_against_a_hand_count():
    """T4's example: 100 x 100 to 100 x 100 fully connected is 10^8 weights, a shared 3 x 3 kernel is 9."""
    with torch.device("meta"):
        dense = nn.Sequential(nn.Flatten(), nn.Linear(10_000, 10_000))
    table = cs.summary(dense, (1, 100, 100))
    assert table.parameters == table.connections == 100_010_000 and table.macs == 100_000_000
    shared = cs.summary(nn.Sequential(nn.Conv2d(1, 1, 3, padding=1)), (1, 100, 100))
    assert (shared.parameters, shared.macs, shared.connections) == (10, 90_000, 100_000)


def test_the_text_is_a_table():
    lines = str(cs.summary(cs.create_model("lenet5"), (1, 32, 32))).splitlines()
    assert len(lines) == 1 + 14 + 1 + 1 + 3 and lines[1].split()[:2] == ["C1", "Conv2d"]
    assert lines[15].split()[1:] == ["60,000", "325,680", "340,908"]
    assert lines[17] == "parameters: 60,000 trainable, 0 frozen"


@pytest.mark.parametrize(
    ("name", "size"),
    [("swin_t", 224), ("swin_v2_t", 256), ("vit_b_16", 224), ("convnext_tiny", 64), ("mobilenet_v3_small", 64),
     ("shufflenet_v2_x0_5", 64), ("squeezenet1_1", 64), ("mnasnet0_5", 64), ("efficientnet_v2_s", 64)],
)  # fmt: skip
def test_rows_add_up_to_what_pytorchs_counter_finds(name, size):
    with torch.device("meta"):
        network = torchvision.models.get_model(name, weights=None).eval()
    table = cs.summary(network, (3, size, size))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.empty(1, 3, size, size, device="meta"))
    assert table.macs == sum(row.macs for row in table.layers) == counter.get_total_flops() // 2
    total = sum(p.numel() for p in network.parameters())
    assert table.parameters == sum(row.parameters for row in table.layers) == total
    assert name != "swin_t" or table.macs == 4_490_566_656


class Odd(nn.Module):
    """Own weights, called by functions; a shared and a frozen layer; a product of maps; a layer that never runs."""

    def __init__(self):
        super().__init__()
        self.kernels, self.scale = nn.Parameter(torch.ones(2, 1, 3, 3)), nn.Parameter(torch.ones(2, 1, 1))
        self.shared, self.frozen = nn.Conv2d(2, 2, 1), nn.Linear(32, 5)
        self.frozen.requires_grad_(False)
        self.token, self.idle = nn.Parameter(torch.ones(4, 4)), nn.Linear(7, 3)

    def forward(self, x):
        x = F.conv2d(x, self.kernels) * self.scale
        x = self.shared(self.shared(x)) + self.token[:4].T
        return self.frozen((x @ x).flatten(1))


def test_own_weights_shared_frozen_and_idle_layers_by_hand():
    table = cs.summary(Odd(), (1, 6, 6))
    rows = {row.name: row for row in table.layers}
    found = {name: (row.type, row.parameters, row.frozen_parameters, row.macs) for name, row in rows.items()}
    assert found == {
        "token": ("Parameter", 16, 0, 0),
        "conv2d": ("conv2d", 18, 0, 16 * 18),
        "mul": ("mul", 2, 0, 0),
        "shared": ("Conv2d", 0, 0, 16 * 4),  # its second call; the first has the parameters
        "matmul": ("matmul", 0, 0, 2 * 64),
        "frozen": ("Linear", 0, 165, 160),
        "idle": ("not run", 24, 0, 0),
    }
    assert [row.parameters for row in table.layers if row.name == "shared"] == [6, 0]
    assert (table.parameters, table.frozen_parameters, table.macs) == (66, 165, 288 + 128 + 128 + 160)
    assert (table.fully_connected_parameters, table.fully_connected_macs) == (165, 160)
    assert table.input_mb == 36 * 4 / 2**20 and table.parameters_mb == (66 + 165) * 4 / 2**20
    assert table.passes_mb == 2 * 4 * (32 * 5 + 5) / 2**20
    assert "not run in evaluation: 24 parameters, in 1 layers" in str(table)


def test_megabytes_and_shares_of_the_tutorials():
    """As torchsummary prints them for the study notes' AlexNet; the shares are those of the papers' networks."""
    with torch.device("meta"):
        table = cs.summary(cs.create_model("alexnet_227"), (1, 227, 227))
        paper, vgg = cs.create_model("alexnet_2012"), cs.create_model("vgg16")
    assert (round(table.input_mb, 2), round(table.parameters_mb, 2)) == (0.20, 222.39)
    for network, size, parameters, share in ((paper, 227, 58_631_144, 0.962), (vgg, 224, 123_642_856, 0.894)):
        table = cs.summary(network, (3, size, size))
        assert table.fully_connected_parameters == parameters
        assert round(parameters / table.parameters, 3) == share
