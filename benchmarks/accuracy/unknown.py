"""How honest is "unknown"? The share of a classifier's own pictures that it answers, and of foreign ones it refuses.

    python -m benchmarks.accuracy.unknown SOURCE [--classifiers mnist-lenet5 mnist-relu] [--n 1000]
    python -m benchmarks.accuracy.unknown SOURCE --known 7 [--images 1000] [--epochs 5] [--seed 0]

SOURCE is the folder that holds MNIST/raw and cifar10-jpeg.zip. The first form asks classifiers of digits, whose own
pictures are MNIST's test images, about letters (drawn with the fonts that Matplotlib brings, without those that look
like a digit), photographs (CIFAR-10's test photos; parts of scikit-image's), uniform noise, and digits in black on
white. The second trains on `--known` of CIFAR-10's ten classes, drawn by the seed, with `--images` of each, and asks
about test photos of these and of the other classes: photos against photos.

Printed for each kind of pictures, with n: the share that is answered, and refused as close to no class and as between
two; and of the distance to familiar pictures alone, whatever the stored limit: the share of foreign pictures within the
distance that holds 95 % of the own ones (FPR at 95 % recall), and the area under its ROC curve. Nothing is chosen here.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import convscope as cs
from benchmarks import datasets
from convscope.evaluation.proportion import wilson_interval
from convscope.evaluation.ranking import roc_auc
from convscope.pictures import ImageLike
from convscope.prediction import answers

# Letters that are a digit in one font or another.
LIKE_DIGITS = "OoQDIilSsZzBbgqGyTAJ"
RECALL = 0.95


def letters(n: int, random_: random.Random) -> list[np.ndarray]:
    """Letters in white on black, 28 x 28, about as large and as thick as MNIST's digits."""
    import matplotlib

    fonts = sorted(Path(matplotlib.get_data_path(), "fonts", "ttf").glob("DejaVu*.ttf"))
    alphabet = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if c not in LIKE_DIGITS]
    pictures = []
    for _ in range(n):
        canvas = Image.new("L", (112, 112))
        font = ImageFont.truetype(str(random_.choice(fonts)), random_.randint(76, 96))
        ImageDraw.Draw(canvas).text((56, 56), random_.choice(alphabet), 255, font, anchor="mm")
        turned = canvas.rotate(random_.uniform(-15, 15), Image.Resampling.BICUBIC)
        pictures.append(np.asarray(turned.resize((28, 28), Image.Resampling.BOX)))
    return pictures


def parts_of_photos(n: int, random_: random.Random) -> list[np.ndarray]:
    """Squares cut at random from the photographs that scikit-image brings."""
    from skimage import data

    photos = [getattr(data, name)() for name in ("astronaut", "camera", "coffee", "chelsea", "rocket", "coins")]
    parts = []
    for i in range(n):
        photo = photos[i % len(photos)]
        side = random_.randint(64, min(photo.shape[:2]))
        y, x = (random_.randint(0, size - side) for size in photo.shape[:2])
        parts.append(np.ascontiguousarray(photo[y : y + side, x : x + side]))
    return parts


def ask(classifier: cs.Classifier, images: Iterable[ImageLike]) -> tuple[list[str], np.ndarray]:
    """Why each picture is refused ("" if it is not), and its distance to familiar ones."""
    about, classifier_answers = classifier.abstention, []
    classifier.network.eval()
    for answer in answers(
        classifier.network, classifier.preprocess, images, classifier.device, familiar=about.familiar
    ):
        assert answer.logits is not None, answer.reason
        refusal = about.refusal(answer.logits, answer.distance, classifier.class_names)
        classifier_answers.append((refusal.kind if refusal else "", answer.distance))
    kinds, distances = zip(*classifier_answers, strict=True)
    return list(kinds), np.array(distances, np.float64)


def report(name: str, classifier: cs.Classifier, own: list[ImageLike], foreign: dict[str, list[ImageLike]]) -> None:
    """Print a line for the own pictures and one for each kind of foreign ones."""
    if classifier.abstention.familiar is None:
        raise SystemExit(f"{name} stores no distance: {classifier.abstention.note or 'train it again'}")
    own_kinds, near = ask(classifier, own)
    print(f"{name}: own pictures {_shares(own_kinds)}", flush=True)
    limit = np.quantile(near, RECALL)
    for kind, images in foreign.items():
        kinds, far = ask(classifier, images)
        area = roc_auc(np.r_[near, far], np.r_[np.zeros(len(near), bool), np.ones(len(far), bool)])
        alone = f"FPR at 95 % recall {np.mean(far <= limit):.1%}, ROC AUC {area:.4f}"
        print(f"  {kind}: {_shares(kinds)}; the distance alone: {alone}", flush=True)


def _shares(kinds: list[str]) -> str:
    n, answered = len(kinds), kinds.count("")
    low, high = wilson_interval(answered, n)
    return (
        f"n = {n:,}, answered {answered / n:.1%} ({low:.1%} to {high:.1%}), close to no class "
        f"{kinds.count('foreign') / n:.1%}, between two {kinds.count('unsure') / n:.1%}"
    )


def of_digits(given: argparse.Namespace, place: Path) -> None:
    """Ask classifiers of digits."""
    random_ = random.Random(given.seed)
    mnist = cs.load_data("mnist", datasets.mnist(given.source, place / "mnist", 1000, given.n)).splits["test"].images
    digits = [np.asarray(image) for image in mnist]
    photos = sorted((datasets.cifar(given.source, place / "cifar", 5 * given.n) / "test").rglob("*.jpg"))
    noise = np.random.default_rng(given.seed).integers(0, 256, (given.n, 28, 28)).astype(np.uint8)
    foreign: dict[str, list[ImageLike]] = {
        "letters": list(letters(given.n, random_)),
        "CIFAR-10 photos": list(random_.sample(photos, min(given.n, len(photos)))),
        "parts of photographs": list(parts_of_photos(given.n, random_)),
        "noise": list(noise),
        "digits in black on white": [255 - digit for digit in digits],
    }
    for name in given.classifiers:
        report(name, cs.load(name), list(digits), foreign)


def of_photos(given: argparse.Namespace, place: Path) -> None:
    """Train on some classes of photos, and ask about the others."""
    random_ = random.Random(given.seed)
    whole = datasets.cifar(given.source, place / "cifar", 10 * given.images)
    classes = sorted(folder.name for folder in (whole / "train").iterdir())
    known = sorted(random_.sample(classes, given.known))
    for split in ("train", "test"):
        for name in known:
            shutil.copytree(whole / split / name, place / "known" / split / name)
    run = cs.train(
        place / "known", given.model, epochs=given.epochs, seed=given.seed, output=place / "runs", show=False
    )
    files = {name: sorted((whole / "test" / name).iterdir()) for name in classes}
    foreign: dict[str, list[ImageLike]] = {name: list(files[name]) for name in classes if name not in known}
    foreign = {"the other classes": [file for name in foreign for file in foreign[name]], **foreign}
    top1 = run.metrics["test"]["top1"]
    print(f"known: {', '.join(known)}; {given.images:,} images of each, {given.epochs} epochs, test {top1:.2%}")
    report(f"{given.model}", run.classifier, [file for name in known for file in files[name]], foreign)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--classifiers", nargs="+", default=["mnist-lenet5", "mnist-relu"])
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--known", type=int)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--model", default="cifar_fast")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (of_digits if given.known is None else of_photos)(given, Path(folder))


if __name__ == "__main__":
    main()
