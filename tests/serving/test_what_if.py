"""What-if: the same as editing a copy of the network by hand, and never more than that."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from convscope.data.image_file import decode
from convscope.insight import trace
from convscope.models import create_model
from convscope.serving.shared_weights import copy_modules
from convscope.serving.what_if import WhatIf

from .conftest import BinaryAnswer


@pytest.fixture
def by_hand(digits_run, digit):
    """A copy of the network to be edited, and the input."""
    classifier = digits_run.classifier
    images = classifier.preprocess.normalize(classifier.preprocess.pixels(decode(digit))[None])
    return copy.deepcopy(classifier.network), images


def what_if(client, forwarded: BinaryAnswer, **edits) -> BinaryAnswer:
    return BinaryAnswer.of(client.patch(f"/api/what-if/{forwarded.header['session']}", json=edits))


def test_an_edited_kernel_is_as_one_edited_by_hand(client, forwarded, by_hand):
    network, images = by_hand
    values = np.arange(25).reshape(5, 5) / 25
    got = what_if(client, forwarded, kernels=[{"layer": "features.3", "map": 5, "input": 2, "values": values.tolist()}])
    with torch.no_grad():
        network.features[3].weight[5, 2] = torch.tensor(values)
        logits = network(images)[0]
    assert got.header["logits"] == pytest.approx(logits.tolist(), abs=1e-4)
    assert got.header["session"] != forwarded.header["session"] and got.header["logits"] != forwarded.header["logits"]
    session = got.header["session"]
    answer = client.get(f"/api/arithmetic/{session}/features.3", params={"map": 5, "y": 0, "x": 0}).json()
    weights = [term["weight"] for term in answer["terms"] if term["index"][0] == 2]
    assert weights == pytest.approx(values.flatten().tolist(), abs=1e-6)
    assert answer["value"] == pytest.approx(answer["network_value"], abs=1e-4)
    kernel = BinaryAnswer.of(client.get("/api/kernels/features.3", params={"map": 5, "session": session}))
    assert kernel.floats(6, 5, 5)[2] == pytest.approx(values, abs=1e-6)
    untouched = BinaryAnswer.of(client.get("/api/kernels/features.3", params={"map": 5}))
    assert np.abs(untouched.floats(6, 5, 5)[2] - values).max() > 0.01


def test_a_map_that_is_off_is_zero_for_all_that_follows(client, forwarded, by_hand):
    network, images = by_hand
    got = what_if(client, forwarded, channels_off={"features.1": [0, 3], "classifier.1": [7]})
    with torch.no_grad():
        network.features[0].weight[[0, 3]] = 0
        network.features[0].bias[[0, 3]] = 0
        network.classifier[0].weight[7] = 0
        network.classifier[0].bias[7] = 0
        logits = network(images)[0]
    assert got.header["logits"] == pytest.approx(logits.tolist(), abs=1e-4)
    layer = got.layer("features.1")
    assert {entry["map"] for entry in layer["maps"] if entry["high"] == entry["low"] == 0} >= {0, 3}
    answer = client.get(f"/api/arithmetic/{got.header['session']}/features.1", params={"map": 3, "y": 0, "x": 0}).json()
    assert answer["off"] and answer["value"] == answer["network_value"] == 0 and answer["terms"] == []


def test_the_list_is_complete_and_not_a_change(client, forwarded):
    off = what_if(client, forwarded, channels_off={"features.0": [0]})
    again = BinaryAnswer.of(client.patch(f"/api/what-if/{off.header['session']}", json={}))
    assert again.header["logits"] == pytest.approx(forwarded.header["logits"], abs=1e-6)


def test_a_covered_part_has_the_mean_colour(client, forwarded, digits_run, digit):
    got = what_if(
        client, forwarded, occlude=[{"row": 10, "column": 20, "radius": 4}, {"row": -5, "column": 40, "radius": 1}]
    )
    pixels = digits_run.classifier.preprocess.pixels(decode(digit))[0].numpy().astype(float)
    rows, columns = np.mgrid[:32, :32]
    inside = (rows - 10) ** 2 + (columns - 20) ** 2 <= 16
    shown = np.frombuffer(got.payload, np.uint8, 32 * 32, got.header["seen"]["offset"]).reshape(32, 32)
    assert (shown[inside] == round(pixels.mean())).all() and (shown[~inside] == pixels[~inside]).all()


def test_replaced_pixels_are_those_of_the_picture(client, forwarded, by_hand, digits_run, digit):
    network, _ = by_hand
    got = what_if(client, forwarded, pixels=[{"row": 3, "column": 30, "values": [255]}])
    preprocess = digits_run.classifier.preprocess
    pixels = preprocess.pixels(decode(digit))[None].clone()
    assert pixels[0, 0, 3, 30] != 255
    pixels[0, 0, 3, 30] = 255
    with torch.no_grad():
        logits = network(preprocess.normalize(pixels))[0]
    assert got.header["logits"] == pytest.approx(logits.tolist(), abs=1e-4)


@pytest.mark.parametrize(
    ("edits", "status", "says"),
    [
        ({"channels_off": {"nothing": [0]}}, 404, "no layer 'nothing'"),
        ({"channels_off": {"features.0": [6]}}, 422, "6 maps"),
        ({"channels_off": {"features.0": [-1]}}, 422, "channels_off"),
        ({"channels_off": {"input": [0]}}, 422, "without a module"),
        ({"kernels": [{"layer": "features.0", "map": 0, "input": 1, "values": [[0] * 5] * 5}]}, 422, "no kernel"),
        ({"kernels": [{"layer": "features.0", "map": 0, "input": 0, "values": [[0] * 4] * 5}]}, 422, "5 x 5"),
        ({"kernels": [{"layer": "features.0", "map": 0, "input": 0, "values": [[0], [0, 1]]}]}, 422, "5 x 5"),
        ({"kernels": [{"layer": "features.1", "map": 0, "input": 0, "values": [[0]]}]}, 422, "no kernel"),
        ({"kernels": [{"layer": "features.0", "map": 0, "input": 0, "values": [[1e99]]}]}, 422, "values"),
        ({"occlude": [{"row": 1, "column": 1, "radius": 0}]}, 422, "radius"),
        ({"pixels": [{"row": 32, "column": 0, "values": [0]}]}, 422, "1 x 32 x 32"),
        ({"pixels": [{"row": 0, "column": 0, "values": [0, 0, 0]}]}, 422, "3 colours"),
        ({"pixels": [{"row": 0, "column": 0, "values": [256]}]}, 422, "pixels"),
        ({"rotate": 90}, 422, "rotate"),
        ([], 422, "request"),
    ],
)
def test_impossible_edits_are_refused(client, forwarded, edits, status, says):
    answer = client.patch(f"/api/what-if/{forwarded.header['session']}", json=edits)
    assert answer.status_code == status and says in answer.json()["error"]["en"], answer.text


@pytest.mark.parametrize(
    ("body", "status"), [(b"", 400), (b"{", 400), (b"\xff", 400), (b"[" * 100_000, 413), (b'{"a": Infinity}', 422)]
)
def test_what_is_no_json_is_refused_and_nothing_breaks(client, forwarded, body, status):
    answer = client.patch(f"/api/what-if/{forwarded.header['session']}", content=body)
    assert answer.status_code == status


def edited(network: nn.Module, images: torch.Tensor, **edits) -> tuple[nn.Module, torch.Tensor]:
    nodes = {node.name: node for node in trace(network, images, keep=()).nodes}
    changed = WhatIf.model_validate(edits).apply_to_network(network.eval(), nodes)
    with torch.no_grad():
        return changed, changed(images)


def test_the_connection_table_of_lenet5_is_kept(tmp_path):
    network, images = create_model("lenet5").eval(), torch.randn(1, 1, 32, 32)
    before = network.C3.dense_weight().detach().clone()
    changed, _ = edited(network, images, kernels=[{"layer": "C3", "map": 1, "input": 3, "values": [[9.0] * 5] * 5}])
    after = changed.C3.dense_weight().detach()
    assert (after[1, 3] == 9).all() and (network.C3.dense_weight() == before).all()
    after[1, 3] = before[1, 3]
    assert (after == before).all()
    with pytest.raises(Exception, match="no kernel from map 0"):
        edited(network, images, kernels=[{"layer": "C3", "map": 1, "input": 0, "values": [[9.0] * 5] * 5}])


def test_grouped_kernels_count_input_maps_of_the_whole_layer():
    network = nn.Sequential(nn.Conv2d(4, 6, 3, groups=2))
    images = torch.randn(1, 4, 8, 8)
    changed, _ = edited(network, images, kernels=[{"layer": "0", "map": 4, "input": 3, "values": [[7.0] * 3] * 3}])
    assert (changed[0].weight[4, 1] == 7).all() and (changed[0].weight != network[0].weight).sum() == 9
    with pytest.raises(Exception, match="no kernel from map 1 to map 4"):
        edited(network, images, kernels=[{"layer": "0", "map": 4, "input": 1, "values": [[7.0] * 3] * 3}])


class Twice(nn.Module):
    """One rectifier that runs two times, as in torchvision's residual blocks."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.relu = nn.Conv2d(1, 2, 1), nn.Conv2d(2, 2, 1), nn.ReLU(inplace=True)

    def forward(self, images):
        return self.relu(self.b(self.relu(self.a(images))))


def test_a_module_that_runs_twice_is_switched_off_once():
    network, images = Twice().eval(), torch.ones(1, 1, 2, 2)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(1)
    for _ in range(2):  # the count begins anew with every image
        changed, last = edited(network, images, channels_off={"relu#2": [1]})
        assert last[0, :, 0, 0].tolist() == [5, 0] and changed(images)[0, :, 0, 0].tolist() == [5, 0]
    assert edited(network, images, channels_off={"relu": [1]})[1][0, :, 0, 0].tolist() == [3, 3]
    assert network(images)[0, :, 0, 0].tolist() == [5, 5]


def test_copies_share_their_memory_and_nothing_else():
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    other = copy_modules(network, ("0.weight",))
    assert other[0].bias.data_ptr() == network[0].bias.data_ptr() and other[0].bias is not network[0].bias
    assert other[0].weight.data_ptr() != network[0].weight.data_ptr()
    assert other[1].running_mean.data_ptr() == network[1].running_mean.data_ptr()
    other[0].register_forward_hook(lambda *_: None)
    assert not network[0]._forward_hooks
