"""Freezing: what is frozen keeps its weights and statistics, what is unfrozen learns, at a rate of its own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import convscope as cs
from convscope.training.checkpoint import read_weights
from convscope.training.loop.optimizer import make_optimizer
from convscope.training.transfer.freeze import Body, frozen_share

from ..conftest import OPTIONS, digits


def weights(run: cs.Run) -> dict[str, torch.Tensor]:
    return run.classifier.network.state_dict()


def last_weights(run: cs.Run) -> dict[str, torch.Tensor]:
    """The weights after the last epoch, which need not be the best."""
    network = run.classifier.network
    read_weights(run.folder / "checkpoints" / "last", network)
    return network.state_dict()


def split_keys(run: cs.Run) -> tuple[list[str], list[str]]:
    """The names of the tensors of the body and of the head."""
    keys = list(weights(run))
    return [key for key in keys if not key.startswith("linear.")], [key for key in keys if key.startswith("linear.")]


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
    assert all(torch.equal(last_weights(first)[key], weights(low)[key]) for key in body)
    longer = cs.resume(first.folder, data=digits(6, 7, 8, 9), epochs=2, show=False)
    assert not any(torch.equal(last_weights(longer)[key], weights(low)[key]) for key in body if key.endswith("weight"))


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
    same = [torch.equal(last_weights(run)[k], weights(low)[k]) for k in split_keys(run)[0] if k.endswith("weight")]
    assert same[0] and not same[-1]
    resumed = cs.resume(run.folder, data=digits(6, 7, 8, 9), epochs=3, show=False)
    assert not torch.equal(last_weights(resumed)["stem.0.weight"], weights(low)["stem.0.weight"])


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
