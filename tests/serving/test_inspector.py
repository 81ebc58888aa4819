"""What the page sees is what the network computes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from convscope.data.image_file import decode

from .conftest import BinaryAnswer


@pytest.fixture(scope="module")
def inside(digits_run, digit):
    """Network, input and every layer's output, by plain torch."""
    classifier = digits_run.classifier
    pixels = classifier.preprocess.pixels(decode(digit))[None]
    images = classifier.preprocess.normalize(pixels)
    outputs, network = {}, classifier.network
    hooks = [
        module.register_forward_hook(
            lambda module, inputs, output, name=name: outputs.update({name: output[0].detach()})
        )
        for name, module in network.named_modules()
        if not list(module.children())
    ]
    with torch.no_grad():
        logits = network(images)[0]
    for hook in hooks:
        hook.remove()
    return network, pixels, outputs, logits


def test_the_list_says_what_can_be_chosen(client, digits_run):
    answer = client.get("/api/classifiers").json()
    entry = answer["classifiers"][0]
    assert answer["current"] == entry["id"] == digits_run.folder.name
    assert entry["class_names"] == [str(digit) for digit in range(10)] and entry["input_size"] == [1, 32, 32]
    assert set(entry["description"]) == {"en", "zh"} and "lenet_relu" in entry["description"]["zh"]


def test_the_network_comes_with_its_preprocessing(client, digits_run):
    answer = client.get("/api/network").json()
    names = [node["name"] for node in answer["nodes"]]
    assert names[0] == "input" and {tuple(edge) for edge in answer["edges"]} >= {("input", names[1])}
    assert answer["preprocessing"] == client.get("/api/network").json()["preprocessing"]
    assert answer["preprocessing"]["mean"] == list(digits_run.classifier.preprocess.mean)


def test_probabilities_are_those_of_predict(forwarded, digits_run, digit):
    expected = digits_run.classifier.predict(decode(digit), topk=10)
    got = forwarded.header["probabilities"]
    assert [row["label"] for row in got] == [p.label for p in expected] and got[0]["label"] == "7"
    assert [row["probability"] for row in got] == pytest.approx([p.probability for p in expected], abs=1e-6)
    inside = [p.label for p in digits_run.classifier.predict(decode(digit), topk=1, set_coverage=0.9) if p.in_set]
    assert forwarded.header["set"] == {"coverage": 0.9, "labels": inside}


def test_every_layer_is_there_and_exact_to_a_level(forwarded, inside):
    _, pixels, outputs, logits = inside
    assert forwarded.header["logits"] == pytest.approx(logits.tolist(), abs=1e-4)
    names = [layer["name"] for layer in forwarded.header["layers"]]
    assert set(outputs) <= set(names) and set(forwarded.header["layer_ms"]) <= set(names)
    for name, output in outputs.items():
        layer = forwarded.layer(name)
        assert layer["shape"] == list(output.shape)
        planes = output.reshape(-1, *output.shape[1:]) if output.ndim == 3 else output.reshape(1, 1, -1)
        assert layer["total"] == len(planes) == len(layer["maps"])
        assert (layer["low"], layer["high"]) == pytest.approx((float(planes.min()), float(planes.max())), abs=1e-5)
        strength = [float(planes[entry["map"]].abs().mean()) for entry in layer["maps"]]
        assert strength == sorted(strength, reverse=True)
        for index, entry in enumerate(layer["maps"]):
            step = (entry["high"] - entry["low"]) / 255
            assert np.abs(forwarded.plane(layer, index) - planes[entry["map"]].numpy()).max() <= step / 2 + 1e-5
    seen = forwarded.header["seen"]
    shown = np.frombuffer(forwarded.payload, np.uint8, 32 * 32, seen["offset"]).reshape(1, 32, 32)
    assert (shown == pixels[0].numpy()).all()


def test_more_maps_follow_in_the_order_of_strength(client, forwarded):
    session, whole = forwarded.header["session"], forwarded.layer("features.3")
    some = BinaryAnswer.of(client.get(f"/api/activations/{session}/features.3", params={"maps": "4:7"}))
    layer = some.header["layer"]
    assert [entry["map"] for entry in layer["maps"]] == [entry["map"] for entry in whole["maps"][4:7]]
    assert (some.plane(layer, 0) == forwarded.plane(whole, 4)).all()
    only = BinaryAnswer.of(client.get(f"/api/activations/{session}/features.3", params={"only": "3,7"})).header["layer"]
    assert [entry["map"] for entry in only["maps"]] == [3, 7]
    vector = BinaryAnswer.of(client.get(f"/api/activations/{session}/classifier.0", params={"maps": "0:16"}))
    assert vector.header["layer"]["total"] == 1


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("activations/{s}/features.3?only=16", 422),
        ("activations/{s}/features.3?only=1;2", 422),
        ("activations/{s}/features.3?maps=16", 422),
        ("activations/{s}/nothing", 404),
        ("activations/another/features.3", 404),
        ("arithmetic/{s}/features.3?map=16&y=0&x=0", 422),
        ("arithmetic/{s}/features.3?map=1", 422),
        ("arithmetic/{s}/input?map=0&y=0&x=0", 422),
        ("arithmetic/{s}/features.3?map=1&y=10&x=0", 422),
        ("arithmetic/{s}/features.3?map=-1&y=1&x=0", 422),
        ("kernels/features.1?map=0", 422),
        ("kernels/features.0?map=6", 422),
        ("kernels/nothing", 404),
        ("field/{s}/features.3?y=10&x=0", 422),
        ("seen/{s}?row=32&column=0", 422),
        ("seen/{s}", 422),
        ("gradients/{s}?label=10", 422),
        ("attribution/{s}?method=magic", 422),
        ("attribution/{s}?layer=nothing", 404),
        ("attribution/{s}?label=1&versus=10", 422),
        ("network?classifier=another", 404),
        ("snapshots?classifier=another", 404),
    ],
)
def test_what_is_not_there_is_refused_in_both_languages(client, forwarded, path, status):
    answer = client.get(f"/api/{path.format(s=forwarded.header['session'])}")
    assert answer.status_code == status, answer.text
    assert set(answer.json()["error"]) == {"en", "zh"} and all(answer.json()["error"].values())


