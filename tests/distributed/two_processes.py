"""What test_processes.py runs in two processes: each writes what it saw to `RANK.pt` in its working directory."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

import convscope as cs
from convscope.data.decoded import decode_data
from convscope.data.preprocess import Preprocess
from convscope.distributed import ALONE, join_processes
from convscope.evaluation import evaluate
from convscope.models import create_model

OPTIONS = {"show": False, "precision": "float32", "layout": "contiguous", "augment": "none", "optimizer": "sgd"}
NORMS = {"model": "mnist_cnn", "epochs": 2, "lr": 0.005, "batch_size": 200, "schedule": "constant"}
# Weights that are divided among the processes: trained for an epoch, then resumed for another one.
SHARDED = {
    "model": "lenet_relu", "lr": 0.002, "batch_size": 60, "accumulate": 2, "optimizer": "adamw", "schedule": "constant",
    "shard_weights": True,
}  # fmt: skip
TRAININGS = {
    "plain": {"model": "lenet_relu", "epochs": 1, "lr": 0.005, "batch_size": 60},
    "frozen": {"model": "lenet_relu", "epochs": 2, "freeze_epochs": 1, "lr": 0.005, "batch_size": 100},
    "parts": {"model": "lenet_relu", "epochs": 1, "lr": 0.005, "batch_size": 60, "accumulate": 4},
    "weighted": {
        "model": "lenet_relu",
        "epochs": 1,
        "lr": 0.005,
        "batch_size": 61,
        "accumulate": 3,
        "class_weights": "balanced",
    },
    "average": {"model": "mnist_cnn", "epochs": 1, "ema_decay": 0.9, "augment": "affine", "sampler": "balanced"},
    "norms": NORMS,
    "sharded_norms": NORMS | {"shard_weights": True},
}


def data_for(name: str) -> cs.Data:
    """Some digits; for class weights with few of some classes, so that a process alone would have other shares.

    All of them for AdamW, which divides gradients of few images, and so their rounding, by sizes near to nothing.
    """
    data = cs.load_data("digits")
    for split, every in data.splits.items():
        data.splits[split] = every.take(np.arange(0, len(every), 1 if name == "sharded" else 4))
    if name == "weighted":
        train = data.splits["train"]
        data.splits["train"] = train.take(np.flatnonzero((train.labels < 3) | (np.arange(len(train)) % 4 == 0)))
    return data


def weights_of(run: cs.Run) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in run.classifier.network.state_dict().items()}


def what_came_out(run: cs.Run) -> dict[str, object]:
    return {"weights": weights_of(run), "metrics": run.metrics, "history": run.history}


def evaluations(processes) -> dict[str, torch.Tensor]:
    """The logits of one network for every test image, from both processes together and from one alone."""
    parts = decode_data(cs.load_data("digits"), Preprocess((1, 32, 32), (0.5,), (0.5,)))
    torch.manual_seed(5)
    network = create_model("lenet_relu", num_classes=10)
    preprocess = Preprocess((1, 32, 32), (0.5,), (0.5,))
    names = [str(i) for i in range(10)]
    return {
        key: evaluate(network, parts["train"], preprocess, names, processes=who).logits
        for key, who in {"together": processes, "alone": ALONE}.items()
    }


def main() -> None:
    torch.set_num_threads(1)
    processes = join_processes()
    rank = processes.rank
    seen = {
        "rank": rank,
        "from_main": processes.from_main(f"of {rank}"),
        "number": processes.from_main_number(10.0 + rank),
        "gathered": processes.gathered(rank * 10),
        "summed": processes.summed([1.0, rank]),
        "largest": processes.largest([rank, -rank]),
        "part": processes.own_part(torch.arange(7)).tolist(),
        **evaluations(processes),
    }
    processes.end()
    for name, options in TRAININGS.items():
        run = cs.train(data_for(name), name=name, output=sys.argv[1], **(OPTIONS | options))
        seen[name] = what_came_out(run)
    for name, options in {"sharded": SHARDED, "resumed": NORMS}.items():
        data = data_for(name)
        half = cs.train(data, name=name, output=sys.argv[1], **(OPTIONS | options | {"epochs": 1}))
        seen[name] = what_came_out(cs.resume(half.folder, data=data, epochs=2, show=False))
    torch.save(seen, Path(f"{rank}.pt"))


if __name__ == "__main__":
    main()
