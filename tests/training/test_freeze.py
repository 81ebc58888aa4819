"""Learning on top of an earlier network: what is held still, what starts fresh, and that a resumed run is the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import convscope as cs
from convscope.models import CATALOGUE
from convscope.models.tools.head import find_head
from convscope.models.tools.pretrained import WEIGHTS
from convscope.training.optimizer import make_optimizer
from convscope.training.freeze import Body, frozen_share

OPTIONS = {"show": False, "precision": "float32", "layout": "contiguous", "batch_size": 64}


def digits(*classes: int) -> cs.Data:
    """Some of scikit-learn's digits, as a data set of their own."""
    whole = cs.load_data("digits")
    splits = {}
    for name, split in whole.splits.items():
        part = split.take(np.flatnonzero(np.isin(split.labels, classes)))
        splits[name] = replace(part, labels=np.searchsorted(classes, part.labels).astype(np.int64))
    return replace(whole, name="digits", class_names=[str(c) for c in classes], splits=splits)


@pytest.fixture(scope="module")
def low(tmp_path_factory) -> cs.Run:
    """mnist_fast, which has batch norms, on the digits from 0 to 5."""
    place = tmp_path_factory.mktemp("low")
    return cs.train(digits(0, 1, 2, 3, 4, 5), "mnist_fast", epochs=5, output=place, **OPTIONS)


def weights(run: cs.Run) -> dict[str, torch.Tensor]:
    return run.classifier.network.state_dict()


def split_keys(run: cs.Run) -> tuple[list[str], list[str]]:
    """The names of the tensors of the body and of the head."""
    keys = list(weights(run))
    return [key for key in keys if not key.startswith("linear.")], [key for key in keys if key.startswith("linear.")]


# What is the head


@pytest.mark.parametrize("name", ["alexnet", "vgg11_bn", "resnet18", "googlenet_bn", "densenet121", "efficientnet_b0"])
def test_the_head_is_the_one_that_the_table_of_weights_names(name):
    with torch.device("meta"):
        network = cs.create_model(name, num_classes=7)
        assert find_head(network, torch.empty(2, *CATALOGUE[name].input_size)) == sorted(WEIGHTS[name].head)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("lenet5", ["F6"]),
        ("nin_cifar", ["features.mlpconv3.cccp2"]),
        ("cifar_fast", ["head"]),
        ("resnet20", ["linear"]),
    ],
)
def test_networks_without_public_weights_have_a_head_too(name, head):
    with torch.device("meta"):
        network = cs.create_model(name, num_classes=64)  # as many as some convolution of the body
        assert find_head(network, torch.empty(2, *CATALOGUE[name].input_size)) == head


def test_a_norm_before_a_layer_without_bias_is_no_head_and_nothing_is_touched():
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, 3, bias=False)).eval()
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    images, state = torch.ones(6, 1, 2, 2), torch.get_rng_state()
    assert find_head(network, images) == ["3"] and not network.training
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(network.state_dict()[key], tensor) for key, tensor in before.items())


# Holding still


@pytest.mark.parametrize("more", [{}, {"ema_decay": 0.9}, {"optimizer": "muon", "lr": 0.05}], ids=str)
def test_a_frozen_body_keeps_its_weights_and_statistics_to_the_bit(tmp_path, low, more):
    run = cs.train(
        digits(6, 7, 8, 9), from_run=str(low.folder), freeze=True, epochs=2, output=tmp_path, **OPTIONS, **more
    )
    body, head = split_keys(low)
    assert all(torch.equal(weights(run)[key], weights(low)[key]) for key in body)
    assert weights(run)["linear.weight"].shape[0] == 4 and head
    assert run.metrics["model"] == "mnist_fast" and run.classifier.preprocess == low.classifier.preprocess


def test_what_was_learned_before_helps(tmp_path, low):
    """Six steps for the head alone, on features of other digits, against the same on random features."""
    fresh = cs.train(digits(6, 7, 8, 9), "mnist_fast", freeze=True, lr=0.01, epochs=3, output=tmp_path, **OPTIONS)
    built = cs.train(
        digits(6, 7, 8, 9), from_run=str(low.folder), freeze=True, lr=0.01, epochs=3, output=tmp_path, **OPTIONS
    )
    assert built.metrics["test"]["top1"] > 0.85 and built.metrics["test"]["loss"] < 0.7 * fresh.metrics["test"]["loss"]


def test_the_head_learns_alone_for_as_many_epochs_as_asked_for(tmp_path, low):
    body, _ = split_keys(low)
    settings = {"from_run": str(low.folder), "freeze_epochs": 1, "schedule": "constant", "output": tmp_path, **OPTIONS}
    first = cs.train(digits(6, 7, 8, 9), epochs=1, **settings)
    assert all(torch.equal(weights(first)[key], weights(low)[key]) for key in body)
    longer = cs.resume(first.folder, data=digits(6, 7, 8, 9), epochs=2, show=False)
    assert not any(torch.equal(weights(longer)[key], weights(low)[key]) for key in body if "tracked" not in key)


