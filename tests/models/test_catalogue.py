"""One contract for every network of the catalogue."""

from __future__ import annotations

import json
import math

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load, save
from torch import Tensor, nn

import convscope as cs
from convscope.cli import main
from convscope.models import CATALOGUE, arguments_for, shapes_alone

# At its default number of classes and input: trainable parameters, multiply-accumulates, receptive field (None: all).
COUNTS: dict[str, tuple[int, int, int | None]] = {
    "softmax_regression": (7_850, 7_840, None),
    "mlp": (266_610, 266_200, None),
    "lenet5": (60_000, 325_680, 32),
    "lenet_relu": (61_706, 416_520, 16),
    "lenet_sigmoid": (61_706, 416_520, 16),
    "mnist_cnn": (2_327_818, 11_542_848, 16),
    "alexnet_2012": (60_965_224, 724_406_816, 195),
    "alexnet_227": (58_299_082, 1_060_924_256, 195),
    "alexnet": (61_100_840, 714_188_480, 195),
    "zfnet": (62_357_608, 1_168_032_896, 171),
    "nin": (7_595_176, 1_100_188_800, 195),
    "nin_cifar": (966_986, 222_486_528, 27),
    "vgg11": (132_863_336, 7_609_090_048, 150),
    "vgg11_lrn": (132_863_336, 7_609_090_048, 150),
    "vgg13": (133_047_848, 11_308_466_176, 156),
    "vgg16_c": (133_638_952, 11_770_888_192, 156),
    "vgg16": (138_357_544, 15_470_264_320, 212),
    "vgg19": (143_667_240, 19_632_062_464, 268),
    "vgg11_bn": (132_868_840, 7_609_090_048, 150),
    "vgg13_bn": (133_053_736, 11_308_466_176, 156),
    "vgg16_bn": (138_365_992, 15_470_264_320, 212),
    "vgg19_bn": (143_678_248, 19_632_062_464, 268),
    "googlenet": (13_378_280, 1_582_671_872, 715),
    "googlenet_bn": (13_004_888, 1_498_376_192, 379),
    "googlenet_naive": (97_526_008, 12_568_061_056, 715),
    "googlenet_tutorial0": (6_994_392, 1_569_826_816, 715),
    "googlenet_tutorial1": (5_927_850, 1_493_248_000, 715),
    "bn_inception": (11_194_984, 2_018_851_840, 699),
    "inception_v3": (27_161_264, 5_713_216_096, 1311),
    "inception_v4": (42_679_816, 12_253_974_624, 2071),
    "inception_resnet_v1": (22_756_328, 6_206_361_696, 1567),
    "inception_resnet_v2": (55_843_464, 13_155_794_016, 3039),
    "plain18": (11_515_688, 1_794_805_760, 435),
    "plain34": (21_623_848, 3_644_493_824, 899),
    "resnet18": (11_689_512, 1_814_073_344, 435),
    "resnet34": (21_797_672, 3_663_761_408, 899),
    "resnet50": (25_557_032, 4_089_184_256, 427),
    "resnet101": (44_549_160, 7_801_405_440, 971),
    "resnet152": (60_192_808, 11_513_626_624, 1451),
    "plain20": (269_722, 40_551_040, 81),
    "plain32": (464_154, 68_862_592, 137),
    "plain44": (658_586, 97_174_144, 193),
    "plain56": (853_018, 125_485_696, 249),
    "plain110": (1_727_962, 252_887_680, 501),
    "resnet20": (269_722, 40_551_040, 81),
    "resnet32": (464_154, 68_862_592, 137),
    "resnet44": (658_586, 97_174_144, 193),
    "resnet56": (853_018, 125_485_696, 249),
    "resnet110": (1_727_962, 252_887_680, 501),
    "resnet1202": (19_421_274, 2_829_238_912, 5597),
    "preact_resnet164": (1_703_258, 244_500_992, 255),
    "preact_resnet1001": (10_327_706, 1_487_849_984, 1557),
    "densenet121": (7_978_856, 2_834_161_664, 2071),
    "densenet169": (14_149_480, 3_359_843_328, 3351),
    "densenet201": (20_013_928, 4_291_365_888, 3863),
    "densenet264": (33_337_704, 5_751_653_376, 5399),
    "densenet161": (28_681_000, 7_727_907_072, 2967),
    "densenet40_k12": (1_019_722, 264_812_928, 174),
    "densenet100_k12": (6_979_642, 1_769_516_448, 454),
    "densenet100_k24": (27_249_082, 6_889_347_744, 454),
    "densenet_bc100_k12": (769_162, 287_929_692, 230),
    "densenet_bc250_k24": (15_324_406, 5_418_785_724, 580),
    "densenet_bc190_k40": (25_624_430, 9_301_945_740, 440),
    "efficientnet_b0": (5_288_548, 385_814_752, 851),
    "efficientnet_b1": (7_794_184, 686_802_832, 1183),
    "efficientnet_b2": (9_109_994, 993_561_872, 1183),
    "efficientnet_b3": (12_233_232, 1_827_141_392, 1407),
    "efficientnet_b4": (19_341_616, 4_393_771_024, 1799),
    "efficientnet_b5": (30_389_784, 10_266_384_752, 2131),
    "efficientnet_b6": (43_040_704, 19_067_593_536, 2523),
    "efficientnet_b7": (66_347_960, 37_745_884_192, 3079),
    "mnist_fast": (29_290, 1_862_272, 22),
    "mnist_best": (289_354, 21_787_904, 34),
    "cifar_fast": (1_971_616, 118_147_360, 51),
}  # fmt: skip
SIZES = (28, 32, 64, 75, 96, 128, 224, 227, 299)
FAMILIES = {"perceptron", "depth", "Inception", "residual", "dense"}


