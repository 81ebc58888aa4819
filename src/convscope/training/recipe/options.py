"""The options of a training, each declared once: name, type, default, range, choices and help.

`Recipe` adds what can be done with them; `cli/train_options.py` makes the options of `convscope train` from them. This
file imports nothing heavy, so that `convscope train --help` is quick.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, get_type_hints

from ... import choices
from ..schedule import SCHEDULES
from .declaration import Option, Panel, check_value, named_values, option, plain_type, seconds


# fmt: off
@dataclass(frozen=True)
class TrainingOptions:
    """The fields of a `Recipe`."""

    model: str = option(
        "lenet5", Panel.MOST_USED,
        "Network: a name from `convscope models`, timm:NAME, or your own as FILE.py:CLASS (the file is run).",
        metavar="NAME", identity=True, by_recipe=True,
    )
    data: str = option(
        "mnist-5k", Panel.DATA,
        "Images to train on. A path: class folders (one folder per class, or train/, val/ and test/ of class folders), "
        "a table (.csv, .tsv) of path,label[,split], a list (.txt) of lines `path index`, IDX files, CIFAR batches, or "
        "a .zip, .tar or .tar.gz of any of these. Or a name: mnist-5k, digits, mnist, cifar10, flowers102, ... (an "
        "unknown name lists all), hf:OWNER/NAME from the Hugging Face hub, or the address of a folder "
        "of tar shards (s3://..., https://...). Default: mnist-5k.",
        metavar="DATA", identity=True, by_recipe=True, positional=True,
    )
    data_dir: str | None = option(
        None, Panel.DATA, "Folder with the files of a named data set. Without it they are downloaded once.",
        metavar="FOLDER",
    )
    folders: str = option(
        "auto", Panel.DATA, "What the folders at the top of DATA are, where their names leave doubt; innermost: the "
        "folders that hold the images are the classes.",
        choices=choices.FOLDER_ROLES, identity=True,
    )
    label_pattern: str | None = option(
        None, Panel.DATA, "Regular expression whose first group is the label in the path of an image, where labels are "
        "parts of file names. Example: '(cat|dog)[^/]*$'.",
        metavar="REGEX", identity=True,
    )
    label_column: str | None = option(
        None, Panel.DATA, "Column of a table that holds the labels. Default: found by its name.",
        metavar="NAME", identity=True,
    )
    label_type: str = option(
        "auto", Panel.DATA, "Labels per image in a table: one (single), or any number (multi).",
        choices=choices.LABEL_TYPES, identity=True,
    )
    uncertain: str = option(
        "auto", Panel.DATA, "What -1 counts as in a table whose columns mark classes with 1, 0 and -1 (uncertain).",
        choices=choices.UNCERTAIN, identity=True,
    )
    group_by: str | None = option(
        None, Panel.DATA,
        "Keep images of one group (patient, video, object) in one split: column:NAME of a table, depth:N for the N-th "
        "folder of the path, or pattern:REGEX over the path.",
        metavar="GROUPING", identity=True,
    )
    exclude: str | None = option(
        None, Panel.DATA,
        "Leave out the images named in this file: what `convscope check --write-exclude` wrote, or one path per line.",
        metavar="FILE", identity=True,
    )
    encoding: str = option(
        "auto", Panel.DATA,
        "Text encoding of tables and of names in zips, such as gb18030, where it cannot be detected.",
        metavar="NAME", identity=True,
    )
    kind: str = option(
        "auto", Panel.DATA,
        "What the images show, which chooses recipe and augmentation: digits (and other characters) or photos. auto "
        "decides by the pixels.",
        choices=choices.KINDS, identity=True,
    )
    img_size: int | None = option(
        None, Panel.DATA,
        "Height and width of the network's input in pixels. Default: chosen to suit the network and the images.",
        limits=(1, 4096), identity=True,
    )
    in_channels: int | None = option(
        None, Panel.DATA, "Channels of the input: 1 (gray) or 3 (colour). Default: as the images have.",
        choices=(1, 3), identity=True,
    )
    crop_mode: str = option(
        "center", Panel.DATA,
        "Fit images to the input: cut out the centre, pad the shorter side, or squash. auto: cut out the "
        "centre; with public weights, centre or squash, whichever gives the better features on a few of the images.",
        choices=choices.CROP_CHOICES, identity=True, by_recipe=True,
    )
    superpixels: int = option(
        0, Panel.DATA, "Replace each image by about N regions of one colour (SLIC superpixels).",
        limits=(0, 100_000), identity=True,
    )
    sampler: str = option(
        "shuffle", Panel.DATA,
        "How an epoch draws the training images: shuffle (each once, in random order) or balanced (equally many of "
        "every class).",
        choices=choices.SAMPLERS,
    )
    cache: str = option(
        "auto", Panel.DATA,
        "Where decoded images and their features are kept: auto (the user's cache folder), off, or a folder.",
        metavar="WHERE",
    )
    model_args: dict[str, Any] = option(  # noqa: RUF009 - every recipe gets a dictionary of its own
        {}, Panel.NETWORK, "Argument of the network, such as hidden=[300] or activation=gelu. Can be repeated.",
        metavar="NAME=VALUE", flag="--model-arg", convert=named_values, identity=True, by_recipe=True,
    )
    head: str = option(
        "own", Panel.NETWORK,
        "Classify with the network's own last layer, or fit a classical classifier to the network's features.",
        choices=("own", *choices.CLASSICAL_HEADS),
    )
    features: str = option(
        "", Panel.NETWORK,
        "For a classical --head: layers whose features are joined, separated by commas. Default: the input of the last "
        "layer.",
        metavar="LAYERS",
    )
    pretrained: bool = option(False, Panel.MOST_USED, "Start from public ImageNet weights.", identity=True)
    weights: str | None = option(
        None, Panel.NETWORK,
        "Start from the weights in a file: a state_dict as .safetensors, .pt, .pth, .bin or .ckpt, or the .index.json "
        "of several. Another last layer is replaced.", metavar="FILE", identity=True,
    )
    weights_dir: str | None = option(
        None, Panel.NETWORK,
        "Folder of public weights that were downloaded elsewhere, searched before any download. Default: the folder "
        "that CONVSCOPE_WEIGHTS names.", metavar="FOLDER",
    )
    from_run: str | None = option(
        None, Panel.TRANSFER,
        "Start from the weights of an earlier run or bundle, or of `last`; the classes may differ.",
        metavar="RUN", identity=True,
    )
    freeze: bool = option(
        False, Panel.TRANSFER, "Fit only the head (the last layer), in seconds; all other layers keep their weights.",
        identity=True,
    )
    freeze_epochs: int = option(
        0, Panel.TRANSFER, "Train only the head for N epochs, then all layers.",
        limits=(0, 1_000_000), identity=True,
    )
    unfreeze_epochs: int = option(
        0, Panel.TRANSFER, "Unfreeze the other layers gradually over N epochs, the last layers first.",
        limits=(0, 1_000_000), identity=True,
    )
    body_lr_factor: float = option(
        1.0, Panel.TRANSFER, "Learning rate of all layers but the head, as a multiple of --lr, such as 0.1.",
        limits=(0, 1), identity=True, by_recipe=True,
    )
    epochs: int | None = option(
        None, Panel.MOST_USED, "Passes over the training images. Default: chosen by their number (see --images-shown).",
        limits=(1, 1_000_000), by_recipe=True,
    )
    time_budget: float | None = option(
        None, Panel.MOST_USED, "Time limit for the whole command, from reading the data to the report: 30s, 10m or 1h.",
        limits=(0.1, 1e9), metavar="TIME", convert=seconds,
    )
    images_shown: int = option(
        550_000, Panel.DURATION,
        "Without --epochs and --time-budget: train for as many epochs as it takes to show about N images.",
        limits=(1, 1e12), by_recipe=True,
    )
    monitor: str = option(
        "val/loss", Panel.DURATION,
        "Validation figure by which the best epoch is chosen: val/loss, val/top1, val/top5, val/balanced_top1, "
        "val/macro_f1, or recall, precision or f1 of a class, such as val/recall:cat; for several labels per image "
        "also val/map and val/micro_f1.",
        metavar="FIGURE", by_recipe=True,
    )
    validation: str = option(
        "auto", Panel.DURATION,
        "auto: hold images out for validation if there are none. join: the same, but train on them, too, at the end if "
        "they are fewer than 200. none: train on all, measure the test images after every epoch (they choose nothing).",
        choices=("auto", "none", "join"), identity=True, by_recipe=True,
    )
    patience: int | None = option(
        None, Panel.DURATION, "Early stopping: stop after N epochs without improvement.", limits=(1, 1_000_000)
    )
    batch_size: int = option(64, Panel.MOST_USED, "Images per step.", limits=(1, 1_000_000), by_recipe=True)
    lr: float = option(0.003, Panel.MOST_USED, "Peak learning rate.", limits=(1e-12, 1e4), by_recipe=True)
    optimizer: str = option(
        "adamw", Panel.OPTIMISATION,
        "Optimizer. Learning rate, momentum, weight decay and schedule default to what suits it.",
        choices=("sgd", "adamw", "muon"), by_recipe=True
    )
    adam_lr: float = option(
        0.003, Panel.OPTIMISATION,
        "With --optimizer muon, which trains only the convolution kernels: peak learning rate of AdamW, which trains "
        "all other weights.",
        limits=(1e-12, 1e4), by_recipe=True,
    )
    momentum: float = option(0.9, Panel.OPTIMISATION, "Momentum of sgd and muon.", limits=(0, 0.9999), by_recipe=True)
    nesterov: bool = option(False, Panel.OPTIMISATION, "Nesterov momentum, for sgd.")
    weight_decay: float = option(
        0.1, Panel.OPTIMISATION, "Weight decay of sgd and adamw; biases and normalisation layers have none.",
        limits=(0, 10), by_recipe=True,
    )
    schedule: str = option(
        "one-cycle", Panel.OPTIMISATION, "Learning rate schedule.", choices=tuple(SCHEDULES), by_recipe=True
    )
    warmup_epochs: float = option(
        0.0, Panel.OPTIMISATION, "Epochs over which the learning rate first rises linearly from 0.", limits=(0, 1e6)
    )
    label_smoothing: float = option(
        0.0, Panel.OPTIMISATION, "Share of the target probability that is spread evenly over all classes.",
        limits=(0, 0.9999), by_recipe=True,
    )
    class_weights: str = option(
        "none", Panel.OPTIMISATION, "balanced: weight the loss so that every class counts equally.",
        choices=("none", "balanced"),
    )
    ema_decay: float = option(
        0.0, Panel.OPTIMISATION,
        "Decay per step of the exponential moving average (EMA) of the weights, such as 0.998; 0 is off.",
        limits=(0, 0.99999), by_recipe=True,
    )
    augment: str = option(
        "auto", Panel.MOST_USED,
        "auto (chosen for the data), none, or a list such as flip,shift=2. Names: "
        f"{', '.join(choices.AUGMENTATION_NAMES)}.",
        metavar="LIST", by_recipe=True,
    )
    mixup: float = option(
        0.0, Panel.AUGMENTATION, "Mixup (blend pairs of images): alpha of its beta distribution, such as 0.2.",
        limits=(0, 100), metavar="ALPHA",
    )
    cutmix: float = option(
        0.0, Panel.AUGMENTATION, "CutMix (paste boxes of other images): alpha of its beta distribution, such as 1.",
        limits=(0, 100), metavar="ALPHA",
    )
    progressive: bool = option(
        False, Panel.AUGMENTATION, "Progressive resizing: train on smaller images first, which is faster.",
        by_recipe=True,
    )
    tta: str = option(
        "none", Panel.AUGMENTATION,
        "Test-time augmentation (TTA): also report the accuracy of the mean answer over several views of each image.",
        choices=choices.TTA_VIEWS,
    )
    device: str = option(
        "auto", Panel.HARDWARE, "auto (CUDA, else MPS, else CPU), cpu, cuda, cuda:1, ... or mps.", metavar="DEVICE"
    )
    precision: str = option(
        "auto", Panel.HARDWARE, "Floating-point precision; auto measures which is fastest.", choices=choices.PRECISIONS
    )
    layout: str = option(
        "auto", Panel.HARDWARE, "Memory layout of kernels and feature maps; auto measures which is fastest.",
        choices=choices.LAYOUTS,
    )
    compile: bool = option(
        False, Panel.HARDWARE, "Compile the network with torch.compile (needs a C++ compiler or CUDA)."
    )
    accumulate: int = option(
        1, Panel.HARDWARE,
        "Gradient accumulation: compute each batch in N parts, one after the other. Takes less memory; batch norm "
        "alone sees the parts separately.", limits=(1, 10_000),
    )
    sync_batch_norm: bool = option(
        False, Panel.HARDWARE, "Let batch norm see the whole batch of several processes (CUDA only)."
    )
    shard_weights: bool = option(
        False, Panel.HARDWARE, "Divide weights and optimizer state among several processes (FSDP2), where a network's "
        "training does not fit one device.",
    )
    workers: int | None = option(
        None, Panel.HARDWARE, "Threads or processes that decode images. Default: one per core.", limits=(1, 1024)
    )
    seed: int = option(0, Panel.OUTPUT, "Seed of all random numbers.", limits=(0, 2**31 - 1))
    deterministic: bool = option(
        False, Panel.OUTPUT, "Use only operations that give the same result bit for bit every time."
    )
    tensorboard: bool = option(False, Panel.OUTPUT, "Write TensorBoard event files into the run folder.")

# fmt: on


OPTIONS: dict[str, Option] = {each.name: each.metadata["option"] for each in fields(TrainingOptions)}
DEFAULTS: dict[str, Any] = asdict(TrainingOptions())
_HINTS = get_type_hints(TrainingOptions)


def value_type(name: str) -> type:
    """Return the type of an option's value where it is not None."""
    return plain_type(_HINTS[name])


def checked(name: str, value: Any, shown: str | None = None) -> Any:
    """Return the value of an option in its type; UsageError, which calls the option `shown`, if it is wrong."""
    return check_value(shown or name, value, _HINTS[name], OPTIONS[name])
