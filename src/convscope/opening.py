"""Make a classifier of whatever a verb is to open, and say what its weights and its preprocessing are.

    convscope serve runs/train/digits              a run, a bundle, `last`, a bundled classifier
    convscope serve resnet50 --pretrained          a network of the catalogue or of timm
    convscope serve mynet.py:CNN --weights w.pt    a person's own, whose file is run

All verbs that look at one classifier go through `open_target`, so that the same words mean the same to each of them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .assumed import IMAGENET_CLASSES, imagenet_names, of_weights, usual_preprocess
from .bundle_config import bundled_names, find_bundle, read_config
from .classifier import Classifier, load
from .data.preprocess import Preprocess
from .errors import UsageError, printable
from .labels_file import read_labels
from .models import (
    CATALOGUE,
    Card,
    arguments_for,
    create_model,
    find_card,
    find_preparation,
    is_source,
    own_card,
    preparation_of_file,
    shapes_alone,
)  # fmt: skip
from .models.own import is_own, reads_logits, same_file
from .models.own.input_size import Size
from .models.own.network import OwnNetwork
from .models.tools.pretrained import WEIGHTS
from .models.tools.timm_networks import is_timm
from .run_folder import find_run
from .suggest import did_you_mean
from .target import Target, as_target, flag_of
from .weights_file import ENDINGS, classes_in, fit_weights

log = logging.getLogger("convscope")
FIRST_WEIGHTS = 0  # seed
# What the weights of an opened classifier are.
TRAINED, OWN_CODE, FRESH_HEAD, RANDOM = "trained", "own-code", "fresh-head", "random"
STATES = {
    TRAINED: "trained",
    OWN_CODE: "as the code gives them",
    FRESH_HEAD: "trained, but for the last layer",
    RANDOM: "not trained: these are random first weights",
}
# What is said of those of which nobody can be sure that they were trained.
CAUTIONS = {
    OWN_CODE: {
        "en": "the weights are those that its code gives it: random ones, unless it loads others (--weights FILE)",
        "zh": "权重由其代码给出：除非代码加载了权重，否则是随机的（可用 --weights FILE 指定）",
    },
    FRESH_HEAD: {
        "en": "the last layer is not trained: its weights are random, so the answers mean nothing",
        "zh": "最后一层未经训练：权重是随机的，因此答案没有意义",
    },
    RANDOM: {
        "en": "not trained: the weights are random, so the answers mean nothing (--pretrained or --weights FILE loads "
        "others)",
        "zh": "未经训练：权重是随机的，因此答案没有意义（可用 --pretrained 或 --weights FILE 加载权重）",
    },
}


@dataclass(frozen=True)
class Opened:
    """A classifier, the name it goes by, whether its weights were trained (`state`), and its bundle if it has one."""

    classifier: Classifier
    name: str
    state: str = TRAINED
    bundle: Path | None = None

    @property
    def caution(self) -> dict[str, str] | None:
        """What to know before one reads the answers, in English and Chinese; None for trained weights."""
        return CAUTIONS.get(self.state)


def open_target(target: str | Target) -> Opened:
    """Return the classifier that a target means, and say in warnings what was assumed of it.

    ModelFileError if there is no such run or network or if weights do not fit, UsageError for options that do not go
    with it, DataError if public weights cannot be downloaded.
    """
    target = as_target(target)
    card = network_of(target)
    if card is not None:
        return open_network(card, target)
    bundle = find_bundle(target.source)
    return Opened(load(bundle, target.model), bundle.name.removesuffix(".zip"), bundle=bundle)


def code_of_bundle(bundle: Path, given: Any) -> Any:
    """Return the code of a bundle's own network, as it was given or from the same file; None if it needs none."""
    architecture = read_config(bundle)["architecture"]
    return same_file(given, architecture) if is_own(architecture) else None


def names_network(source: str) -> bool:
    """Tell whether a text means a network, not a run or a bundle."""
    return is_source(source) or is_timm(source) or source in CATALOGUE


