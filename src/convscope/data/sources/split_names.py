"""Names of splits: which words of a folder, a table or a column mean training, validation or test images."""

from __future__ import annotations

import re
import unicodedata

WORDS = {
    "train": ("train", "training", "trn", "trainset", "trainval", "训练", "训练集", "訓練", "訓練集", "学習"),
    "val": ("val", "valid", "validation", "validate", "validating", "valset", "dev", "development", "eval",
            "evaluation", "验证", "验证集", "驗證", "驗證集", "検証"),
    "test": ("test", "testing", "tst", "testset", "holdout", "测试", "测试集", "測試", "測試集", "テスト"),
}  # fmt: skip
SPLIT_OF_WORD = {word: split for split, words in WORDS.items() for word in words}
# `eval` beside another validation split holds the test images.
EVALUATION = ("eval", "evaluation")
# Words that say nothing about a split: `train_images`, `test-set`, `val2017`.
FILLERS = frozenset({
    "set", "sets", "images", "image", "imgs", "img", "data", "dataset", "split", "photos", "pictures", "pics",
    "folder", "files", "public", "private", "jpg", "jpeg", "png", "labels", "label", "annotations", "metadata",
    "list", "lists", "mini",
})  # fmt: skip
UNLABELLED = frozenset(
    {"unlabeled", "unlabelled", "unlabel", "unsup", "unsupervised", "unannotated", "未标注", "無標籤"}
)


def split_of(name: str) -> str | None:
    """Return `train`, `val` or `test` if a name can mean only that split (`Train`, `test_set`, `val2017`), or None."""
    words = [word for word in _words(name) if word not in FILLERS]
    if words == ["train", "val"]:
        return "train"
    return SPLIT_OF_WORD.get(words[0]) if len(words) == 1 else None


def split_word_in(name: str) -> str | None:
    """Return the split of the only word for one in a name, whatever the others are (`places365_val`), or None."""
    splits = [SPLIT_OF_WORD[word] for word in _words(name) if word in SPLIT_OF_WORD]
    return splits[0] if len(splits) == 1 else None


def split_of_path(path: str) -> str | None:
    """Return the split that the folders of a path name; `test` before all others, the innermost before the outer."""
    splits = [split for name in path.replace("\\", "/").split("/")[:-1] if (split := split_of(name))]
    return "test" if "test" in splits else splits[-1] if splits else None


def is_unlabelled(name: str) -> bool:
    """Whether a name says that the images have no labels."""
    return bool(UNLABELLED & set(_words(name)))


def splits_of_names(names: list[str]) -> dict[str, str]:
    """Return the split of each name that names one; of two validation splits `eval` is the test split.

    Where none does, names that are alike but for a split's word (`seg_train`, `seg_test`) do.
    """
    splits = {name: split for name in names if (split := split_of(name))} or _splits_of_variants(names)
    if "test" not in splits.values():
        validation = [name for name, split in splits.items() if split == "val"]
        evaluation = [name for name in validation if set(_words(name)) & set(EVALUATION)]
        if len(validation) == 2 and len(evaluation) == 1:
            splits[evaluation[0]] = "test"
    return splits


def names_with_splits(names: list[str]) -> list[str]:
    """Return the names that hold a split and a class (`train_cat`, `test_cat`, `train_dog`, `test_dog`), if any do."""
    families = _families(names)
    return [name for family in families for name in family] if len(families) > 1 else []


def _splits_of_variants(names: list[str]) -> dict[str, str]:
    """Return the splits of names that differ in a split's word only, if train and another one are among them."""
    families = _families(names)
    return families[0] if len(families) == 1 else {}


def _families(names: list[str]) -> list[dict[str, str]]:
    """Return the splits of those names that differ in a split's word only, for each of the names without that word."""
    families: dict[tuple[str, ...], dict[str, str]] = {}
    for name in names:
        words = [word for word in _words(name) if word not in FILLERS]
        for i, split_word in enumerate(words) if len(words) > 1 else ():
            if split_word in SPLIT_OF_WORD:
                families.setdefault((*words[:i], *words[i + 1 :]), {})[name] = SPLIT_OF_WORD[split_word]
    return [family for family in families.values() if {"train"} < set(family.values())]


def _words(name: str) -> list[str]:
    """Split a name into lower-case words, at separators, between letters and digits, and where upper case begins."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFKC", name))
    return [word for word in re.split(r"[\W_\d]+", text.casefold()) if word]
