"""`convscope train`."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from ..errors import UsageError, printable
from .output import parse_duration, print_json

Option = typer.Option
# This file is read as the command begins: a time budget counts from here.
STARTED = time.perf_counter()


def train_command(
    data: Annotated[
        str | None,
        typer.Argument(
            help="A folder (one folder of images a class, or train/ val/ test/ of those), a table (.csv, .tsv) of "
            "path,label[,split], a list (.txt) of path and index, a zip, IDX files, CIFAR batches; or a name: "
            "mnist-5k, digits, mnist, cifar10, flowers102 and others (a wrong name lists them), hf:OWNER/NAME. "
            "Default: mnist-5k."
        ),
    ] = None,
    # The network.
    model: Annotated[
        str | None, Option(help="The network (see `convscope models`), or timm:NAME. Default: the recipe's.")
    ] = None,
    model_arg: Annotated[
        list[str] | None, Option(help="An option of the network, as NAME=VALUE (hidden=[300], activation=gelu, ...).")
    ] = None,
    # What it starts from.
    pretrained: Annotated[
        bool | None, Option("--pretrained/--no-pretrained", help="Start from public ImageNet weights.")
    ] = None,
    from_run: Annotated[
        str | None, Option(help="Start from the weights of this run or bundle (or `last`); its classes may be others.")
    ] = None,
    freeze: Annotated[
        bool | None, Option("--freeze/--no-freeze", help="Train the head alone; the body stays as it is.")
    ] = None,
    freeze_epochs: Annotated[int | None, Option(help="Train the head alone for so many epochs, then all.")] = None,
    unfreeze_epochs: Annotated[
        int | None, Option(help="Let the body go over so many epochs, its last layers first (gradual unfreezing).")
    ] = None,
    body_lr_factor: Annotated[float | None, Option(help="The body's learning rate by the head's, such as 0.1.")] = None,
    # How long, and how.
    data_dir: Annotated[str | None, Option(help="Where a named data set already lies.")] = None,
    epochs: Annotated[int | None, Option(help="Passes over the training images.")] = None,
    time_budget: Annotated[str | None, Option(help="How long the whole command may take: 30s, 10m, 1h.")] = None,
    images_shown: Annotated[int | None, Option(help="Without epochs or time: about how many images to show.")] = None,
    batch_size: Annotated[int | None, Option(help="Images a step.")] = None,
    optimizer: Annotated[str | None, Option(help="adamw, sgd or muon.")] = None,
    lr: Annotated[float | None, Option(help="Learning rate at its highest.")] = None,
    adam_lr: Annotated[float | None, Option(help="Rate of what muon leaves to AdamW: biases, norms, the head.")] = None,
    momentum: Annotated[float | None, Option(help="Momentum of sgd and muon.")] = None,
    nesterov: Annotated[bool | None, Option("--nesterov/--no-nesterov", help="Nesterov's form of momentum.")] = None,
    weight_decay: Annotated[float | None, Option(help="Weight decay; biases and norms are spared.")] = None,
    schedule: Annotated[str | None, Option(help="Learning rate: constant, linear, one-cycle, cosine or step.")] = None,
    warmup_epochs: Annotated[float | None, Option(help="Epochs over which the rate grows from 0.")] = None,
    label_smoothing: Annotated[float | None, Option(help="Share of the target given to all classes alike.")] = None,
    augment: Annotated[
        str | None,
        Option(
            help="auto, none, or a list such as flip,shift=2: flip, alternating-flip, shift, crop, rotate, affine, "
            "elastic, resized-crop, brightness, contrast, saturation, hue, lighting, erase, cutout, trivial-augment, "
            "rand-augment."
        ),
    ] = None,
    mixup: Annotated[float | None, Option(help="Mix pairs of images; alpha, such as 0.2.")] = None,
    cutmix: Annotated[float | None, Option(help="Paste boxes of other images; alpha, such as 1.")] = None,
    ema_decay: Annotated[float | None, Option(help="Keep a moving average of the weights; its factor a step.")] = None,
    class_weights: Annotated[
        str | None, Option(help="balanced: every class counts alike in the loss. Default: none.")
    ] = None,
    sampler: Annotated[
        str | None, Option(help="balanced: as many images of every class are shown. Default: shuffle.")
    ] = None,
    patience: Annotated[int | None, Option(help="Stop after so many epochs without improvement.")] = None,
    monitor: Annotated[str | None, Option(help="What decides on the best epoch: val/loss or val/top1.")] = None,
    progressive: Annotated[
        bool | None, Option("--progressive/--no-progressive", help="Smaller images at first, which cost less.")
    ] = None,
    img_size: Annotated[int | None, Option(help="Height and width of the network's input.")] = None,
    in_channels: Annotated[int | None, Option(help="1 (gray) or 3 (colour). Default: what the images have.")] = None,
    crop_mode: Annotated[str | None, Option(help="Fit images by center (crop), pad or squash.")] = None,
    seed: Annotated[int | None, Option(help="Seed of everything that is random.")] = None,
    deterministic: Annotated[
        bool | None, Option("--deterministic/--no-deterministic", help="Only operations that repeat to the bit.")
    ] = None,
    device: Annotated[str | None, Option(help="auto, cpu, cuda, cuda:1, mps.")] = None,
    precision: Annotated[str | None, Option(help="auto (what is fastest here), float32, bf16 or fp16.")] = None,
    layout: Annotated[str | None, Option(help="Of kernels and maps: auto, contiguous or channels-last.")] = None,
    compile: Annotated[
        bool | None, Option("--compile/--no-compile", help="Compile the network first (needs a C++ compiler or CUDA).")
    ] = None,
    superpixels: Annotated[int | None, Option(help="Flatten images to so many regions of one colour (SLIC).")] = None,
    head: Annotated[
        str | None, Option(help="svm, logistic, knn or tree: a classical classifier on the network's features.")
    ] = None,
    features: Annotated[
        str | None, Option(help="For --head: the layers whose features are joined, with commas. Default: the last.")
    ] = None,
    tta: Annotated[
        str | None, Option(help="Also measure over several views: flip, shift, flip-shift, five-crop or ten-crop.")
    ] = None,
    cache: Annotated[
        str | None, Option(help="Where decoded images are kept: auto (the user's cache folder), off or a folder.")
    ] = None,
    workers: Annotated[int | None, Option(help="Threads or processes that decode images. Default: one a core.")] = None,
    tensorboard: Annotated[
        bool | None, Option("--tensorboard/--no-tensorboard", help="Write TensorBoard events.")
    ] = None,
    recipe: Annotated[
        str | None, Option(help="fast (the default), best, transfer, tutorial, or a YAML file with these options.")
    ] = None,
    resume: Annotated[str | None, Option(help="Go on with this run (a folder, or `last`).")] = None,
    output: Annotated[str, Option(help="Where run folders are made.")] = "runs/train",
    name: Annotated[str | None, Option(help="Name of the run folder. Default: MODEL-DATA.")] = None,
    strict: Annotated[bool, Option("--strict", help="Fail if any file had to be skipped.")] = False,
    json: Annotated[bool, Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Train a classifier and save it with a report.

    Everything is written to a new run folder below runs/train, which is printed with the next commands to try.
    """
    given = {
        "data": data, "data_dir": data_dir,
        "model": model, "model_args": _model_args(model_arg), "pretrained": pretrained, "from_run": from_run,
        "freeze": freeze, "freeze_epochs": freeze_epochs, "unfreeze_epochs": unfreeze_epochs,
        "body_lr_factor": body_lr_factor,
        "epochs": epochs, "time_budget": parse_duration(time_budget), "images_shown": images_shown,
        "batch_size": batch_size, "optimizer": optimizer, "lr": lr, "adam_lr": adam_lr, "momentum": momentum,
        "nesterov": nesterov, "weight_decay": weight_decay, "schedule": schedule, "warmup_epochs": warmup_epochs,
        "label_smoothing": label_smoothing, "augment": augment, "mixup": mixup, "cutmix": cutmix,
        "class_weights": class_weights, "sampler": sampler, "ema_decay": ema_decay,
        "patience": patience, "monitor": monitor, "progressive": progressive, "img_size": img_size,
        "in_channels": in_channels, "crop_mode": crop_mode, "seed": seed, "deterministic": deterministic,
        "device": device, "precision": precision, "layout": layout, "compile": compile, "tta": tta,
        "tensorboard": tensorboard,
        "cache": cache, "workers": workers, "superpixels": superpixels, "head": head, "features": features,
    }  # fmt: skip
    options: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if resume is not None and (recipe or name or output != "runs/train"):
        raise UsageError(
            "--resume goes on in the run's own folder with its own recipe: leave --recipe, --name and --output out"
        )

    from ..training import resume as go_on
    from ..training import train

    if resume is not None:
        run = go_on(resume, started=STARTED, **options)
    else:
        run = train(recipe=recipe, output=output, name=name, strict=strict, started=STARTED, **options)
    if json:
        print_json(run.metrics)
    else:
        _tell(run.metrics)


