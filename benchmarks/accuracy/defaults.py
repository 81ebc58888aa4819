"""How accurate is each tool with its own defaults, in the same time?

    python -m benchmarks.accuracy.defaults [--seeds 5] [--peers plain keras-tensorflow] [--quick]
    python -m benchmarks.accuracy.defaults --photos CIFAR10 [--seconds 300] [--seeds 1]

The first: scikit-learn's digits. ConvScope: `convscope train digits`, no other flag but the seed. A peer: the network
and the recipe of its own page for beginners on small gray images (see the top of each file in peers/), with float32 and
its own loader, on the very same training images; it is shown the same test images once, at the end. It runs twice: as
the page has it, and for as many epochs as fit into the seconds that ConvScope's training took next to it. (timm's 300
epochs are longer than that, so it runs only within them.)

The second: few photos, the first 50 of every class of CIFAR-10 by the order of their names, as JPEG files in class
folders. ConvScope: `convscope train FOLDER --time-budget 300s`, which is the whole command, from starting Python to the
report, and it holds out a part of the photos to choose the epoch by. A peer: its own page for photos, from scratch, on
all of them, for as many epochs as fit into 300 seconds of training alone. All are tested on the 10,000 test photos.
CIFAR10 is the folder that holds cifar10-jpeg.zip, or what it unpacks to.

Printed: epochs, seconds of training and test accuracy, each with n and deviation; by how many points ConvScope is
better, seed by seed, and how many times as many test images the peer gets wrong; last, the same for the best peer.
"Best" is chosen by the test images, in the peers' favour only.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from benchmarks import datasets, measure, processes

PAGE, SAME_TIME = "its page's epochs", "the same time"


def one_seed(place: Path, data: Path, peers: list[str], seed: int, quick: bool) -> dict[str, measure.Result]:
    """Everyone's result with one seed, ConvScope first."""
    flags = ["--seed", str(seed), *(["--epochs", "5"] if quick else [])]
    found = {"convscope": processes.convscope(place, "digits", *flags)}
    seconds = found["convscope"]["train_seconds"]
    for peer in peers:
        for way, limit in ((PAGE, None), (SAME_TIME, seconds)):
            if (peer, way) == ("timm", PAGE):
                continue
            try:
                found[f"{peer}, {way}"] = processes.run(peer, "digits", data, seed=seed, seconds=limit)
            except measure.CommandFailedError as problem:
                print(f"{peer} is left out: {problem}")
    return found


def one_seed_of_photos(
    place: Path, data: Path, peers: list[str], seed: int, seconds: float, recipe: list[str]
) -> dict[str, measure.Result]:
    """Everyone's result on few photos in so many seconds, ConvScope first."""
    words: list[str | Path] = [data, "--time-budget", f"{seconds:g}s", "--tta", "flip", "--seed", str(seed), *recipe]
    found = {"convscope": processes.convscope(place, *words)}
    views = found["convscope"]["test_tta"]["top1"]
    print(f"convscope with two views, which no peer is given: {views:.2%}", flush=True)
    for peer in peers:
        try:
            found[f"{peer}, {SAME_TIME}"] = processes.run(peer, "photos", data, seed=seed, seconds=seconds)
        except measure.CommandFailedError as problem:
            print(f"{peer} is left out: {problem}")
    return found


def show(runs: list[dict[str, measure.Result]]) -> measure.Result:
    """Print the two tables over all seeds; gives their figures."""
    count = runs[0]["convscope"]["test"]["n"]
    names = [who for who in runs[0] if all(who in run for run in runs)]
    table: dict[str, measure.Result] = {}
    print(f"\n{'':36}  {'epochs':>6}  {'seconds of training':38}  accuracy on {count} test images")
    for who in names:
        results = [run[who] for run in runs]
        epochs = statistics.mean(result["epochs"] for result in results)
        seconds, top1 = [r["train_seconds"] for r in results], [r["test_top1"] for r in results]
        print(f"{who:36}  {epochs:6.0f}  {measure.text(seconds, ' s', digits=1):38}  {measure.text(top1, ' %', 100)}")
        table[who] = {
            "epochs": epochs,
            "train_seconds": measure.spread(seconds),
            "test_top1": measure.spread(top1),
            "wrong": sum(round(count * (1 - value)) for value in top1),
            "points": [100 * (run["convscope"]["test_top1"] - run[who]["test_top1"]) for run in runs],
        }
    ours = table["convscope"]["wrong"]
    print(f"\n{'':36}  convscope better by (points){'':18}  wrong answers (convscope: {ours} of {count * len(runs)})")
    for who in names[1:]:
        print(f"{who:36}  {against(table[who], ours)}")
    if len(names) == 1:
        return table
    best = min(names[1:], key=lambda who: table[who]["wrong"])
    print(f"best peer ({best}): {against(table[best], ours)}")
    return {"test_images": count, "results": table, "best": best}


def against(figures: measure.Result, ours: int) -> str:
    """A peer beside ConvScope, which had `ours` wrong answers."""
    times = f"{figures['wrong'] / ours:.2f} times as many" if ours else "no ratio to none"
    return f"{measure.text(figures['points']):44}  {figures['wrong']}: {times}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--peers", nargs="*", choices=tuple(processes.PEERS))
    parser.add_argument("--photos", type=Path, metavar="CIFAR10", help="few photos, from this folder, not the digits")
    parser.add_argument("--seconds", type=float, default=300, help="how long each may take with photos")
    parser.add_argument("--quick", action="store_true", help="one seed, 5 epochs: to try it out, not to measure")
    parser.add_argument("options", nargs="*", help="further options of `convscope train` with photos, behind --")
    given = parser.parse_args()
    name = "defaults_photos" if given.photos else "defaults"
    usual = ["fastai", "keras-tensorflow", "timm"]
    named = given.peers if given.peers is not None else usual if given.photos else ["plain", "lightning", *usual]
    peers = processes.installed(named)
    runs: list[dict[str, measure.Result]] = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        data = datasets.few_photos(given.photos, place / "photos") if given.photos else datasets.digits(place)
        for seed in range(1 if given.quick else given.seeds):
            if given.photos:
                runs.append(one_seed_of_photos(place, data, peers, seed, given.seconds, given.options))
            else:
                runs.append(one_seed(place, data, peers, seed, given.quick))
            print(f"seed {seed}:", {who: round(run["test_top1"], 4) for who, run in runs[-1].items()}, flush=True)
    versions = measure.peer_versions(result for run in runs for result in run.values())
    measure.write(name, {**show(runs), "versions": versions, "runs": runs})


if __name__ == "__main__":
    main()