def test_the_arithmetic_ends_in_the_networks_own_value(client, forwarded, inside):
    _, _, outputs, _ = inside
    session = forwarded.header["session"]
    answer = client.get(f"/api/arithmetic/{session}/features.3", params={"map": 5, "y": 2, "x": 7}).json()
    assert answer["network_value"] == pytest.approx(float(outputs["features.3"][5, 2, 7]), abs=1e-4)
    assert sum(term["product"] for term in answer["terms"]) + answer["bias"] == pytest.approx(answer["value"], abs=1e-6)
    assert answer["value"] == pytest.approx(answer["network_value"], abs=1e-4) and answer["off"] is False
    unit = client.get(f"/api/arithmetic/{session}/classifier.0", params={"map": 3}).json()
    assert unit["network_value"] == pytest.approx(float(outputs["classifier.0"][3]), abs=1e-4)


def test_kernels_are_the_networks(client, inside):
    network, *_ = inside
    got = BinaryAnswer.of(client.get("/api/kernels/features.3", params={"map": 5}))
    assert got.header["shape"] == [6, 5, 5] and got.header["bias"] == pytest.approx(network.features[3].bias[5].item())
    assert (got.floats(6, 5, 5) == network.features[3].weight[5].detach().numpy()).all()
    dense = BinaryAnswer.of(client.get("/api/kernels/classifier.0", params={"map": 7}))
    assert dense.header["shape"] == [400, 1, 1]


def test_fields_go_both_ways(client, forwarded):
    session = forwarded.header["session"]
    field = client.get(f"/api/field/{session}/features.3", params={"y": 4, "x": 6}).json()
    assert field["field"] == [8, 12, 22, 26] and field["input_size"] == [1, 32, 32]  # 5 + 2 * 4 + 1 = 14 wide, 2 apart
    seen = client.get(f"/api/seen/{session}", params={"row": 8, "column": 12}).json()["layers"]["features.3"]
    assert seen[0] <= 4 < seen[2] and seen[1] <= 6 < seen[3]
    outside = client.get(f"/api/seen/{session}", params={"row": 22, "column": 12}).json()["layers"]["features.3"]
    assert not outside[0] <= 4 < outside[2]


def test_gradients_are_autograds(client, forwarded, inside):
    network, pixels, *_ = inside
    got = BinaryAnswer.of(client.get(f"/api/gradients/{forwarded.header['session']}", params={"label": 3, "maps": 64}))
    maps = []
    hook = network.features[3].register_forward_hook(lambda module, inputs, output: maps.append(output))
    images = torch.tensor(0.0, requires_grad=True) + input_of(forwarded, pixels)
    loss = torch.nn.functional.cross_entropy(network(images), torch.tensor([3]))
    hook.remove()
    (gradient,) = torch.autograd.grad(loss, maps[0])
    layer = got.layer("features.3")
    assert got.header["loss"] == pytest.approx(loss.item(), rel=1e-4)
    assert got.header["norms"]["features.3"] == pytest.approx(float(gradient.norm()), rel=1e-3)
    first = layer["maps"][0]
    step = (first["high"] - first["low"]) / 255
    assert np.abs(got.plane(layer, 0) - gradient[0, first["map"]].numpy()).max() <= step / 2 + 1e-6


def input_of(forwarded: BinaryAnswer, pixels: torch.Tensor) -> torch.Tensor:
    """The normalised image, from the bounds that the service tells and the pixels."""
    layer, values = forwarded.layer("input"), pixels.float()
    share = (values - values.min()) / (values.max() - values.min())
    return layer["low"] + share * (layer["high"] - layer["low"])


@pytest.mark.parametrize("method", ["grad-cam", "saliency", "integrated-gradients", "guided-backprop"])
def test_heat_maps_have_the_size_of_the_input(client, forwarded, method):
    session = forwarded.header["session"]
    got = BinaryAnswer.of(client.get(f"/api/attribution/{session}", params={"method": method, "label": 7, "versus": 1}))
    assert (got.header["height"], got.header["width"], got.header["label"], got.header["versus"]) == (32, 32, 7, 1)
    heat = got.floats(32, 32)
    assert np.isfinite(heat).all() and heat.any()
    assert (got.header["low"], got.header["high"]) == pytest.approx((heat.min(), heat.max()))


def test_without_a_label_the_likeliest_is_explained(client, forwarded):
    got = BinaryAnswer.of(client.get(f"/api/attribution/{forwarded.header['session']}", params={"method": "saliency"}))
    assert got.header["label"] == 7


def test_no_question_changes_the_classifier(service, client, forwarded, inside):
    network = service.registry.get(None).classifier.network
    assert all((a == b).all() for a, b in zip(network.parameters(), inside[0].parameters(), strict=True))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert not any(module.training for module in network.modules())