def _tell(metrics: dict[str, Any]) -> None:
    run = metrics["run"]
    results = [
        f"{metrics[split]['top1']:.2%} of {metrics[split]['n']:,} {word} images right"
        for split, word in (("test", "test"), ("val", "validation"))
        if metrics[split]
    ]
    typer.echo("")
    head = metrics["recipe"]["head"]
    model = metrics["model"] if head == "own" else f"{metrics['model']} with {head}"
    typer.echo(f"{model} on {printable(metrics['data'])}: {', '.join(results) or 'nothing to measure it with'}")
    for key in ("test_tta", "val_tta"):
        if key in metrics:
            split = "test" if key.startswith("test") else "validation"
            views = metrics["recipe"]["tta"]
            typer.echo(f"with test-time augmentation ({views}): {metrics[key]['top1']:.2%} of the {split} images")
    how = (
        f"{metrics['epochs']} epochs in {metrics['train_seconds']:.1f} s of training, "
        f"{metrics['images_per_second']:,.0f} images/s"
        if metrics["epochs"]
        else "nothing but the head was fitted"
    )
    typer.echo(f"{how}, {metrics['parameters']:,} parameters, {metrics['precision']}")
    typer.echo("")
    typer.echo(f"run folder  {run}")
    if results:
        typer.echo(f"report      {run}/report.html")
    typer.echo("try next    " + f"convscope predict {run} IMAGE...")
    typer.echo("            " + f"convscope explain {run} IMAGE")
    typer.echo("            " + f"convscope serve {run}")


def _model_args(pairs: list[str] | None) -> dict[str, Any] | None:
    if not pairs:
        return None
    import yaml

    arguments = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"--model-arg must be NAME=VALUE, not {printable(repr(pair))}")
        try:
            arguments[key] = yaml.safe_load(value)
        except yaml.YAMLError as problem:
            raise UsageError(f"--model-arg {printable(key)}: cannot read {printable(repr(value))}") from problem
    return arguments
