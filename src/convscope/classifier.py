"""The Classifier: a network, the names of its classes and the preprocessing it was trained with, saved together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from .abstention import Abstention, Refusal, abstention_of
from .assumed import assumed_names, assumed_preprocess, origin_of, taking_images, with_logits
from .bundle import read_bundle, write_bundle
from .bundle_config import CONFIG, find_bundle, make_config, task_of
from .bundle_file import read_part
from .data.image_file import UnreadableImage
from .data.preprocess import Preprocess
from .errors import DataError, UsageError, printable
from .graph_network import GraphNetwork, read_graph
from .models import Card, is_source, own_card
from .models.own.input_size import refusal
from .models.own.outputs import ONE_OUTPUT
from .pictures import NOT_FINITE, ImageLike, check_topk, named
from .prediction import Answer, answers, image_pixels, logits_of, measured
from .ranking import ImageResult, Prediction, best
from .task import Task


class Classifier:
    """What training makes, and what predicting, evaluating, explaining, exporting and serving take.

    Any `nn.Module` can be one: `Classifier(network, class_names)`. `architecture` and `model_args` (with `num_classes`
    and `in_channels`) are what `create_model` was given; of a person's own network, its file and class. What is left
    out is found out, and said in a warning: `preprocess` by trying which images the network takes, `class_names` as
    numbers. A network that ends with softmax or returns several tensors is read as it means it. `metrics` are figures
    measured when it was saved. `task` says whether an image has one class or several labels, `abstention` when an
    answer should be "unknown". UsageError if the network
    gives no row of numbers per image, or another number of them than there are classes.
    """

    def __init__(
        self,
        network: nn.Module,
        class_names: Sequence[str] | None = None,
        preprocess: Preprocess | None = None,
        architecture: str | None = None,
        model_args: dict[str, Any] | None = None,
        metrics: dict[str, Any] | None = None,
        task: Task | None = None,
        abstention: Abstention | None = None,
    ):
        self.network, self.abstention = network, abstention or Abstention()
        self.metrics, self.task = metrics or {}, task or Task()
        if architecture is not None and preprocess is not None and class_names is not None and model_args is not None:
            self.architecture, self.model_args = architecture, model_args
            self.class_names, self.preprocess = list(class_names), preprocess
            return
        name, made_with = origin_of(network)
        self.network = network = taking_images(network)
        self.architecture = architecture or name
        self.preprocess = preprocess or assumed_preprocess(network, self.architecture)
        size = self.preprocess.input_size
        if reason := refusal(network, size):
            raise UsageError(f"{self.architecture} cannot take {' x '.join(map(str, size))}: {printable(reason)}")
        self.network, outputs = with_logits(network, size, self.architecture)
        if outputs == 1 and not self.task.multi_label:
            raise UsageError(f"{self.architecture} {ONE_OUTPUT}")
        self.class_names = assumed_names(network, outputs) if class_names is None else list(map(str, class_names))
        if len(self.class_names) != outputs:
            raise UsageError(
                f"{self.architecture} has {outputs} outputs, but there are {len(self.class_names)} class names"
            )
        self.model_args = (model_args or made_with) | {"num_classes": outputs, "in_channels": size[0]}

    def save(self, folder: str | Path, trained_on: str | None = None) -> Path:
        """Write the bundle `folder`, atomically; an older bundle there is replaced as a whole.

        The model card in it says what data the classifier was `trained_on`.
        """
        config = make_config(
            self.architecture, self.model_args, self.class_names, self.preprocess, self.metrics, self.task,
            self.abstention,
        )  # fmt: skip
        write_bundle(Path(folder), self.network, config, self.abstention.files(), trained_on)
        return Path(folder)

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return next(iter([*self.network.parameters(), *self.network.buffers()])).device

    @property
    def runtime(self) -> str:
        """What computes the answers: "torch", or "onnxruntime" in the place of a network whose code is not there."""
        return "onnxruntime" if isinstance(self.network, GraphNetwork) else "torch"

    def pixels(self, image: ImageLike) -> Tensor:
        """Return the uint8 pixels C x H x W that the network gets of one image, before normalisation.

        DataError for an image that cannot be used; its message begins with the path, if the image is a file.
        """
        try:
            return image_pixels(image, self.preprocess)
        except UnreadableImage as problem:
            raise type(problem)(named(image, str(problem))) from problem

    def logits(self, pixels: Tensor) -> Tensor:
        """Return the logits N x classes, float32 on the CPU, of uint8 pixels N x C x H x W from `preprocess`."""
        self.network.eval()
        return logits_of(self.network, self.preprocess, pixels, self.device)

    def probabilities(self, images: Iterable[ImageLike], batch_size: int | None = None) -> Tensor:
        """Return the probabilities N x classes of several images; DataError as `predict`.

        Each row sums to 1; of a classifier that gives several labels, every probability is independent of the others.
        """
        rows = [_logits_or_error(answer) for answer in self._answers(images, batch_size)]
        return self.task.probabilities(torch.stack(rows)) if rows else torch.empty(0, len(self.class_names))

    def predict(
        self, images: ImageLike | Iterable[ImageLike], topk: int = 5, set_coverage: float | None = None
    ) -> list[Prediction] | list[list[Prediction]]:
        """Return the `topk` likeliest classes, best first: one list for one image, a list of lists for several.

        An image is a path, the bytes of a file, a Pillow image, a NumPy array (H x W or H x W x 1, 3 or 4) or a tensor
        (H x W or C x H x W). Several are a list of those, an array N x H x W x C or a tensor N x C x H x W. Numbers are
        uint8 0..255, uint16 0..65535, bool, or floats 0..1. Raises DataError for an image that cannot be used.

        With `set_coverage`, such as 0.9, each `Prediction` says whether it is `in_set`, and there are at least as many
        as are: the true class is among them in that share of cases. UsageError if the bundle holds nothing for sets.
        """
        check_topk(topk)
        self.least_of_sets(set_coverage)  # before anything is computed
        several = _several(images)
        if several is None:
            logits = self.logits(self.pixels(images)[None])  # type: ignore[arg-type]
            if not logits.isfinite().all():
                raise DataError(named(images, NOT_FINITE))  # type: ignore[arg-type]
            return self.best(self.task.probabilities(logits), topk, set_coverage)[0]
        return self.best(self.probabilities(several), topk, set_coverage)

    def least_of_sets(self, coverage: float | None) -> float | None:
        """Return the probability from which on a class is in the set with this coverage, as `Abstention` has it."""
        return self.abstention.least_of_sets(coverage, self.task.multi_label)

    def predict_each(
        self, images: Iterable[ImageLike], topk: int = 5, set_coverage: float | None = None
    ) -> Iterator[ImageResult]:
        """Yield the `topk` likeliest classes of each image as soon as they are known, in bounded memory.

        An image that cannot be read has a `reason` instead; DataError only for an array that is not an image.
        """
        check_topk(topk)
        for answer in self._answers(images):
            if answer.logits is None:
                yield ImageResult(answer.image, [], answer.reason)
            else:
                best = self.best(self.task.probabilities(answer.logits[None]), topk, set_coverage)[0]
                refusal = self.abstention.refusal(answer.logits, answer.distance, self.class_names)
                yield ImageResult(answer.image, best, refusal=refusal)

    def refusal(self, pixels: Tensor) -> Refusal | None:
        """Return why the answer to uint8 pixels C x H x W from `pixels` should be "unknown"; None if it should not."""
        if not self.abstention.refuses:
            return None
        return self.abstention.refusal(*self._measured(pixels), self.class_names)

    def _measured(self, pixels: Tensor) -> tuple[Tensor, float | None]:
        """Return the logits of uint8 pixels C x H x W, and their distance to familiar pictures if that is known."""
        self.network.eval()
        familiar = self.abstention.familiar
        logits, distances = measured(self.network, self.preprocess, pixels[None], self.device, familiar)
        return logits[0], distances[0]

    def answer(self, image: ImageLike, topk: int = 5, set_coverage: float | None = None) -> ImageResult:
        """Return the `topk` likeliest classes of one image, or why it is "unknown"; DataError as `predict`."""
        check_topk(topk)
        logits, distance = self._measured(self.pixels(image))
        if not logits.isfinite().all():
            raise DataError(named(image, NOT_FINITE))
        best = self.best(self.task.probabilities(logits[None]), topk, set_coverage)[0]
        return ImageResult(image, best, refusal=self.abstention.refusal(logits, distance, self.class_names))

    def best(self, probabilities: Tensor, topk: int, set_coverage: float | None = None) -> list[list[Prediction]]:
        """Return the `topk` likeliest classes for each row of probabilities, as `ranking.best` has them."""
        least = self.least_of_sets(set_coverage)
        return best(probabilities.numpy(force=True), self.class_names, self.task.thresholds, topk, least)

    def _answers(self, images: Iterable[ImageLike], batch_size: int | None = None) -> Iterator[Answer]:
        self.network.eval()
        return answers(self.network, self.preprocess, images, self.device, batch_size, self.abstention.familiar)


def load(source: str | Path, model: Any = None) -> Classifier:
    """Load the classifier `source`: a run folder, a bundle (folder, zip or `hf://OWNER/NAME` on the hub) or a name.

    The name is that of a bundled classifier, or `last` for the newest run below the current directory. `model` is the
    class, the function, an instance or the `mynet.py:CNN` of a person's own network: a bundle holds its weights, not
    its code. Without it the bundle's graph answers, if it was exported (needs the extra `onnx`): that predicts, is
    evaluated and is served, a warning says so, and a ModelFileError follows where the code is needed. Raises
    ModelFileError if there is no such classifier, if it is damaged or does not fit; nothing in the files is executed.

    >>> from convscope import load_data
    >>> zero = load_data("mnist-5k").splits["test"].images[0]
    >>> load("mnist-lenet5").predict(zero, topk=1)[0].label
    '0'
    """
    bundle, card = find_bundle(source), card_of(model)
    abstention, found = None, read_graph(bundle) if card is None else None
    if found is None:
        network, config = read_bundle(bundle, model=card)
    else:
        network, config, abstention = found
    return Classifier(
        network,
        config["label_names"],
        Preprocess.from_dict(config["preprocessing"]),
        config["architecture"],
        config["model_args"],
        config.get("metrics", {}),
        task_of(config),
        abstention or abstention_of(config, f"{printable(bundle)}: {CONFIG}", partial(read_part, bundle)),
    )


def card_of(model: Any) -> Card | None:
    """Return the card of a person's own network, whichever way it is given; None for None."""
    if isinstance(model, str) and not is_source(model):
        raise UsageError(f"model {printable(model)}: only a network of one's own has to be given, as FILE.py:CLASS")
    return model if model is None or isinstance(model, Card) else own_card(model)


def _logits_or_error(answer: Answer) -> Tensor:
    if answer.logits is None:
        raise DataError(named(answer.image, answer.reason))
    return answer.logits


def _several(images: Any) -> list[Any] | None:
    """Return several images as a list, None for a single one."""
    if isinstance(images, str | Path | bytes | Image.Image):
        return None
    if isinstance(images, np.ndarray | Tensor):
        return list(images) if images.ndim == 4 else None
    try:
        return list(images)
    except TypeError:
        raise DataError(
            f"cannot read an image from {type(images).__name__}: give a path, Pillow image, array or tensor"
        ) from None
