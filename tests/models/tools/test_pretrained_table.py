"""The table of public weights, against its publishers, and that every network takes its file."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import timm
import torch
import torchvision.models as tv
from torch import Tensor, nn
from torchvision.transforms.functional import normalize

from convscope.errors import ModelFileError
from convscope.models import CATALOGUE
from convscope.models.tools.pretrained import WEIGHTS, fit

TIMM = ("inception_v4", "inception_resnet_v2")
TORCHVISION = [name for name in WEIGHTS if name not in TIMM]


@pytest.mark.parametrize("name", TORCHVISION)
def test_the_table_is_torchvisions(name):
    theirs = tv.get_model_weights("googlenet" if name == "googlenet_bn" else name)["IMAGENET1K_V1"]
    ours, transform = WEIGHTS[name], theirs.transforms()
    assert ours.url == theirs.url and re.search(r"-[0-9a-f]{8}\.pth$", ours.url)
    assert ours.top1_error == pytest.approx(100 - theirs.meta["_metrics"]["ImageNet-1K"]["acc@1"])
    assert ([ours.resize], [ours.crop]) == (transform.resize_size, transform.crop_size)
    assert ours.interpolation == transform.interpolation.value
    if name not in ("googlenet_bn", "inception_v3"):
        assert (list(ours.mean), list(ours.std)) == (transform.mean, transform.std)


@pytest.mark.parametrize("name", ["googlenet_bn", "inception_v3"])
def test_the_inceptions_scaling_is_torchvisions_two_steps_in_one(name):
    build = {"googlenet_bn": tv.googlenet, "inception_v3": tv.inception_v3}[name]
    with torch.device("meta"):
        theirs = build(init_weights=False, transform_input=True)
    pixels = torch.rand(2, 3, 4, 4, dtype=torch.float64)
    twice = theirs._transform_input(normalize(pixels, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    torch.testing.assert_close(normalize(pixels, *map(list, WEIGHTS[name].scaling(3))), twice)


@pytest.mark.parametrize("name", TIMM)
def test_the_table_is_timms(name):
    settings = timm.get_pretrained_cfg(name)
    ours, size = WEIGHTS[name], settings.input_size[1]
    assert (ours.mean, ours.std, ours.interpolation) == (settings.mean, settings.std, settings.interpolation)
    assert (ours.crop, ours.resize) == (size, int(size / settings.crop_pct))
    assert ours.head == (settings.classifier,)
    assert re.search(r"/[a-z0-9_]+-[0-9a-f]{8}\.pth$", ours.url)


def test_scaling_of_other_channels_is_the_average():
    weights = WEIGHTS["resnet18"]
    assert weights.scaling(3) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    mean, std = weights.scaling(1)
    assert (*mean, *std) == pytest.approx((0.449, 0.226))


def published(name: str) -> nn.Module:
    """The publisher's network on the meta device, with as many classes as its file."""
    with torch.device("meta"):
        if name in TIMM:
            return timm.create_model(name, num_classes=1001)
        if name == "googlenet_bn":
            return tv.googlenet(init_weights=False)
        return tv.inception_v3(init_weights=False) if name == "inception_v3" else getattr(tv, name)()


@pytest.mark.parametrize("name", WEIGHTS)
def test_every_network_takes_its_file(name):
    reference = published(name).state_dict()
    with torch.device("meta"):
        as_published = CATALOGUE[name].build()
        other = CATALOGUE[name].build(num_classes=7, in_channels=1)
    assert fit(reference, as_published, name).keys() == reference.keys() == as_published.state_dict().keys()
    fitted = fit(reference, other, name)
    head = {f"{path}.{kind}" for path in WEIGHTS[name].head for kind in ("weight", "bias")}
    assert reference.keys() - fitted.keys() == head
    # Nothing but the head depends on the number of classes.
    with torch.device("meta"):
        fewer = CATALOGUE[name].build(num_classes=6, in_channels=1).state_dict()
    assert {key for key, tensor in other.state_dict().items() if tensor.shape != fewer[key].shape} == head


@pytest.mark.parametrize(("name", "parts"), [("googlenet_bn", {"aux1", "aux2"}), ("inception_v3", {"AuxLogits"})])
def test_auxiliary_heads_may_be_absent(name, parts):
    with torch.device("meta"):
        network = CATALOGUE[name].build(aux_logits=False)
    reference = published(name).state_dict()
    fitted = fit(reference, network, name)
    assert fitted.keys() == network.state_dict().keys()
    assert {key.split(".")[0] for key in reference.keys() - fitted.keys()} == parts


def test_the_background_class_is_left_out():
    name = "inception_v4"
    with torch.device("meta"):
        network = CATALOGUE[name].build()
    state: dict[str, Tensor] = dict(published(name).state_dict())
    state["last_linear.bias"] = torch.arange(1001.0)
    assert fit(state, network, name)["last_linear.bias"].tolist() == list(range(1, 1001))


def test_misfits_are_named():
    with torch.device("meta"):
        network = CATALOGUE["resnet18"].build()
    state = dict(network.state_dict())
    with pytest.raises(ModelFileError, match=r"the network has no extra\.weight"):
        fit(state | {"extra.weight": torch.zeros(1)}, network, "resnet18")
    with pytest.raises(ModelFileError, match=r"bn1\.weight is 63, not 64"):
        fit(state | {"bn1.weight": torch.zeros(63)}, network, "resnet18")
    with pytest.raises(ModelFileError, match=r"the file has no fc\.weight"):
        fit({key: tensor for key, tensor in state.items() if key != "fc.weight"}, network, "resnet18")


def test_the_table_costs_no_import_of_its_publishers():
    code = "import sys; import convscope.models.tools.pretrained; print('timm' in sys.modules)"
    listing = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert listing.stdout.strip() == "False"
