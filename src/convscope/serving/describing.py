"""What the page says of a classifier: a line for the list, and how Python opens the same one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..classifier import Classifier
from ..models.own.source import SOURCE
from ..target import Target

PATHS = ("weights", "labels")  # options that name files: where those lie is the host's own business
FOLDERS = ("weights_dir",)


def description(classifier: Classifier) -> dict[str, str]:
    """Return the network, the number of classes and the accuracy on unseen images, in English and Chinese."""
    labels, figures = classifier.class_names, classifier.metrics.get("test") or classifier.metrics.get("val") or {}
    en = f"{classifier.architecture}, {len(labels)} classes"
    zh = f"{classifier.architecture}，{len(labels)} 个类别"
    if isinstance(figures, dict) and isinstance(figures.get("top1"), float) and isinstance(figures.get("n"), int):
        split_en, split_zh = ("test", "测试") if "test" in classifier.metrics else ("validation", "验证")
        en += f", {figures['top1']:.2%} correct on {figures['n']:,} {split_en} images"
        zh += f"，{figures['n']:,} 张{split_zh}图像的准确率为 {figures['top1']:.2%}"
    elif isinstance(figures, dict) and isinstance(figures.get("map"), float):
        en, zh = en.replace("classes", "labels"), zh.replace("类别", "标签")
        en += f", mean average precision {figures['map']:.2%}"
        zh += f"，平均精度均值 {figures['map']:.2%}"
    return {"en": en, "zh": zh}


def in_python(target: Target | None, name: str, code: str | None, is_bundled: bool) -> dict[str, Any]:
    """Return by which names Python opens a classifier, without the host's paths.

    `target` is a network by name; else `name` is a run or a bundle, and `code` that of its own network. The answer has
    `source`, `model` (the code), `options` of a network by name, and whether every installation has it (`bundled`).
    """
    if target is None:
        return {"source": name, "model": code, "options": None, "bundled": is_bundled}
    given = {k: Path(v).name if k in PATHS else v for k, v in target.given().items() if k not in FOLDERS}
    return {"source": _without_folder(target.source), "model": None, "options": given, "bundled": False}


def _without_folder(source: str) -> str:
    if (own := SOURCE.match(source)) is None:
        return source
    return ":".join([Path(own["file"]).name, *([own["name"]] if own["name"] else [])])
