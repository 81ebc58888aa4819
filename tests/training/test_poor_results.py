"""A result at chance, a loss that never fell and dead units are found, with the likeliest reason."""

from __future__ import annotations

import json

import torch
from torch import nn

import convscope as cs
from convscope.evaluation import Evaluation
from convscope.evaluation.run_report import write_run_report
from convscope.training.checkpoint import Progress
from convscope.training.poor_results import dead_share, remarks_on_result


def evaluation(predicted: list[int], labels: list[int]) -> Evaluation:
    logits = torch.nn.functional.one_hot(torch.tensor(predicted), 3).float()
    return Evaluation(["a", "b", "c"], [str(i) for i in range(len(labels))], torch.tensor(labels), logits, 1.0)


def history(*losses: float) -> Progress:
    return Progress(history=[{"epoch": i + 1, "train/loss": loss} for i, loss in enumerate(losses)])


def network(bias: float = 0.0) -> nn.Module:
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))
    nn.init.constant_(net[0].weight, 0.01)
    nn.init.constant_(net[0].bias, bias)
    return net


IMAGES = torch.ones(5, 1, 6, 6)
LABELS = [0, 1, 2] * 20


def test_dead_units_are_counted_by_channel():
    assert dead_share(network(), IMAGES) == 0
    assert dead_share(network(-9), IMAGES) == 1
    half = network()
    half[0].bias.data[:2] = -9
    assert dead_share(half, IMAGES) == 0.5
    assert dead_share(nn.Sequential(nn.Flatten(), nn.Linear(36, 3)), IMAGES) == 0
    assert not half[1]._forward_hooks


def test_a_training_that_learned_has_no_remark():
    assert remarks_on_result(cs.Recipe(), network(), IMAGES, history(1.0, 0.5), evaluation(LABELS, LABELS)) == []
    assert remarks_on_result(cs.Recipe(), network(), IMAGES, history(1.0), None) == []
    one_class = evaluation([0] * 9, [0] * 9)
    assert remarks_on_result(cs.Recipe(), network(), IMAGES, history(1.0, 0.5), one_class) == []


def test_each_fault_is_named_once_and_the_first_has_the_reason():
    recipe = cs.Recipe().changed(optimizer="sgd", lr=0.9, momentum=0.9, weight_decay=0.1)
    found = remarks_on_result(recipe, network(-9), IMAGES, history(1.0, 1.2, 1.1), evaluation([0] * 60, LABELS))
    assert [remark.en.split(":")[0] for remark in found] == [
        "the accuracy of 33.33% is no better than guessing",
        "the training loss never fell",
        "100% of the units behind rectifiers are 0 for every image (dead).",
    ]
    assert "every image gets the same class. A weight decay of 0.1 is much for sgd: try --weight-decay 0.0005." in (
        found[0].en
    )
    assert all("准确率" in found[0].zh for _ in found) and "--weight-decay 0.0005" in found[0].zh


def reason(options: dict, net: nn.Module) -> str:
    recipe = cs.Recipe().changed(**options)
    return remarks_on_result(recipe, net, IMAGES, history(1.0), evaluation([1] * 60, LABELS))[0].en


def test_the_reason_follows_the_recipe():
    sigmoid = nn.Sequential(nn.Flatten(), nn.Linear(36, 3), nn.Sigmoid())
    assert "try --lr 0.9 --momentum 0." in reason({"optimizer": "sgd", "lr": 0.01}, sigmoid)
    assert "too high: try --lr 0.1." in reason({"optimizer": "sgd", "lr": 1.0}, network())
    assert "too high: try --lr 0.9." in reason({"optimizer": "sgd", "lr": 5.0}, sigmoid)
    assert "convscope check DATA" in reason({"optimizer": "sgd", "lr": 0.9}, sigmoid)
    assert "too high: try --lr 0.1." in reason({"optimizer": "sgd", "lr": 3.0}, network(-9))
    assert "too low: try --lr 0.003." in reason({"lr": 1e-6}, network())
    assert "try --no-freeze." in reason({"freeze": True}, network())
    assert "convscope check DATA" in reason({}, network())