def network_of(target: Target) -> Card | None:
    """Return the card of the network that a target names; None where it means a run or a bundle.

    UsageError if its options do not go with that, or if there are both a network and a run of that name.
    """
    source = target.source
    if is_source(source):
        if target.model is not None:
            raise UsageError(f"--model: {printable(source)} names the code already: leave --model out")
        return own_card(source)
    if is_timm(source):
        card = find_card(source)
    elif source in CATALOGUE:
        _check_unique(source)
        card = CATALOGUE[source]
    else:
        _check_run_options(target)
        return None
    if target.model is not None:
        raise UsageError(f"--model: {source} is a network of the catalogue: leave --model out")
    return card


def _check_unique(name: str) -> None:
    folder = find_run(name, bundled_names()).path
    if folder.is_dir() and any((folder / part).exists() for part in ("recipe.yaml", "config.json")):
        path = f"./{folder}" if folder.name == str(folder) else str(folder)
        raise UsageError(
            f"{name} is a network and a run: {printable(path)} is the run; for the network, call from another folder"
        )


def _check_run_options(target: Target) -> None:
    """Raise an error for options that only networks take, a file of weights without a network, or a mistyped name."""
    source, shown = target.source, printable(target.source)
    exists = find_run(source, bundled_names()).path.exists() or source in (*bundled_names(), "last")
    if Path(source).suffix.lower() in ENDINGS and Path(source).is_file():
        raise UsageError(
            f"{shown} holds weights without a network: name the network and give the file with --weights {shown}"
        )
    options = [name for name in target.given() if name != "model"]
    is_near = did_you_mean(source, CATALOGUE, cutoff=0.7) and not did_you_mean(source, bundled_names(), cutoff=0.7)
    if not exists and (options or is_near):
        find_card(source)  # says which network may have been meant
    for name in options:
        what = {"labels": "labels", "num_classes": "classes", "in_channels": "channels"}.get(name, "weights")
        what = "preprocessing" if name in ("img_size", "mean", "std") else what
        raise UsageError(f"{flag_of(name)}: {shown} is trained and has its own {what}: leave {flag_of(name)} out")


def open_network(card: Card, target: Target) -> Opened:
    """Return the classifier of a target that names the network with this card, as `open_target`."""
    _check_weights_options(card, target)
    size = size_of(card, target)
    names = None if target.labels is None else read_labels(target.labels)
    arguments = _arguments(card, target, size, names)
    with torch.random.fork_rng(devices=[]):  # the same first weights each time: a link, or a program, shows the same
        torch.manual_seed(FIRST_WEIGHTS)
        network = create_model(card, pretrained=target.pretrained, weights_dir=target.weights_dir, **arguments)
    state = RANDOM
    if isinstance(card.build, OwnNetwork):
        state = OWN_CODE
        for note in card.build.notes if reads_logits(network) else []:  # else the classifier finds them itself
            log.warning("%s", note)
    preprocess = _preprocess(card, target, size)
    if target.pretrained:
        state = TRAINED if target.num_classes in (None, _outputs_of(card)) else FRESH_HEAD
    if target.weights is not None:
        fitted = fit_weights(network, target.weights, card.name, size)
        for line in fitted.notes:
            log.warning("%s", line)
        state = FRESH_HEAD if fitted.fresh else TRAINED
    classifier = Classifier(network, names, preprocess, card.name, arguments)
    if names is None and state == TRAINED and _is_of_imagenet(card, classifier):
        classifier.class_names = imagenet_names()
    opened = Opened(classifier, card.name, state)
    if opened.caution is not None:
        log.warning("%s: %s", printable(card.name), opened.caution["en"])
    return opened


def size_of(card: Card, target: Target) -> Size:
    """Return the input size of a network: the paper's, or what it was found to take, with what the target changes."""
    if target.img_size is not None and target.img_size < 1:
        raise UsageError(f"--img-size must be at least 1, not {target.img_size}")
    channels, height, width = card.input_size
    return target.in_channels or channels, target.img_size or height, target.img_size or width


