"""The results of a training: evaluation of its network, the bundle, the predictions, the figures and the report."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .. import notebook_html
from ..abstention import Abstention
from ..activity import doing
from ..classifier import Classifier, load
from ..data.augment import parse_augment
from ..data.decoded import Decoded
from ..data.default_augment import augmentation_for
from ..errors import printable
from ..evaluation import Evaluation, MultiLabelEvaluation, evaluate
from ..evaluation.fit_abstention import fit_abstention, fit_unfamiliar
from ..evaluation.multi_label import choose_thresholds
from ..evaluation.published_epochs import published_epochs
from ..evaluation.report.counts import counts_of
from ..evaluation.report.look import look_inside
from ..evaluation.report.page import write_report
from ..evaluation.report.report import Report
from ..evaluation.report.seen import chosen_images, seen_images
from ..evaluation.scores import trust_figures
from ..evaluation.tta import Views, views_of
from ..files import write_atomically
from ..messages.translate import language
from ..task import Task
from .checkpoint import Progress, has_checkpoint, read_weights
from .context import TrainingContext
from .hardware.environment import describe_environment
from .hardware.runtime import peak_memory
from .loop.early_stopping import out_of_patience
from .poor_results import Remark, judged_images, remarks_on_result
from .prepare.prepare_data import PreparedData
from .recipe.optimizer_defaults import OPTIMIZER_DEFAULTS
from .recipe.options import DEFAULTS, OPTIONS
from .recipe.recipe import Recipe
from .transfer.linear_probe import is_probe


@dataclass
class Run:
    """A finished training: its folder, the classifier, and the figures.

    `metrics` is what `convscope train --json` prints; `history` has a row per epoch, with the columns of metrics.csv.

    >>> from tempfile import TemporaryDirectory
    >>> from convscope import resume, train
    >>> with TemporaryDirectory() as folder:
    ...     run = train("digits", "softmax_regression", epochs=1, output=folder, show=False)
    ...     longer = resume(run.folder, epochs=2, show=False)
    >>> [row["epoch"] for row in longer.history], longer.metrics["test"]["n"]
    ([1, 2], 269)
    """

    folder: Path
    classifier: Classifier
    metrics: dict[str, Any]
    history: list[dict[str, float]]

    def _repr_html_(self) -> str:
        figures = self.metrics
        rows = [("run folder", self.folder), ("parameters", f"{figures['parameters']:,}")]
        rows.append(
            (
                "training",
                f"{figures['epochs']} epoch{'s' * (figures['epochs'] != 1)} in {figures['train_seconds']:.1f} s",
            )
        )
        for split, word in (("val", "validation"), ("test", "test")):
            found = figures.get(split) or {}
            rows += [
                (f"{word} {name}", f"{found[key]:.2%} of {found['n']:,} images")
                for key, name in (("top1", "accuracy"), ("map", "mean average precision"))
                if key in found
            ]
        column = next((c for c in ("val/top1", "val/map", "train/loss") if self.history and c in self.history[0]), "")
        values = [row[column] for row in self.history if column in row]
        caption = f"{figures['model']} on {figures['data']}"
        return notebook_html.table(caption, (), rows) + notebook_html.curve(column, values)


def save_results(context: TrainingContext, prepared: PreparedData, network: nn.Module, done: Progress) -> Run:
    """Evaluate the network on the validation and the test split; write bundle, predictions and report."""
    recipe, folder = context.recipe, context.folder
    doing("evaluating the classifier")
    evaluations = _evaluate_splits(context, prepared, network, done)
    figures = {split: evaluation.figures() for split, evaluation in evaluations.items()}
    remarks = _remarks(context, prepared, network, done, evaluations)
    for remark in remarks:
        context.display.show_line(f"warning: {remark.en}" if language() == "en" else f"警告：{remark.zh}")
    folder.write_warnings([(remark.en, remark.zh) for remark in remarks])
    doing("finding out when not to answer")
    classifier = _save_classifier(context, prepared, network, evaluations, figures)
    shown = next((split for split in ("val", "test") if split in evaluations), None)
    if shown is not None:
        write_atomically(folder.predictions(shown), evaluations[shown].table())
    metrics = {
        "run": printable(folder.path),
        "model": recipe.model,
        "data": recipe.data,
        "recipe": asdict(recipe),
        "seed": recipe.seed,
        "epochs": done.epoch,
        "ended_by": _ended_by(recipe, done),
        "best_epoch": done.best_epoch,
        "learned_from_validation": folder.whole.exists(),
        "train_seconds": done.seconds + context.clock.timings.get("join", 0.0),
        "images_per_second": done.images / max(done.seconds, 1e-9),
        "precision": context.runtime.precision,
        **peak_memory(),
        "parameters": sum(p.numel() for p in network.parameters()),
        "val": figures.pop("val", None),
        "test": figures.pop("test", None),
        "warnings": [remark.en for remark in remarks],
        **figures,
    }
    doing("writing the report")
    if evaluations:
        _write_report(context, prepared, classifier, done, evaluations, metrics, remarks)
    return Run(folder.path, load(folder.path, context.own), metrics, done.history)


def _learn_from_validation(
    context: TrainingContext, done: Progress, network: nn.Module, val: Evaluation | MultiLabelEvaluation | None
) -> None:
    """Take the weights that have learned from the validation images, too, if there are any that are used.

    A fitted last layer's are not used if an epoch behind it is kept. The figures of these images are those without.
    """
    fitted, whole = context.folder.fitted, context.folder.whole
    is_fitted = bool(done.history) and is_probe(done.history[0]) and not done.best_epoch
    if is_fitted and has_checkpoint(fitted):
        shutil.rmtree(whole, ignore_errors=True)
        fitted.rename(whole)
    shutil.rmtree(fitted, ignore_errors=True)
    if not has_checkpoint(whole) or val is None:
        return
    read_weights(whole, network)
    n = f"{len(val.names):,}"
    if is_fitted:
        line = f"the last layer learns from the {n} validation images, too; their figures are those without"
    else:
        line = f"the network has learned from the {n} validation images, too; their figures are those without"
    context.display.show_line(line)


def _save_classifier(
    context: TrainingContext,
    prepared: PreparedData,
    network: nn.Module,
    evaluations: dict[str, Evaluation | MultiLabelEvaluation],
    figures: dict[str, dict[str, Any]],
) -> Classifier:
    """Write the bundle, and return the classifier in it; the network is moved to the CPU."""
    abstention = _abstention(prepared, network, evaluations.get("val"))
    if abstention.note:
        context.display.show_line(f"note: {abstention.note}")
    names = prepared.data.class_names
    found = (e.task for e in evaluations.values() if isinstance(e, MultiLabelEvaluation))
    task = next(found, Task.of(prepared.data.multi_label, len(names)))
    about = (prepared.preprocess, context.recipe.model, prepared.model_args, figures, task, abstention)
    classifier = Classifier(network.to("cpu").eval(), names, *about)
    classifier.save(context.folder.classifier, Path(context.recipe.data).name)
    return classifier


def _write_report(
    context: TrainingContext,
    prepared: PreparedData,
    classifier: Classifier,
    done: Progress,
    evaluations: dict[str, Evaluation | MultiLabelEvaluation],
    metrics: dict[str, Any],
    remarks: list[Remark],
) -> None:
    """Write the report about the test images, or about those for validation where there are none."""
    recipe, names = context.recipe, prepared.data.class_names
    split = "test" if "test" in evaluations else "val"
    evaluation, pixels, training = evaluations[split], prepared.parts[split].pixels, prepared.parts["train"]
    few = training.take(torch.tensor(chosen_images(training.labels)))
    augment = augmentation_for(recipe.augment, prepared.data)
    report = Report(
        title=f"{recipe.model} · {Path(recipe.data).name}",
        split=split,
        evaluation=evaluation,
        pixels=pixels,
        history=done.history,
        metrics=metrics,
        environment=describe_environment(context.runtime),
        command=command_of(recipe),
        warnings=[(remark.en, remark.zh) for remark in remarks],
        trust=trust_figures(evaluation, classifier.abstention),
        published=published_epochs(recipe.model, names) if recipe.validation == "none" else (),
        run=str(context.folder.path),
        counts=counts_of({name: part.labels for name, part in prepared.parts.items()}, len(names)),
        seen=seen_images(few, prepared.preprocess, names, parse_augment(augment), recipe.seed),
        look=look_inside(classifier, pixels, evaluation),
    )
    write_report(context.folder.report, report)


def _abstention(
    prepared: PreparedData, network: nn.Module, validation: Evaluation | MultiLabelEvaluation | None
) -> Abstention:
    """Return when the classifier should not answer; nothing without validation images."""
    if validation is None:
        return Abstention()
    train, val = prepared.parts.get("train"), prepared.parts["val"]
    groups = prepared.data.groups_of(val.names)
    if isinstance(validation, MultiLabelEvaluation):
        return fit_unfamiliar(network, train, val, prepared.preprocess, groups)
    return fit_abstention(network, train, val, validation, prepared.preprocess, groups)


def _ended_by(recipe: Recipe, done: Progress) -> str:
    """Return the option whose limit ended the training: `epochs`, `patience`, `freeze` or `time_budget`."""
    if done.epoch >= recipe.total_epochs:
        return "epochs"
    if out_of_patience(done, recipe.patience):
        return "patience"
    only_head = not done.history or is_probe(done.history[0])  # a classical head has no epoch at all
    return "freeze" if recipe.freeze and only_head else "time_budget"


def command_of(recipe: Recipe) -> str:
    """Return the command that repeats the training: the data, the network and every option that is not the default."""
    words = ["convscope", "train", recipe.data, "--model", recipe.model]
    defaults = DEFAULTS | (OPTIMIZER_DEFAULTS[recipe.optimizer] if recipe.optimizer != DEFAULTS["optimizer"] else {})
    for name, value in asdict(recipe).items():
        if name in ("data", "model") or value == defaults[name]:
            continue
        flag = OPTIONS[name].flag or f"--{name.replace('_', '-')}"
        if isinstance(value, dict):
            words += [word for key, item in value.items() for word in (flag, f"{key}={item}")]
        elif isinstance(value, bool):
            words.append(flag if value else f"--no-{flag[2:]}")
        else:
            words += [flag, f"{value:g}" if isinstance(value, float) else str(value)]
    return shlex.join(words)


def _remarks(
    context: TrainingContext,
    prepared: PreparedData,
    network: nn.Module,
    done: Progress,
    evaluations: dict[str, Evaluation | MultiLabelEvaluation],
) -> list[Remark]:
    """Return what is wrong with the result, judged on the validation split, else on the test or the training split."""
    split = next(name for name in ("val", "test", "train") if name in prepared.parts)
    images = judged_images(prepared.parts[split], prepared.preprocess, context.runtime.device)
    return remarks_on_result(context.recipe, network, images, done, evaluations.get(split))


def _evaluate_splits(
    context: TrainingContext, prepared: PreparedData, network: nn.Module, done: Progress
) -> dict[str, Evaluation | MultiLabelEvaluation]:
    """Evaluate by split, in float32; with test-time augmentation, if it was asked for, as `val_tta` and `test_tta`.

    The thresholds of several labels per image are those that are best on the validation split.
    """
    recipe, names = context.recipe, prepared.data.class_names
    views = views_of(recipe.tta, prepared.preprocess)
    ways: list[tuple[str, dict[str, Decoded], Views | None]] = [("", prepared.parts, None)]
    if views:
        ways.append(("_tta", prepared.frames or prepared.parts, views))

    def of(split: str) -> dict[str, Evaluation | MultiLabelEvaluation]:
        about = (prepared.preprocess, names, context.runtime.device)
        return {
            split + suffix: evaluate(network, parts[split], *about, chosen)
            for suffix, parts, chosen in ways
            if split in parts
        }

    evaluations = of("val")
    _learn_from_validation(context, done, network, evaluations.get("val"))
    evaluations |= of("test")
    validation = evaluations.get("val")
    if isinstance(validation, MultiLabelEvaluation):
        task = choose_thresholds(validation.probabilities, validation.labels)
        for split, evaluation in evaluations.items():
            if isinstance(evaluation, MultiLabelEvaluation):
                evaluations[split] = replace(evaluation, task=task)
    return evaluations