def test_the_distances_of_lenet5_are_the_reason_with_sgd():
    recipe = cs.Recipe().changed(optimizer="sgd", lr=0.001, momentum=0.0, weight_decay=0.0)
    lenet = cs.create_model("lenet5", num_classes=3)
    images = torch.ones(2, 1, 32, 32)
    found = remarks_on_result(recipe, lenet, images, history(40.0, 35.0), evaluation([0] * 60, LABELS))
    assert "a squared distance, which the usual rates of sgd do not suit: try --optimizer adamw." in found[0].en


def test_few_steps_are_the_reason_where_the_settings_are_usual():
    recipe, done = cs.Recipe(optimizer="sgd", lr=0.1, batch_size=64), history(2.3014, 2.2984, 2.2941)
    done.epoch, done.images = 3, 3 * 4000
    found = remarks_on_result(recipe, network(), IMAGES, done, evaluation([0] * 45 + LABELS[:15], LABELS))
    assert [remark.en for remark in found] == [
        "the training loss hardly fell: 2.3014 in the first epoch, 2.2941 in the last. 188 steps are few for a "
        "training from random weights: try --epochs 16."
    ]
    assert "几乎没有下降" in found[0].zh and "188 步太少：可尝试 --epochs 16。" in found[0].zh


def test_a_loss_that_fell_a_little_is_no_fault_of_a_network_that_has_learned():
    right = [*LABELS[:48], 0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 0]
    assert remarks_on_result(cs.Recipe(), network(), IMAGES, history(0.301, 0.3), evaluation(right, LABELS)) == []
    (remark,) = remarks_on_result(cs.Recipe(), network(), IMAGES, history(0.3, 0.301), evaluation(right, LABELS))
    assert "never fell" in remark.en
    poor = evaluation([0] * 45 + LABELS[:15], LABELS)
    assert remarks_on_result(cs.Recipe(), network(), IMAGES, history(1.0, 0.97), poor) == []
    assert remarks_on_result(cs.Recipe(pretrained=True), network(), IMAGES, history(1.0, 0.99), poor) == []


def test_the_warning_is_on_the_terminal_in_the_figures_and_in_the_report(tmp_path, capfd):
    options = {"optimizer": "sgd", "lr": 0.5, "weight_decay": 5.0, "epochs": 2, "precision": "float32"}
    run = cs.train("digits", "lenet_sigmoid", output=tmp_path, layout="contiguous", **options)
    (first, *_) = run.metrics["warnings"]
    assert "no better than guessing" in first and "--weight-decay 0.0005" in first
    assert f"warning: {first}" in capfd.readouterr().err.splitlines()
    (run.folder / "report.html").rename(tmp_path / "first.html")
    for form in ("html", "md", "json"):  # a report that is written anew says it, too
        write_run_report(str(run.folder), format=form)
    for path in (tmp_path / "first.html", run.folder / "report.html"):
        page = path.read_text(encoding="utf-8")
        assert "What went wrong" in page and "不比猜测好" in page
    text = (run.folder / "report.md").read_text(encoding="utf-8")
    found = json.loads((run.folder / "report.json").read_text(encoding="utf-8"))
    assert f"- {first}\n" in text and found["warnings"] == run.metrics["warnings"]
    weakest, (worst, *_), (pair, *_) = found["weakest"], found["mistakes"], found["confusions"]
    assert f"“{weakest['label']}”: {weakest['recall']:.2%}" in text and f"{weakest['interval'][1]:.2%})" in text
    assert f"- {worst['path']}: {worst['predicted']} {worst['probability']:.1%}" in text and "picture" not in worst
    assert f"| {pair['true']} | {pair['predicted']} | {pair['count']} |" in text
