"""The examples of a run: its validation images, else its test images, mistakes first, by confusion cell."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from ..data.image_file import Levels, UnreadableImage
from ..data.label_names import label_names
from ..data.split import Split
from ..errors import DataError, OutputError, printable
from ..evaluation.run_data import is_gone, load_run_data, source_of_run
from ..messages.translate import in_chinese
from ..run_folder import RunFolder
from .classifiers import ServedClassifier
from .example import Example, ExampleSet

# Mistakes that are shown at first, of them of one confusion cell; mistakes in all; images that were right.
FIRST_MISTAKES, PER_CELL, MISTAKES_SHOWN, RIGHT_SHOWN = 24, 4, 400, 20
FIRST_SHOWN = FIRST_MISTAKES + RIGHT_SHOWN  # the other mistakes follow
# So many of them are classified again, to see whether they are still the images that the run was evaluated on.
TRIED, SURE = 8, 0.7
WORDS = {"val": ("validation", "验证"), "test": ("test", "测试")}
LEARNED = {
    "en": ". The network or its last layer has learned from them since, so some are answered rightly now",
    "zh": "。此后网络或其最后一层也学习了这些图像，因此其中一些现在答对了",
}

Row = dict[str, str]


def run_examples(served: ServedClassifier) -> ExampleSet:
    """Return images of a served run; none, with the reason as a warning, if its images are not here any more."""
    run = served.run_folder
    assert run is not None
    try:
        data = load_run_data(run)
    except (DataError, OutputError) as problem:
        return ExampleSet([], None, _not_here(run, problem))
    split = next((name for name in WORDS if name in data.splits), None)
    if split is None or data.multi_label != served.classifier.task.multi_label:
        return ExampleSet([])
    images, rows = data.splits[split], run.read_predictions(split)
    known = set(images.names)
    there = [row for row in rows if row.get("path") in known and None not in (row.get("label"), row.get("prediction"))]
    examples = _evaluated(images, there) if there else _unevaluated(images, data.class_names)
    warning = _changed(run, images, len(rows) - len(there), len(rows))
    learned = split == "val" and run.whole.exists()
    if warning is None and not learned:  # what has learned from them since may answer otherwise
        warning = _other_answers(served, examples, there)
    wrong = sum(row["label"] != row["prediction"] for row in there)
    about = _about(split, wrong, len(there) or len(images), bool(there))
    if learned:
        about = {language: about[language] + LEARNED[language] for language in about}
    return ExampleSet(examples, about, warning, wrong if there else None)


def _evaluated(images: Split, rows: Sequence[Row]) -> list[Example]:
    """Return mistakes, those of the largest confusion cell first, a few that were right of every class, other mistakes.

    The other mistakes come last, so that the numbers of the first ones, which links hold, do not depend on them.
    """
    position = {name: i for i, name in enumerate(images.names)}
    cells: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in sorted(rows, key=_certainty, reverse=True):
        cells[row["label"], row["prediction"]].append(row)
    wrong = [cell for cell in cells if cell[0] != cell[1]]
    wrong.sort(key=lambda cell: (-len(cells[cell]), cell))
    by_cell = [row for cell in wrong for row in cells[cell][:PER_CELL]]
    more = [row for cell in wrong for row in cells[cell][PER_CELL:]]
    mistakes, others = by_cell[:FIRST_MISTAKES], [*by_cell[FIRST_MISTAKES:], *more][: MISTAKES_SHOWN - FIRST_MISTAKES]
    classes = sorted(cell for cell in cells if cell[0] == cell[1])
    each = max(RIGHT_SHOWN // max(len(classes), 1), 1)
    right = [row for cell in classes for row in cells[cell][:each]][:RIGHT_SHOWN]
    return [
        Example(printable(row["path"]), kind, row["label"], row["prediction"], images.images[position[row["path"]]])
        for kind, chosen in (("mistake", mistakes), ("right", right), ("mistake", others))
        for row in chosen
    ]


def _certainty(row: Row) -> float:
    """How sure the network was; of several labels per image, where there is no single probability, its loss."""
    try:
        return float(row["probability"] if "probability" in row else row["loss"])
    except (KeyError, TypeError, ValueError):
        return 0.0


def _unevaluated(images: Split, class_names: Sequence[str]) -> list[Example]:
    """Return a few images of every class, of a run that has not evaluated them yet."""
    named = label_names(images.labels, class_names)
    each = max(RIGHT_SHOWN // max(len(set(named)), 1), 1)
    taken: Counter[str] = Counter()
    chosen = []
    for i, label in enumerate(named):
        taken[label] += 1
        if taken[label] <= each:
            chosen.append(i)
    chosen.sort(key=lambda i: named[i])
    return [Example(printable(images.names[i]), "own", named[i], None, images.images[i]) for i in chosen[:RIGHT_SHOWN]]


def _about(split: str, wrong: int, count: int, is_evaluated: bool) -> dict[str, str]:
    en, zh = WORDS[split]
    if not is_evaluated:
        return {"en": f"{count:,} {en} images of this run", "zh": f"本次训练的 {count:,} 张{zh}图像"}
    return {
        "en": f"{en.capitalize()} images of this run: {wrong:,} of {count:,} wrong",
        "zh": f"本次训练的{zh}图像：{count:,} 张中错了 {wrong:,} 张",
    }


def _not_here(run: RunFolder, problem: Exception) -> dict[str, str]:
    source = printable(source_of_run(run)) or "?"
    if is_gone(source_of_run(run)):
        return {
            "en": f"The images of this run were in {source} and are not there any more. Move them back and load this "
            "page again.",
            "zh": f"本次训练的图像原在 {source}，现已不在。请移回原处，再重新加载本页。",
        }
    return {
        "en": f"The images of this run cannot be shown: {problem}. They were in {source}.",
        "zh": f"无法显示本次训练的图像（{in_chinese(str(problem))}）。它们原在 {source}。",
    }


def _changed(run: RunFolder, images: Split, missing: int, count: int) -> dict[str, str] | None:
    """Return a warning if evaluated images are gone."""
    if not missing:
        return None
    source = printable(source_of_run(run))
    return {
        "en": f"{source} has changed since the training: {missing:,} of {count:,} images are not there any more.",
        "zh": f"{source} 在训练后有变动：{count:,} 张图像中有 {missing:,} 张已不在。",
    }


def _other_answers(served: ServedClassifier, examples: Sequence[Example], rows: Sequence[Row]) -> dict[str, str] | None:
    """Return a warning if images of which the network was sure are answered otherwise than the run has recorded."""
    sure = {printable(row["path"]) for row in rows if "probability" in row and _certainty(row) > SURE}
    able = [example for example in examples if example.title in sure]
    tried = able[:: max(len(able) // TRIED, 1)][:TRIED]
    other = 0
    levels = served.classifier.preprocess.levels
    contents = [source if isinstance(source := one.source, np.ndarray) else _content(one, levels) for one in tried]
    with served.lock:
        for example, answer in zip(tried, served.classifier.predict_each(contents, 1), strict=True):
            other += not answer.predictions or answer.predictions[0].label != example.predicted
    if not other:
        return None
    return {
        "en": f"The images have changed since the training: of {len(tried)} that were tried, {other} are answered "
        "otherwise than then.",
        "zh": f"图像在训练后有变动：试了 {len(tried)} 张，有 {other} 张的回答与当时不同。",
    }


def _content(example: Example, levels: Levels | None) -> bytes:
    """Return an encoded image, nothing if it cannot be read any more."""
    try:
        return example.content(levels)[0]
    except UnreadableImage:
        return b""
