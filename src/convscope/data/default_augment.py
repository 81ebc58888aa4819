"""The augmentation that suits a data set, for those who ask for none by name."""

from __future__ import annotations

from .split import Data

# By the kind of data that recipes distinguish: photos may be mirrored, digits and other signs may not.
AUGMENT = {"digits": "affine", "photos": "flip,shift=0.125", "few-photos": "flip,shift=0.125,trivial-augment"}
# With fewer training images than this, augmentation that generalises matters more than speed.
FEW = 5000


def kind_of(data: Data) -> str:
    """Return the kind of data that recipes distinguish: `digits`, `photos` or `few-photos`."""
    return "few-photos" if data.kind == "photos" and len(data.splits["train"]) < FEW else data.kind


def augmentation_for(text: str, data: Data) -> str:
    """Return the augmentation `text`, where `auto` stands for the one that suits the data."""
    return AUGMENT[kind_of(data)] if text == "auto" else text
