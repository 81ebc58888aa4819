"""Prepare the data: from a data set and a recipe to decoded pixels, preprocessing and the network's arguments."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor, nn

from ...data.augment import frame_side
from ...data.decoded import Decoded, Reading, decode_data, decode_split
from ...data.preprocess import Preprocess
from ...data.split import Data, split_table
from ...data.value_range import measure_levels
from ...errors import DataError, UsageError, printable, require_extra
from ...evaluation.fit_abstention import halves
from ...evaluation.tta import frame_for
from ...models import Card, arguments_for, find_card, find_preparation, preparation_of_file, shapes_alone
from ...models.tools.own_loss import own_loss
from ...models.tools.pretrained import Weights
from ..loop.progressive import SCALES
from ..recipe.recipe import Recipe
from ..transfer.freeze import find_body
from ..transfer.from_run import EarlierRun
from .img_size import default_size
from .random_crop import with_frame

log = logging.getLogger("convscope")
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@dataclass
class PreparedData:
    """A data set, its decoded splits, the preprocessing, and the arguments of a network that takes such images.

    `earlier` is the run whose weights the network starts from, if there is one. `frames` has the splits val and test
    with the pixels around the network's input, if the views of test-time augmentation need them.
    """

    data: Data
    parts: dict[str, Decoded]
    preprocess: Preprocess
    model_args: dict[str, Any]
    earlier: EarlierRun | None = None
    frames: dict[str, Decoded] = field(default_factory=dict)

    @cached_property
    def choosing(self) -> dict[str, Decoded]:
        """The splits with only that half of the validation images which chooses the epoch, see `fit_abstention`."""
        return {name: part.take(self.cut_val[0]) if name == "val" else part for name, part in self.parts.items()}

    @cached_property
    def cut_val(self) -> tuple[Tensor, Tensor]:
        """The places of the validation images that choose the epoch, and of those that test when not to answer."""
        val = self.parts["val"]
        return halves(val.labels, self.data.groups_of(val.names))

    @property
    def lends_held_out(self) -> bool:
        """Whether the network may learn from the validation images once they are measured.

        That is if they were taken from the training images, and none of them tests when not to answer.
        """
        held = self.data.divided or self.data.held_out
        return held and "val" in self.parts and not len(self.cut_val[1])

    def split_table(self) -> bytes:
        """Return the table of which image is in which split, with the digests of files: see `data.split`."""
        digests: dict[str, bytes] = {}
        for part in self.parts.values():
            digests |= dict(zip(part.names, part.digests, strict=False))  # arrays have none
        return split_table(self.data, digests)

    @property
    def identity(self) -> str:
        """A record of the classes and images, which a resumed run must share."""
        digest = hashlib.blake2b(digest_size=16)
        for part in self.parts.values():
            digest.update(part.identity())
        sizes = {name: len(part) for name, part in self.parts.items()}
        return json.dumps({"classes": self.data.class_names, "images": sizes, "content": digest.hexdigest()})


def prepare_data(
    data: Data, recipe: Recipe, strict: bool = False, show: bool = False, own: Card | None = None
) -> PreparedData:
    """Decode the images at the network's input size, and measure mean and deviation where the network has none.

    With `strict`, a file that cannot be used is a DataError; `show` draws a progress bar. `own` is the card of a
    person's own network.
    """
    card = own or find_card(recipe.model)
    if recipe.head not in ("own", "knn"):
        require_extra("heads", "sklearn", f"head {recipe.head} needs scikit-learn")
    if "train" not in data.splits or not len(data.splits["train"]):
        raise DataError(f"{printable(data.name)}: there is no training image")
    channels = recipe.in_channels or card.fixed_channels or data.channels
    options = {"num_classes": len(data.class_names), **recipe.model_args}
    size = recipe.img_size or default_size(card, data, channels, options)
    model_args = arguments_for(card, (channels, size, size), **options)
    if recipe.progressive:
        _require_any_size(card, channels, size, model_args)
    if recipe.batch_size == 1:
        _require_single_images(recipe, card, channels, size, model_args)
    if data.multi_label:
        _require_multi_label(recipe, card, model_args)
    earlier = EarlierRun(recipe.from_run, own) if recipe.from_run else None
    known = _known_preprocessing(card, recipe, (channels, size, size), earlier)
    preprocess = known or _unscaled(card, recipe, (channels, size, size))
    if preprocess.levels is None and (measured := measure_levels(data.splits["train"])):
        log.warning("%s", measured.words)
        preprocess = replace(preprocess, levels=measured.levels)
    preprocess, reading = with_frame(preprocess, recipe, data), Reading(recipe.cache, recipe.workers, show)
    frame = preprocess.frame if frame_side(recipe.augment) else None
    parts = decode_data(data, preprocess, strict, reading, frame)
    frames = _frames(data, parts, preprocess, recipe, reading)
    if known is None:
        preprocess = preprocess.scaled_by(parts["train"].statistics())
    return PreparedData(data, parts, preprocess, model_args, earlier, frames)


def _frames(
    data: Data, parts: dict[str, Decoded], preprocess: Preprocess, recipe: Recipe, reading: Reading
) -> dict[str, Decoded]:
    """Decode the splits that are measured with what lies around the input, if test-time augmentation needs it."""
    frame = frame_for(recipe.tta, preprocess)
    if frame is None:
        return {}
    return {name: decode_split(data.splits[name], frame, reading) for name in parts if name != "train"}


def _require_multi_label(recipe: Recipe, card: Card, model_args: dict[str, Any]) -> None:
    """Raise UsageError if the recipe cannot train several labels per image."""
    if recipe.head != "own":
        raise UsageError(f"head {recipe.head} gives one class per image, not several labels: leave --head out")
    with torch.device("meta"):
        network = shapes_alone(card, **model_args)
        loss = own_loss(network)
        if loss is None:
            return
        if recipe.class_weights != "none":
            raise UsageError(
                f"class_weights: the loss of {recipe.model} cannot weigh several labels per image: leave it out"
            )
        blank = torch.zeros(2, model_args["num_classes"])
        loss(blank, blank)


def _unscaled(card: Card, recipe: Recipe, input_size: tuple[int, int, int]) -> Preprocess:
    """Return the preprocessing before mean and deviation are known."""
    half = (0.5,) * input_size[0]
    border = card.border if input_size[1] > 2 * card.border else 0
    return Preprocess(input_size, half, half, crop_mode=recipe.crop_mode, border=border, superpixels=recipe.superpixels)


def _known_preprocessing(
    card: Card, recipe: Recipe, input_size: tuple[int, int, int], earlier: EarlierRun | None
) -> Preprocess | None:
    """Return the preprocessing of the weights to start from, or of the network's paper; None if it has none."""
    channels, size, _ = input_size
    if earlier is not None:
        if channels != earlier.preprocess.input_size[0]:
            raise UsageError(
                f"from_run: that network takes {earlier.preprocess.input_size[0]} channels: leave --in-channels out"
            )
        regions = recipe.superpixels or earlier.preprocess.superpixels
        return replace(earlier.preprocess, input_size=input_size, crop_mode=recipe.crop_mode, superpixels=regions)
    unscaled, weights = _unscaled(card, recipe, input_size), _preparation(card, recipe, input_size)
    if weights is not None:
        mean, std = weights.scaling(channels)
        # The margin that is cut off belongs to the size that the weights were made for.
        kept = weights.crop / weights.resize if size == weights.crop else 1.0
        return replace(unscaled, mean=mean, std=std, interpolation=weights.interpolation, crop_pct=kept)
    if card.mean is None or card.std is None:
        return None
    return replace(unscaled, mean=(card.mean,) * channels, std=(card.std,) * channels)


