"""Images that are byte for byte the same: a problem only under two labels or in two splits."""

from __future__ import annotations

from convscope.data.exact_copies import Occurrence, find_copies


def image(digest: str, split: str, label: int, name: str) -> Occurrence:
    return Occurrence(digest.encode(), split, bytes([label]), name)


def test_copies_under_two_labels_and_in_two_splits_are_problems():
    problems = find_copies([
        image("a", "train", 0, "1"), image("a", "train", 1, "2"),
        image("b", "train", 0, "3"), image("b", "val", 0, "4"),
        image("c", "train", 0, "5"), image("c", "train", 0, "6"),
        image("d", "train", 0, "7"),
    ])  # fmt: skip
    assert [(p.kind, p.severity, p.path, p.message) for p in problems] == [
        ("copy-two-labels", "warning", "1", "the same image under two labels: 1 and 2"),
        ("copy-two-splits", "warning", "3", "the same image in two splits: 3 and 4"),
    ]


def test_many_copies_are_one_problem_that_names_some_of_them():
    (problem,) = find_copies([image("a", "train", i % 2, f"{i}\n") for i in range(9)])
    assert problem.message == r"the same image under two labels: 0\n and 1\n and 2\n and 6 more"