def test_the_body_is_let_go_from_its_last_layers_to_its_first(tmp_path, low):
    network = low.classifier.network
    body = Body(network, ["linear"])
    recipe = cs.Recipe(freeze_epochs=1, unfreeze_epochs=3)
    shares = [frozen_share(recipe, epoch) for epoch in range(6)]
    assert shares == [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    counts = []
    for share in shares:
        network.train()
        body.freeze(share)
        flags = [p.requires_grad for p in body.parameters]
        assert flags == sorted(flags)  # what learns is at the end
        counts.append(sum(flags))
    assert counts[0] == 0 < counts[1] < counts[2] < counts[3] < counts[4] == len(flags)
    network.eval()

    settings = {
        "from_run": str(low.folder),
        "freeze_epochs": 0,
        "unfreeze_epochs": 2,
        "schedule": "constant",
        "output": tmp_path,
        **OPTIONS,
    }
    run = cs.train(digits(6, 7, 8, 9), epochs=1, **settings)
    same = [torch.equal(weights(run)[k], weights(low)[k]) for k in split_keys(run)[0] if k.endswith("weight")]
    assert same[0] and not same[-1]
    resumed = cs.resume(run.folder, data=digits(6, 7, 8, 9), epochs=3, show=False)
    assert not torch.equal(weights(resumed)["stem.0.weight"], weights(low)["stem.0.weight"])


def test_dropout_goes_on_and_fixed_kernels_stay_fixed():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(), nn.Flatten(), nn.Linear(8, 3))
    network[0].weight.requires_grad_(False)
    body = Body(network, ["4"])
    network.train()
    body.freeze(1.0)
    assert [module.training for module in network] == [True, False, True, True, True]
    assert not any(p.requires_grad for p in network[:4].parameters()) and network[4].weight.requires_grad
    body.freeze(0.0)
    assert network[1].training and network[1].weight.requires_grad and not network[0].weight.requires_grad


# Rates


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon"])
def test_the_body_has_its_share_of_the_rate(optimizer):
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))
    body = Body(network, ["3"])
    recipe = cs.Recipe(optimizer=optimizer, lr=0.5, adam_lr=0.5, momentum=0.5, body_lr_factor=0.1)
    rates = {
        id(p): group["lr"]
        for group in make_optimizer(network, recipe, body.parameters).param_groups
        for p in group["params"]
    }
    assert len(rates) == 6
    for path, parameter in network.named_parameters():
        assert rates[id(parameter)] == pytest.approx(0.5 if path.startswith("3") else 0.05)


def test_one_step_of_a_slower_body_is_sgd_by_hand():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
    recipe = cs.Recipe(optimizer="sgd", lr=0.2, momentum=0.0, weight_decay=0.0, body_lr_factor=0.25)
    optimizer = make_optimizer(network, recipe, Body(network, ["3"]).parameters)
    before = {path: p.detach().clone() for path, p in network.named_parameters()}
    network(torch.randn(6, 1, 2, 2)).square().sum().backward()
    optimizer.step()
    for path, p in network.named_parameters():
        torch.testing.assert_close(p.detach(), before[path] - (0.2 if path[0] == "3" else 0.05) * p.grad)


# Going on


def test_a_run_that_was_stopped_between_frozen_and_free_goes_on_to_the_same_weights(tmp_path, low):
    """Stopped while the head alone was learning, and again after the body had begun to learn as well."""
    settings = {"from_run": str(low.folder), "freeze_epochs": 1, "body_lr_factor": 0.3, "ema_decay": 0.9}
    settings |= {
        "schedule": "constant",
        "sampler": "balanced",
        "class_weights": "balanced",
        "output": tmp_path,
        **OPTIONS,
    }
    whole = cs.train(digits(6, 7, 8, 9), epochs=3, **settings)
    run = cs.train(digits(6, 7, 8, 9), epochs=1, **settings)
    for epochs in (2, 3):
        run = cs.resume(run.folder, data=digits(6, 7, 8, 9), epochs=epochs, show=False)
    assert all(torch.equal(weights(run)[key], tensor) for key, tensor in weights(whole).items())


# The same classes, and what does not fit


def test_the_head_comes_along_where_the_classes_are_the_same(tmp_path, low):
    run = cs.train(digits(0, 1, 2, 3, 4, 5), from_run=str(low.folder), lr=1e-9, epochs=1, output=tmp_path, **OPTIONS)
    assert abs(run.metrics["test"]["top1"] - low.metrics["test"]["top1"]) < 0.02


def test_what_does_not_fit_is_told_in_a_line(tmp_path, low):
    options = {"from_run": str(low.folder), "epochs": 1, "output": tmp_path, **OPTIONS}
    with pytest.raises(cs.ModelFileError, match="is a mnist_fast, not a lenet5: leave --model out"):
        cs.train(digits(6, 7), "lenet5", **options)
    with pytest.raises(cs.ModelFileError, match="does not fit this network"):
        cs.train(digits(0, 1, 2, 3, 4, 5), img_size=56, **options)
    with pytest.raises(cs.UsageError, match="leave --in-channels out"):
        cs.train(digits(6, 7), in_channels=3, **options)
    with pytest.raises(cs.UsageError, match="exclude each other"):
        cs.train(digits(6, 7), pretrained=True, **options)
    with pytest.raises(cs.ModelFileError, match="no such run"):
        cs.train(digits(6, 7), **options | {"from_run": str(tmp_path / "nowhere")})


def test_the_fixed_kernels_of_an_earlier_run_come_along_and_stay(tmp_path):
    options = {"output": tmp_path, **OPTIONS, "batch_size": 256, "img_size": 16, "epochs": 1}
    first = cs.train(digits(0, 1, 2), "cifar_fast", **options)
    second = cs.train(digits(7, 8), from_run=str(first.folder), optimizer="muon", lr=0.05, **options)
    assert torch.equal(weights(second)["whiten.weight"], weights(first)["whiten.weight"])