def _preparation(card: Card, recipe: Recipe, input_size: tuple[int, int, int]) -> Weights | None:
    """Return the preprocessing of the weights to start from; None if nothing is known of it."""
    return preparation_of_file(card, input_size) if recipe.weights else find_preparation(card, recipe.pretrained)


def _require_any_size(card: Card, channels: int, size: int, model_args: dict[str, Any]) -> None:
    """Raise UsageError if a network cannot take the smaller images of progressive resizing."""
    with torch.device("meta"):
        network = shapes_alone(card, **model_args)
        for _, scale in SCALES:
            small = max(round(size * scale), 1)
            try:
                network(torch.empty(2, channels, small, small))
            except (ValueError, RuntimeError) as problem:
                reason = str(problem).splitlines()[0]
                raise UsageError(f"progressive: {card.name} cannot begin with smaller images ({reason})") from problem


def _require_single_images(recipe: Recipe, card: Card, channels: int, size: int, model_args: dict[str, Any]) -> None:
    """Raise UsageError if batch norm would train on a single value per channel, which has no deviation.

    Where the maps that it normalises are larger than 1 x 1, it can train on a single image, and frozen it always can.
    """
    smallest = max(round(size * (SCALES[0][1] if recipe.progressive else 1)), 1)
    with torch.device("meta"):
        network = shapes_alone(card, **model_args).train()
        body = find_body(network, torch.empty(2, channels, size, size), recipe)
        if body is not None:
            body.freeze(float(recipe.freeze))
        for module in network.modules():
            if isinstance(module, BATCH_NORMS):
                module.register_forward_pre_hook(partial(_require_several_values, card.name))
        with contextlib.suppress(ValueError, RuntimeError):  # another fault of the network is named where it is used
            network(torch.empty(1, channels, smallest, smallest))


def _require_several_values(network: str, norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    """Raise UsageError before a batch norm in training mode gets a single value per channel."""
    if norm.training and inputs[0].numel() == inputs[0].shape[1]:
        raise UsageError(
            f"batch_size 1: batch norm in {network} cannot train on a single value per channel: "
            "give --batch-size 2 or more"
        )
