"""How many images per second does the same training reach with ConvScope and with other tools?

    python -m benchmarks.speed.throughput DATA [--task mnist-cnn|resnet18-cifar] [--peers plain timm]
        [--rounds 3] [--quick]

mnist-cnn: the tutorials' network (2,327,818 parameters), batches of 64, SGD 0.1, no augmentation, one epoch; DATA
holds MNIST/raw/*-ubyte(.gz). resnet18-cifar: torchvision's ResNet-18 on 32 x 32 pixels, batches of 128, mirrored and
shifted by up to 4; DATA holds cifar10-jpeg.zip. The others read one image at a time, in the number of worker
processes (0, 1 or 2) that was fastest in a trial; for MNIST, each tool's own number.

Printed: images per second of training (evaluation and set-up not counted), the seconds of the whole command, the test
accuracy after that epoch, each with n and deviation; the ratio of every peer's neighbouring pairs; last, the ratio to
the best peer. ConvScope holds a twelfth of MNIST out for validation, so its epoch is shorter; rates are by image.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path

from benchmarks import datasets, measure, processes

Pairs = list[tuple[measure.Result, measure.Result]]
COMMON = ["--optimizer", "sgd", "--lr", "0.1", "--schedule", "constant", "--epochs", "1"]
OURS = {
    "mnist-cnn": ["--model", "mnist_cnn", "--momentum", "0", "--weight-decay", "0", "--batch-size", "64"],
    "resnet18-cifar": ["--model", "resnet18", "--momentum", "0.9", "--weight-decay", "5e-4", "--batch-size", "128"],
}
PEERS = {"mnist-cnn": list(processes.PEERS), "resnet18-cifar": ["plain", "plain-bf16", "timm"]}
PRECISIONS = {"mnist-cnn": ["auto"], "resnet18-cifar": ["float32", "auto"]}


def ours(task: str, data: Path, place: Path, precision: str, augment: str, seed: int) -> measure.Result:
    """ConvScope's training, through the command line."""
    words = [*OURS[task], *COMMON, "--precision", precision, "--seed", str(seed)]
    if task == "mnist-cnn":
        return processes.convscope(place, "mnist", "--data-dir", data, "--augment", "none", *words)
    return processes.convscope(place, data, "--img-size", "32", "--augment", augment, *words)


def theirs(peer: str, task: str, data: Path, workers: int | None, seed: int) -> measure.Result:
    """A peer's training of the same task."""
    return processes.run(peer, task, data, workers=workers, seed=seed)


def best_workers(peer: str, task: str, data: Path, seconds: float) -> int:
    """The number of loader processes that a peer is fastest with."""
    rates = {n: processes.run(peer, task, data, workers=n, seconds=seconds)["images_per_second"] for n in (0, 1, 2)}
    print(f"{peer}: images/s with {', '.join(f'{n}: {rate:,.0f}' for n, rate in rates.items())} worker processes")
    return max(rates, key=lambda n: rates[n])


def show(name: str, results: list[measure.Result]) -> None:
    """A line of the table."""
    rate = measure.text([r["images_per_second"] for r in results], digits=0)
    wall = measure.text([r["wall_seconds"] for r in results], " s", digits=1)
    test = measure.text([r["test_top1"] for r in results], " %", 100, 1)
    print(f"{name:22}  {rate:42}  {wall:36}  {test}")


def compare(precision: str, pairs: dict[str, Pairs]) -> dict[str, measure.Result]:
    """Print the table of one precision; gives its figures."""
    mine = [first for peer in pairs.values() for first, _ in peer]
    used = ", ".join(sorted({result["precision"] for result in mine}))
    label = f"convscope ({used})"
    print(f"\n{'':22}  {'images/s of training':42}  {'whole command':36}  test accuracy")
    show(label, mine)
    for name, found in pairs.items():
        show(name, [second for _, second in found])
    versions = measure.peer_versions(second for found in pairs.values() for _, second in found)
    for name, found in pairs.items():
        print(f"{label} / {name:16}", measure.text(measure.ratios(found, "images_per_second")))
    best = max(pairs, key=lambda name: sum(second["images_per_second"] for _, second in pairs[name]))
    print(f"{label} / best peer ({best})", measure.text(measure.ratios(pairs[best], "images_per_second")))
    figures = {
        name: {
            "ours": measure.spread([first["images_per_second"] for first, _ in found]),
            "theirs": measure.spread([second["images_per_second"] for _, second in found]),
            "ratio": measure.spread(measure.ratios(found, "images_per_second")),
            "pairs": found,
        }
        for name, found in pairs.items()
    }
    return {precision: {"precision": used, "best": best, "versions": versions, "peers": figures}}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--task", choices=tuple(OURS), default="mnist-cnn")
    parser.add_argument("--peers", nargs="+", choices=tuple(processes.PEERS))
    parser.add_argument("--precision", nargs="+", help="ConvScope's: auto, bf16, float32")
    parser.add_argument("--images", type=int, help="only the first so many training images")
    parser.add_argument("--augment", default="flip,crop=4", help="ConvScope's, in resnet18-cifar")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="1,000 images, one round: to try it out, not to measure")
    given = parser.parse_args()
    rounds, images = (1, 1000) if given.quick else (given.rounds, given.images)
    task: str = given.task
    result: dict[str, measure.Result] = {}
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        if task == "mnist-cnn":
            data = datasets.mnist(given.data, place / "data", images, images and images // 2)
        else:
            data = datasets.cifar(given.data, place / "data", images)
        workers: dict[str, int | None] = {}
        for peer in processes.installed(given.peers or PEERS[task]):
            own = task == "mnist-cnn"
            workers[peer] = None if own else best_workers(peer, task, data, 2 if given.quick else 10)
        for precision in given.precision or PRECISIONS[task]:
            pairs: dict[str, Pairs] = {}
            for peer in workers:
                our_turn = partial(ours, task, data, place, precision, given.augment)
                their_turn = partial(theirs, peer, task, data, workers[peer])
                try:
                    pairs[peer] = measure.paired(our_turn, their_turn, rounds)
                except measure.CommandFailedError as problem:
                    print(f"{peer} is left out: {problem}")
            if pairs:
                result |= compare(precision, pairs)
    measure.write(f"throughput-{task}", {"task": task, "images": images, "workers": workers, "precisions": result})


if __name__ == "__main__":
    main()
