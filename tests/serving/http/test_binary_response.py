"""The binary answers hold any output, and are JSON and aligned numbers whatever is in it."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
import torch

from convscope.serving.http.binary_response import Payload, add_layer
from convscope.serving.http.json_bytes import to_json


def entry(output: torch.Tensor, maps=slice(16)) -> tuple[dict, bytes]:
    payload = Payload()
    payload.add(np.zeros(3, np.uint8))
    layer = add_layer(payload, "name", output, maps)
    content = payload.pack({"layer": layer})
    (length,) = struct.unpack("<I", content[:4])
    start = 4 + length + -length % 4
    assert all(item["offset"] % 4 == 0 for item in layer["maps"])
    return json.loads(content[4 : 4 + length])["layer"], content[start:]


@pytest.mark.parametrize(
    ("shape", "total", "size"),
    [((5, 7, 3), 5, 21), ((9,), 1, 9), ((9, 1, 1), 1, 9), ((4, 6), 1, 24), ((), 1, 1), ((2, 3, 4, 5), 1, 120)],
)
def test_any_shape_comes_as_maps(shape, total, size):
    output = torch.randn(shape)
    layer, payload = entry(output)
    assert layer["total"] == total == len(layer["maps"]) and layer["shape"] == list(shape)
    last = layer["maps"][-1]
    assert len(payload) == last["offset"] + size + -size % 4


def test_flat_maps_and_numbers_without_an_end():
    layer, payload = entry(torch.stack([torch.full((2, 2), 3.0), torch.zeros(2, 2)]))
    assert [(item["low"], item["high"]) for item in layer["maps"]] == [(3, 3), (0, 0)]
    assert payload[layer["maps"][0]["offset"]] == 0
    wild = torch.tensor([[[1.0, float("nan")], [float("inf"), -2.0]]])
    layer, _ = entry(wild)
    assert layer["high"] is None
    assert entry(torch.randn(6, 2, 2), slice(4, 99))[0]["total"] == 6
    assert entry(torch.randn(6, 2, 2), slice(0))[0]["maps"] == []


def test_json_has_no_word_for_nan():
    assert json.loads(to_json({"a": [1.0, float("nan"), (float("-inf"), "猫")]})) == {"a": [1.0, None, [None, "猫"]]}
