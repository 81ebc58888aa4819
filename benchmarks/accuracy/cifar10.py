"""How accurate is a CIFAR-10 classifier after a given time, when only the folder and the time are said?

    python -m benchmarks.accuracy.cifar10 DATA [--time-budget 10m] [--recipe best] [--seeds 1] [-- OPTION ...]

DATA holds `cifar10-jpeg.zip` with train/CLASS/*.jpg and test/CLASS/*.jpg, or is the unpacked folder. JPEG compression
makes it harder than the original pixels. 45,000 images to train, 5,000 to choose the epoch, the 10,000 test images
measured once at the end; the time is that of the whole command, from reading the files to the report. Aims: 88 % in
10 minutes, 92 % in 60, better 94 %. The figures with a mirrored view (`test_tta`) are told apart.
"""

from __future__ import annotations

import argparse
import tempfile
import zipfile
from pathlib import Path

from benchmarks import measure, processes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--time-budget")
    parser.add_argument("--recipe")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("options", nargs="*", help="further options of `convscope train`, behind --")
    given = parser.parse_args()
    words = ["--tta", "flip", *given.options]
    words += ["--time-budget", given.time_budget] if given.time_budget else []
    words += ["--recipe", given.recipe] if given.recipe else []
    with tempfile.TemporaryDirectory() as place:
        folder = given.data.resolve()
        if (folder / "cifar10-jpeg.zip").is_file():
            zipfile.ZipFile(folder / "cifar10-jpeg.zip").extractall(Path(place) / "cifar10")
            folder = Path(place) / "cifar10"
        runs = [processes.convscope(Path(place), folder, *words, "--seed", str(seed)) for seed in range(given.seeds)]
    for key, title in (("test", "test"), ("test_tta", "test, two views"), ("val", "validation")):
        print(f"{title:20}", measure.text([run[key]["top1"] for run in runs], " %", 100))
    print(f"{'training':20}", measure.text([run["train_seconds"] for run in runs], " s", digits=0))
    print(f"{'the whole command':20}", measure.text([run["wall_seconds"] for run in runs], " s", digits=0))
    print(f"{'images/s':20}", measure.text([run["images_per_second"] for run in runs], digits=0))
    measure.write(f"cifar10_{given.recipe or 'fast'}_{given.time_budget or 'epochs'}", {"convscope": runs})


if __name__ == "__main__":
    main()