def bare_network(card: Card, target: Target, weights: bool) -> tuple[nn.Module, Size]:
    """Return a network and its input size: with its first weights, or computing shapes alone."""
    size = size_of(card, target)
    given = {} if target.num_classes is None else {"num_classes": target.num_classes}
    return (create_model if weights else shapes_alone)(card, **arguments_for(card, size, **given)), size


def _check_weights_options(card: Card, target: Target) -> None:
    own = isinstance(card.build, OwnNetwork)
    if target.pretrained and own:
        raise UsageError(f"--pretrained: there are no public weights of {card.name}: give its weights with --weights")
    if target.pretrained and target.weights is not None:
        raise UsageError("--pretrained and --weights both give the weights: leave one out")
    if target.weights_dir is not None and not target.pretrained:
        raise UsageError("--weights-dir is where --pretrained looks for public weights: add --pretrained")


def _arguments(card: Card, target: Target, size: Size, names: list[str] | None) -> dict[str, Any]:
    """Return the arguments that build the network with as many classes as there are names or the weights are for."""
    if names is not None and target.num_classes not in (None, len(names)):
        raise UsageError(f"--num-classes {target.num_classes}, but --labels has {len(names)} names: leave one out")
    number = target.num_classes if names is None else len(names)
    if names is not None and target.pretrained and len(names) != (public := _outputs_of(card)):
        raise UsageError(
            f"--labels has {len(names)} names, but the public weights of {card.name} know {public} classes"
        )
    if target.weights is not None:
        trial = _trial(card, size, number)
        known = classes_in(trial, target.weights, card.name, size)
        if names is not None and known not in (None, len(names)):
            shown = printable(target.weights)
            raise UsageError(f"--labels has {len(names)} names, but the weights in {shown} are for {known} classes")
        if number is None and known is not None and _takes_classes(card):
            number = known
    return arguments_for(card, size, **({} if number is None else {"num_classes": number}))


def _trial(card: Card, size: Size, number: int | None) -> nn.Module:
    """Build a network to compare a file of weights with; some of people's own need a number of classes."""
    try:
        return create_model(card, **arguments_for(card, size))
    except UsageError:
        if not _takes_classes(card):
            raise
        return create_model(card, **arguments_for(card, size, num_classes=number or 10))


def _takes_classes(card: Card) -> bool:
    """Tell whether a network can be built for any number of classes."""
    return not isinstance(card.build, OwnNetwork) or card.build.classes is not None or card.build.takes_more


def _outputs_of(card: Card) -> int:
    """Return the number of classes that a network's public weights are for."""
    network = shapes_alone(card)
    return int(network.eval()(torch.empty(1, *card.input_size, device="meta")).shape[1])


def _preprocess(card: Card, target: Target, size: Size) -> Preprocess | None:
    """Return the preprocessing that goes with a network and its weights, and say it where it is assumed."""
    border = card.border if size[1:] == card.input_size[1:] else 0
    scaling = target.scaling(size[0])
    if scaling is not None:
        return Preprocess(size, *scaling, border=border)
    weights = None
    if target.weights is not None:
        weights = preparation_of_file(card, size)
    elif target.pretrained or is_timm(card.name):
        weights = find_preparation(card, target.pretrained)
    if weights is not None:
        preprocess = of_weights(weights, size)
        if target.weights is not None:
            log.warning("%s", preprocess.scaling)
        return preprocess
    if card.mean is not None and card.std is not None:
        return Preprocess(size, (card.mean,) * size[0], (card.std,) * size[0], border=border)
    own = isinstance(card.build, OwnNetwork)
    return usual_preprocess(card.name, size, border, say=own or target.weights is not None)


def _is_of_imagenet(card: Card, classifier: Classifier) -> bool:
    """Tell whether weights from a file are likely to be for ImageNet's classes, which is then said."""
    known = is_timm(card.name) or card.name in WEIGHTS
    if not known or len(classifier.class_names) != IMAGENET_CLASSES:
        return False
    if getattr(classifier.network, "is_pretrained", False):
        return True
    log.warning("%s has 1,000 classes: they are taken for ImageNet's (--labels FILE names others)", card.name)
    return True
