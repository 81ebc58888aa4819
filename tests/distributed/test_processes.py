"""Two processes train as one does: the same batches, the same weights, each image measured once."""

from __future__ import annotations

import csv
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import distributed as dist

import convscope as cs
from convscope.distributed import ALONE
from convscope.distributed.launch import _agree_on_name, join_processes
from convscope.errors import DeviceError

from .launched import ended, launch
from .two_processes import OPTIONS, SHARDED, TRAININGS, data_for, weights_of

ROOT = Path(__file__).parents[2]
# The trainings without batch norm, dropout and augmentation.
SAME = ["plain", "frozen", "parts", "weighted", "sharded"]


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What each of the two processes saw."""
    folder = tmp_path_factory.mktemp("two")
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    results = ended(launch(["-m", "tests.distributed.two_processes", "runs"], folder, PYTHONPATH=path))
    assert [code for code, _, _ in results] == [0, 0], results
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(2)], folder


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The trainings that end with the same weights, by one process."""
    folder, threads = tmp_path_factory.mktemp("one"), torch.get_num_threads()
    torch.set_num_threads(1)
    options = {name: TRAININGS[name] | {"accumulate": 1} for name in ("plain", "frozen", "weighted")}
    options["sharded"] = SHARDED | {"epochs": 2}
    runs = {name: cs.train(data_for(name), output=folder, **(OPTIONS | options[name])) for name in options}
    torch.set_num_threads(threads)
    return runs | {"parts": runs["plain"]}  # which differ by `accumulate` alone


def test_what_they_exchange(seen):
    for rank, own in enumerate(seen[0]):
        assert own["rank"] == rank
        assert own["from_main"] == "of 0" and own["number"] == 10.0
        assert own["gathered"] == [0, 10] and own["summed"] == [2.0, 1.0] and own["largest"] == [1.0, 0.0]
    assert [own["part"] for own in seen[0]] == [[0, 1, 2, 3], [4, 5, 6]]


def test_each_image_is_measured_once_and_to_the_last_digit_as_by_one_process(seen):
    for own in seen[0]:
        assert own["together"].shape == (1259, 10) and torch.equal(own["together"], own["alone"])


@pytest.mark.parametrize("name", SAME)
def test_without_batch_norm_the_weights_are_those_of_one_process(seen, alone, name):
    expected = weights_of(alone[name])
    for own in seen[0]:
        for key, tensor in own[name]["weights"].items():
            assert torch.allclose(tensor, expected[key], rtol=1e-3, atol=1e-5), (name, key)
    together = seen[0][0][name]["history"]
    for row, before in zip(together, alone[name].history, strict=True):
        assert row["train/loss"] == pytest.approx(before["train/loss"], rel=1e-4)
        assert row["val/top1"] == pytest.approx(before["val/top1"], abs=0.01)


def test_a_resumed_training_ends_with_the_same_bits_in_every_process(seen):
    """With dropout, for which each process draws numbers of its own; its generator is part of the checkpoint."""
    for own in seen[0]:
        for key, tensor in own["norms"]["weights"].items():
            assert torch.equal(tensor, own["resumed"]["weights"][key]), key


def test_with_divided_weights_the_loss_is_that_of_ddp(seen):
    """Batch norm and dropout included: each process draws the same numbers in both."""
    whole, sharded = (seen[0][0][name]["history"][0] for name in ("norms", "sharded_norms"))
    assert sharded["train/loss"] == pytest.approx(whole["train/loss"], rel=1e-4)
    assert sharded["val/loss"] == pytest.approx(whole["val/loss"], rel=1e-3)


@pytest.mark.parametrize("name", TRAININGS)
def test_both_have_the_results_of_the_main_process(seen, name):
    (first, second), folder = seen
    assert first[name]["metrics"] == second[name]["metrics"] and first[name]["history"] == second[name]["history"]
    for key, tensor in first[name]["weights"].items():
        assert torch.equal(tensor, second[name]["weights"][key])
    assert sorted(path.name for path in (folder / "runs").iterdir()) == sorted([*TRAININGS, "resumed", "sharded"])
    rows = list(csv.DictReader((folder / "runs" / name / "metrics.csv").open()))
    assert len(rows) == TRAININGS[name]["epochs"]


def test_processes_are_not_misled_by_what_those_before_them_left_in_the_store():
    """As torchrun keeps the store when it starts them anew: each generation has a name of its own."""
    store, names = dist.HashStore(), []
    for _ in range(2):
        with ThreadPoolExecutor(3) as pool:
            found = [pool.submit(_agree_on_name, store, rank, 3) for rank in (2, 0, 1)]
            names += [future.result(timeout=30) for future in found]
    assert len(set(names[:3])) == len(set(names[3:])) == 1 and names[0] != names[3]


def test_a_process_that_no_launcher_started_is_alone(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert join_processes() is ALONE and ALONE.is_main and ALONE.gathered(3) == [3]
    assert ALONE.own_part(torch.arange(3)).tolist() == [0, 1, 2]
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    with pytest.raises(DeviceError, match="MASTER_ADDR is not set: start the processes with torchrun"):
        join_processes()
