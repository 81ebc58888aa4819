"""What a verb is to open, as it was typed: a run, a bundle, a network by name or a person's own, and its weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from .errors import UsageError, printable


@dataclass(frozen=True)
class Target:
    """What to open; `opening.open_target` makes a classifier of it.

    `source` is a run, a bundle, the name of a network, or FILE.py:CLASS. `model` is the code of a run's own network.
    The other fields are for networks: public weights (`pretrained`, looked for in `weights_dir`) or those in the file
    `weights`, the file with the names of the classes, and what differs from the paper. `mean` and `std` are numbers
    from 0 to 1, separated by commas, as they were typed.
    """

    source: str
    model: Any = None
    pretrained: bool = False
    weights: str | None = None
    weights_dir: str | None = None
    labels: str | None = None
    num_classes: int | None = None
    in_channels: int | None = None
    img_size: int | None = None
    mean: str | None = None
    std: str | None = None

    def given(self) -> dict[str, Any]:
        """Return the fields beside `source` that were given, by their name."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "source"}
        return {name: value for name, value in values.items() if value is not None and value is not False}

    def flags(self) -> list[str]:
        """Return what stood on the command line beside `source`."""
        words: list[str] = []
        for name, value in self.given().items():
            words += [flag_of(name)] if value is True else [flag_of(name), str(value)]
        return words

    def scaling(self, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
        """Return mean and deviation per channel, None if they were not given; UsageError if they are not right."""
        if self.mean is None and self.std is None:
            return None
        if self.mean is None or self.std is None:
            raise UsageError("--mean and --std go together: give both, or neither")
        mean, deviation = _numbers("--mean", self.mean, channels), _numbers("--std", self.std, channels)
        if min(deviation) == 0:
            raise UsageError("--std must be above 0")
        return mean, deviation


def _numbers(flag: str, text: str, channels: int) -> tuple[float, ...]:
    try:
        numbers = tuple(float(number) for number in text.split(","))
    except ValueError:
        raise UsageError(f"{flag} {printable(text)}: give numbers separated by commas, such as 0.5,0.5,0.5") from None
    if len(numbers) not in (1, channels) or not all(0 <= number <= 1 for number in numbers):
        raise UsageError(f"{flag} {printable(text)}: give one number from 0 to 1, or {channels}, one per channel")
    return numbers * channels if len(numbers) == 1 else numbers


def flag_of(name: str) -> str:
    """Return how a field is written on the command line."""
    return f"--{name.replace('_', '-')}"


def as_target(source: str | Target) -> Target:
    """Return a target, of one that is given as text alone."""
    return source if isinstance(source, Target) else Target(source)


def targets_of(sources: Sequence[str], **options: Any) -> list[Target]:
    """Return several targets with the same options."""
    return [Target(source, **options) for source in sources]
