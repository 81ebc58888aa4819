"""The threshold keeps its promise in 95 of 100 cases; both halves have every class; few images store nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from convscope.evaluation import Evaluation
from convscope.evaluation.fit_abstention import FEWEST, fit_abstention, halves, safe_threshold


def test_both_halves_have_every_class():
    labels = torch.randint(0, 7, (500,), generator=torch.Generator().manual_seed(0))
    first, second = halves(labels)
    assert sorted(torch.cat([first, second]).tolist()) == list(range(500))
    assert (labels[first].bincount() - labels[second].bincount()).abs().max() <= 1
    few, none = halves(labels[: FEWEST - 1])
    assert len(few) == FEWEST - 1 and not len(none)


def test_no_group_lies_in_both_halves():
    labels = torch.randint(0, 3, (600,), generator=torch.Generator().manual_seed(0))
    groups = [f"patient {i // 7}" for i in range(600)]
    first, second = halves(labels, groups)
    assert sorted(torch.cat([first, second]).tolist()) == list(range(600)) and abs(len(first) - len(second)) < 30
    assert (labels[first].bincount() - labels[second].bincount()).abs().max() <= 10
    assert not {groups[i] for i in first.tolist()} & {groups[i] for i in second.tolist()}
    everything, none = halves(labels, ["one patient"] * 600)
    assert len(everything) == 600 and not len(none)
    evaluation = Evaluation(list("abc"), ["x"] * 600, labels, 4.0 * torch.eye(3)[labels], 0.0)
    found = fit_abstention(torch.nn.Linear(1, 1), None, labels, evaluation, None, ["one patient"] * 600)  # type: ignore[arg-type]
    assert found.note.startswith("600 validation images lie in too few groups")


@pytest.mark.parametrize("groups", [[], [f"patient {i // 7}" for i in range(600)]])
def test_both_halves_have_every_label_where_they_are_several(groups):
    random = torch.rand(600, 4, generator=torch.Generator().manual_seed(0))
    labels = (random < torch.tensor([0.5, 0.3, 0.2, 0.1])).byte()
    first, second = halves(labels, groups)
    assert sorted(torch.cat([first, second]).tolist()) == list(range(600)) and abs(len(first) - len(second)) < 30
    assert (labels[first].long().sum(0) - labels[second].long().sum(0)).abs().max() <= 10
    if groups:
        assert not {groups[i] for i in first.tolist()} & {groups[i] for i in second.tolist()}


def test_at_most_the_stated_share_of_answers_is_wrong():
    """Over 200 divisions: an answer of confidence c is wrong with probability 1 - c, so the true share is known."""
    generator, risk = torch.Generator().manual_seed(0), 0.02
    broken, found, coverage = 0, 0, []
    for _ in range(200):
        choosing, testing = (1 - 0.5 * torch.rand(400, generator=generator) ** 4 for _ in range(2))
        wrong = torch.rand(400, generator=generator) > testing
        threshold = safe_threshold(choosing, testing, wrong, risk)
        if threshold is None:
            continue
        found += 1
        many = 1 - 0.5 * torch.rand(20_000, generator=generator) ** 4
        answered = many >= threshold
        broken += float((1 - many[answered]).mean()) > risk
        coverage.append(float(answered.double().mean()))
    assert found > 100 and broken / 200 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 200)
    assert np.mean(coverage) > 0.4


def test_thresholds_by_hand():
    sure = torch.linspace(0.5, 1, 400)
    none_wrong = torch.zeros(400, dtype=torch.bool)
    assert safe_threshold(sure, sure, none_wrong, 0.01) == 0.0
    assert safe_threshold(sure[:100], sure[:100], none_wrong[:100], 0.01) is None  # 299 images are needed
    assert safe_threshold(sure, sure, sure > 0.9, 0.01) is None  # the surest are wrong
    unsure_wrong = safe_threshold(sure, sure, sure < 0.55, 0.01)
    assert 0.53 < unsure_wrong < 0.56


def test_too_few_images_store_nothing_and_say_so():
    labels = torch.arange(3).repeat(20)
    evaluation = Evaluation(list("abc"), ["x"] * 60, labels, 4.0 * torch.eye(3)[labels], 0.0)
    found = fit_abstention(torch.nn.Linear(1, 1), None, labels, evaluation, None)  # type: ignore[arg-type]
    assert not found.refuses and found.temperature is None
    assert found.note == "60 validation images are too few to find out when not to answer: 200 are needed"


def test_a_training_finds_it_out(digits_run):
    abstention = digits_run.classifier.abstention
    assert abstention.n == 134 and abstention.temperature is not None
    assert abstention.familiar.features.shape[0] == 1259 and 0.94 < abstention.familiar.kept < 0.97
    noise = np.random.default_rng(0).integers(0, 256, (50, 8, 8)).astype(np.uint8)
    refused = [result.refusal is not None for result in digits_run.classifier.predict_each(list(noise))]
    assert np.mean(refused) > 0.7
    assert digits_run.classifier.abstention.risk == pytest.approx(0.0276, abs=0.02)
