"""A classifier as one module from pixels to answers, which is what is exported."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..abstention import InputsOf
from ..classifier import Classifier
from .unknown import Unknown

OUTPUTS = ("probabilities", "logits")


class _WithoutDivisors(TorchFunctionMode):
    """Computes average pooling with a divisor of one's own (LeNet-5's sums) as the plain mean, times a number.

    Both exporters leave the divisor out without a word.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is not torch.nn.functional.avg_pool2d:
            return func(*args, **kwargs)
        names = ("input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")
        given = dict(zip(names, args, strict=False)) | kwargs
        divisor = given.pop("divisor_override", None)
        if divisor is None or given.get("ceil_mode"):
            return func(*args, **kwargs)
        size = given["kernel_size"]
        area = math.prod(size) if isinstance(size, Sequence) else size**2
        return func(**given | {"count_include_pad": True}) * (area / divisor)


class Answering(nn.Module):
    """A classifier from pixels to answers: normalisation, network, softmax or sigmoid, as `Classifier` has them.

    With what its bundle knows about that, also which answers should be "unknown".
    """

    def __init__(self, classifier: Classifier):
        super().__init__()
        self.network, self.task, self.preprocess = classifier.network, classifier.task, classifier.preprocess
        abstention = classifier.abstention
        self.familiar = abstention.familiar
        self.unknown = Unknown(abstention, classifier.device) if abstention.refuses else None
        self.names = [*OUTPUTS, *(self.unknown.names if self.unknown is not None else [])]

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Return what `names` lists of uint8 pixels N x C x H x W: probabilities and logits are N x classes."""
        inputs = None if self.familiar is None else InputsOf(self.network, self.familiar.layer)
        with _WithoutDivisors():
            logits = (inputs or self.network)(self.preprocess.normalize(pixels)).float()
        further = () if self.unknown is None else self.unknown(logits, None if inputs is None else inputs.features)
        return self.task.probabilities(logits), logits, *further
