"""The training script of torchvision's references, as it is, on CPUs by gloo. For torchrun.

    torchrun --nproc-per-node N -m benchmarks.peers.reference VISION --data FOLDER --batch-size 64 --epochs 6

VISION is a checkout (or unpacked source) of https://github.com/pytorch/vision, whose references/classification/train.py
is run: ResNet-18 on FOLDER/train, cropped at random to 32 pixels and mirrored, float32. `--batch-size` counts the
images of all processes. The script knows CUDA devices alone; without one, three things of it are changed here: the
processes meet by gloo, DistributedDataParallel gets no devices, and it does not evaluate. Prints, as JSON, the seconds
of each epoch and its number of steps.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import distributed as dist
from torch import nn

SCRIPTS = Path("references") / "classification"


def load(checkout: Path) -> tuple[Any, Any]:
    """Return the modules `train` and `utils` of the references."""
    folder = checkout / SCRIPTS
    if not (folder / "train.py").is_file():
        sys.exit(f"{folder / 'train.py'} is not there: name a checkout of https://github.com/pytorch/vision")
    sys.path.insert(0, str(folder))
    return import_module("train"), import_module("utils")


def join_by_gloo(args: Any) -> None:
    """Stand in for the script's `init_distributed_mode`, which joins the processes by NCCL."""
    args.rank, args.gpu = int(os.environ["RANK"]), int(os.environ["LOCAL_RANK"])
    args.world_size, args.distributed = int(os.environ["WORLD_SIZE"]), True
    dist.init_process_group("gloo")


def measured(train: Any, epochs: list[tuple[float, int]]) -> None:
    """Let the script note the seconds and the steps of every epoch."""
    train_one_epoch = train.train_one_epoch

    def timed(model: nn.Module, criterion: Any, optimizer: Any, loader: Any, *rest: Any) -> None:
        start = time.perf_counter()
        train_one_epoch(model, criterion, optimizer, loader, *rest)
        epochs.append((time.perf_counter() - start, len(loader)))

    train.train_one_epoch = timed


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=6)
    given = parser.parse_args()
    train, utils = load(given.checkout)
    device, each = "cuda" if torch.cuda.is_available() else "cpu", given.batch_size // int(os.environ["WORLD_SIZE"])
    if device == "cpu":
        parallel = nn.parallel.DistributedDataParallel
        nn.parallel.DistributedDataParallel = lambda model, device_ids: parallel(model)  # type: ignore[misc, assignment]
        utils.init_distributed_mode, train.evaluate = join_by_gloo, lambda *args, **options: None
    epochs: list[tuple[float, int]] = []
    measured(train, epochs)
    words = [
        "--data-path", str(given.data), "--model", "resnet18", "--device", device, "--batch-size", str(each),
        "--epochs", str(given.epochs), "--lr", "0.01", "--workers", "0", "--output-dir", "",
        "--train-crop-size", "32", "--val-crop-size", "32", "--val-resize-size", "32",
    ]  # fmt: skip
    with redirect_stdout(sys.stderr):
        train.main(train.get_args_parser().parse_args(words))
    if os.environ["RANK"] == "0":
        seconds, steps = zip(*epochs, strict=True)
        print(json.dumps({"epoch_seconds": seconds, "steps": steps[0]}))
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
