"""Transfer from public weights of a timm network, three ways that others take, on timm's own data sets and loader.

    python -m benchmarks.peers.transfer_loop --way features|timm|tutorial --data DIR --model NAME --weights FILE
        --seconds S [--seed S]

`features`: the frozen network's features of each photo and its mirror image, standardised, and scikit-learn's logistic
regression, its strength chosen by cross-validation on the training photos. It takes the time that it takes.
`timm`: timm's random resized crops and flips, AdamW 3e-4 with weight decay 0.05, a cosine over the time, batches of 32,
label smoothing 0.1; all layers from the first step. `tutorial`: PyTorch's transfer tutorial: SGD 0.001 with momentum
0.9, batches of 4, a tenth of the rate at 7/25 of the time and again at 14/25 and 21/25; random resized crops and flips.
The two loops are given S seconds of training alone, and keep their last weights. DIR has train/CLASS and test/CLASS.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from timm.data import create_dataset, create_loader, resolve_data_config
from torch import Tensor, nn

from benchmarks.peers import common

CPU = torch.device("cpu")


def network_with(weights: Path, name: str, classes: int) -> Any:
    """The network with the tensors of the file, by their order if their names are others, and a new last layer."""
    network: Any = timm.create_model(name)
    state = torch.load(weights, map_location="cpu", weights_only=True)
    own = network.state_dict()
    if state.keys() != own.keys():
        if [tensor.shape for tensor in state.values()] != [tensor.shape for tensor in own.values()]:
            raise SystemExit(f"{weights}: not the weights of {name}")
        state = dict(zip(own, state.values(), strict=True))
    network.load_state_dict(state)
    network.reset_classifier(classes)
    return network


def loader(data: Path, part: str, network: nn.Module, batch_size: int, training: bool) -> Any:
    """timm's loader, with the preprocessing of the weights; shuffled random crops for training."""
    settings = resolve_data_config(model=network)
    wanted = {key: settings[key] for key in ("input_size", "mean", "std", "interpolation", "crop_pct")}
    return create_loader(
        create_dataset("", root=str(data), split=part), batch_size=batch_size, is_training=training, device=CPU,
        color_jitter=0.0, num_workers=0, **wanted,
    )  # fmt: skip


@torch.inference_mode()
def outputs(network: nn.Module, batches: Any, mirror: bool = False) -> tuple[Tensor, Tensor]:
    """What the network says to every image, or to its mirror image, and the labels."""
    network.eval()
    found, labels = [], []
    for images, wanted in batches:
        found.append(network(images.flip(-1) if mirror else images))
        labels.append(wanted)
    return torch.cat(found), torch.cat(labels)


def features(given: argparse.Namespace, classes: int, clock: common.Clock) -> float:
    """Logistic regression on frozen features; gives the test accuracy."""
    network = network_with(given.weights, given.model, classes)
    network.reset_classifier(0)
    clock.start()
    parts = [outputs(network, loader(given.data, "train", network, 64, False), mirror) for mirror in (False, True)]
    values, labels = (np.concatenate(each) for each in zip(*parts, strict=True))
    count = len(labels) // 2
    folds = (
        np.arange(count) % 5
    )  # the files lie by class: each fold has its share; a photo and its mirror image stay together
    both = np.concatenate([folds, folds])
    cv = [(np.flatnonzero(both != fold), np.flatnonzero(both == fold)) for fold in range(5)]
    search = LogisticRegressionCV(
        Cs=np.logspace(-5, 1, 13), cv=cv, scoring="neg_log_loss", max_iter=2000, l1_ratios=(0.0,),
        use_legacy_attributes=False,
    )  # fmt: skip
    classifier = make_pipeline(StandardScaler(), search)
    classifier.fit(values, labels)
    clock.stop(count)
    test, wanted = outputs(network, loader(given.data, "test", network, 64, False))
    return float((classifier.predict(test.numpy()) == wanted.numpy()).mean())


def steps(share: float) -> float:
    """The tutorial's rate: a tenth after 7 of 25 epochs, again after 14 and 21."""
    return float(0.1 ** int(share * 25 / 7))


def cosine(share: float) -> float:
    """Half a cosine from 1 to 0."""
    return 0.5 * (1 + float(np.cos(np.pi * share)))


def fine_tune(given: argparse.Namespace, classes: int, clock: common.Clock) -> float:
    """All layers in a plain loop for the seconds; gives the test accuracy."""
    network = network_with(given.weights, given.model, classes)
    optimizer: torch.optim.Optimizer
    factor: Callable[[float], float]
    if given.way == "timm":
        optimizer = torch.optim.AdamW(network.parameters(), lr=3e-4, weight_decay=0.05)
        batch_size, smoothing, factor = 32, 0.1, cosine
    else:
        optimizer = torch.optim.SGD(network.parameters(), lr=0.001, momentum=0.9)
        batch_size, smoothing, factor = 4, 0.0, steps
    rate = optimizer.param_groups[0]["lr"]
    batches = loader(given.data, "train", network, batch_size, True)
    began = time.perf_counter()
    while not clock.out_of_time():
        network.train()
        clock.start()
        seen = 0
        for images, labels in batches:
            share = min((time.perf_counter() - began) / given.seconds, 1.0)
            for group in optimizer.param_groups:
                group["lr"] = rate * factor(share)
            loss = F.cross_entropy(network(images), labels, label_smoothing=smoothing)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen += len(labels)
            if clock.out_of_time():
                break
        clock.stop(seen)
    found, wanted = outputs(network, loader(given.data, "test", network, 64, False))
    return float((found.argmax(1) == wanted).float().mean())


def arguments(ways: tuple[str, ...] = ()) -> argparse.Namespace:
    """The arguments of a transfer, `--way` among them where there are several ways."""
    parser = argparse.ArgumentParser()
    if ways:
        parser.add_argument("--way", choices=ways, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    given = arguments(("features", "timm", "tutorial"))
    torch.manual_seed(given.seed)
    np.random.seed(given.seed)
    classes = len([folder for folder in (given.data / "train").iterdir() if folder.is_dir()])
    clock = common.Clock(None if given.way == "features" else given.seconds)
    top1 = (features if given.way == "features" else fine_tune)(given, classes, clock)
    common.report(given.way, clock, top1, ("timm", "torch", "scikit-learn"))


if __name__ == "__main__":
    main()