def build(name: str, **options: object) -> nn.Module:
    torch.manual_seed(0)
    return cs.create_model(name, **options)


def smallest_size(name: str) -> int:
    """The smallest of some sizes that a network takes."""
    for size in SIZES:
        try:
            arguments_for(name, (3, size, size), num_classes=7)
        except cs.UsageError:
            continue
        return size
    raise AssertionError(f"{name} takes none of {SIZES}")


def test_the_table_is_the_catalogue():
    assert list(COUNTS) == cs.list_models() == list(CATALOGUE)


# Of a thousand layers: seconds each; the short ones of the same families are counted with every commit.
LONG = ("resnet1202", "preact_resnet1001")


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n in LONG else ()) for n in CATALOGUE])
def test_counts(name):
    table = cs.summary(shapes_alone(name), CATALOGUE[name].input_size, name)
    assert (table.parameters, table.macs, table.receptive_field) == COUNTS[name]


@pytest.mark.parametrize("name", CATALOGUE)
def test_another_number_of_channels_and_classes(name):
    channels, side, _ = CATALOGUE[name].input_size
    channels = 4 - channels  # one for colour, three for gray
    network = shapes_alone(name, num_classes=7, in_channels=channels).eval()
    assert network(torch.empty(2, channels, side, side, device="meta")).shape == (2, 7)


def logits_of(outputs: object) -> list[Tensor]:
    return [outputs] if isinstance(outputs, Tensor) else [o for o in outputs if o is not None]  # type: ignore[attr-defined]


# Twins of others that are tested always, only larger, or networks whose own tests train a step.
LARGE = {
    "alexnet_2012", "alexnet_227", "zfnet", "vgg11_lrn", "vgg13", "vgg16_c", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn",
    "vgg16_bn", "vgg19_bn", "googlenet_naive", "inception_v3", "inception_v4", "inception_resnet_v1",
    "inception_resnet_v2", "plain34", "resnet34", "resnet101", "resnet152", "plain56", "plain110", "resnet56",
    "resnet110", "resnet1202", "preact_resnet164", "preact_resnet1001", "densenet161", "densenet169", "densenet201",
    "densenet264", "densenet100_k12", "densenet100_k24", "densenet_bc250_k24", "densenet_bc190_k40",
    "efficientnet_b1", "efficientnet_b2", "efficientnet_b3", "efficientnet_b4", "efficientnet_b5", "efficientnet_b6",
    "efficientnet_b7",
}  # fmt: skip


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in LARGE else ()) for name in CATALOGUE]
)
def test_a_step_of_training(name):
    """Finite logits, a gradient on every parameter, and the same function again after saving and loading."""
    size = smallest_size(name)
    options = {**arguments_for(name, (3, size, size), num_classes=7)}
    network = build(name, **options).train()
    images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    outputs = network(images)
    for logits in logits_of(outputs):
        assert logits.shape == (2, 7) and logits.isfinite().all()
    loss = getattr(network, "loss", F.cross_entropy)(outputs, torch.tensor([1, 5]))
    loss.backward()
    gradients = {path: p.grad for path, p in network.named_parameters()}
    assert [path for path, g in gradients.items() if g is None or not g.isfinite().all()] == []
    moved = sum(bool(g.any()) for g in gradients.values())
    assert moved >= 0.9 * len(gradients), f"only {moved} of {len(gradients)} parameters learn"

    content = save(network.state_dict())
    del gradients, outputs, loss
    other = shapes_alone(name, **options)
    other.load_state_dict(load(content), strict=True, assign=True)
    for mine, its in zip(network.state_dict().values(), other.state_dict().values(), strict=True):
        assert mine.equal(its)


def test_unknown_names_and_options_are_one_line():
    with pytest.raises(cs.ModelFileError, match="unknown network 'lenet': did you mean"):
        cs.create_model("lenet")
    with pytest.raises(cs.UsageError, match="lenet5 has no option 'depth'; it takes num_classes"):
        cs.create_model("lenet5", depth=3)
    with pytest.raises(cs.UsageError, match="num_classes must be a positive whole number, not 0"):
        cs.create_model("lenet5", num_classes=0)


@pytest.mark.parametrize("card", CATALOGUE.values(), ids=lambda card: card.name)
def test_cards_are_complete(card):
    assert card.year is None or 1958 <= card.year <= 2030
    assert card.family in FAMILIES and card.authors and card.paper
    assert card.year is None or card.url.startswith("http")
    assert all(error is None or 0 < error < 100 for error in (card.top1_error, card.top5_error))
    assert (card.benchmark != "") or (card.top1_error is card.top5_error is None)
    assert card.build.__doc__ and len(card.input_size) == 3


@pytest.mark.parametrize(
    "name", ["alexnet_2012", "alexnet_227", "zfnet", "lenet_relu", "mnist_cnn", "vgg16", "inception_v3"]
)
def test_a_size_that_does_not_fit_is_one_line(name):
    with pytest.raises(cs.UsageError, match=f"^{name} cannot take images of 20 x 20: ") as caught:
        arguments_for(name, (3, 20, 20))
    assert "\n" not in str(caught.value)


def test_every_card_is_in_the_json(capsys):
    assert main(["models", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [e["name"] for e in entries] == list(CATALOGUE)
    for entry in entries:
        # The paper counts GoogLeNet and Inception-v3 without the heads that only train them; so does the layer table.
        assert entry["parameters"] >= COUNTS[entry["name"]][0] - 10**7 and math.prod(entry["input_size"]) > 0


def test_the_timeline_names_every_dated_network(capsys):
    assert main(["models"]) == 0
    timeline = capsys.readouterr().out.split("Timeline\n")[1]
    assert {word for line in timeline.splitlines() for word in line.split()[1:]} >= {
        card.name for card in CATALOGUE.values() if card.year
    } - {"perceptron"}
