"""The names in `choices.py` are those of the tables that they stand for."""

from __future__ import annotations

import pytest

from convscope import choices
from convscope.data.augment import AUGMENTATIONS
from convscope.data.sampler import SAMPLERS
from convscope.evaluation.tta import VIEWS
from convscope.insight import METHODS
from convscope.models.tools.classical_head import HEADS
from convscope.training.fit_head import FITS


@pytest.mark.parametrize(
    ("names", "table"),
    [
        (choices.SAMPLERS, SAMPLERS),
        (choices.TTA_VIEWS, VIEWS),
        (choices.CLASSICAL_HEADS, HEADS),
        (choices.CLASSICAL_HEADS, FITS),
        (choices.AUGMENTATION_NAMES, AUGMENTATIONS),
        (choices.ATTRIBUTION_METHODS, METHODS),
    ],
)
def test_the_names_are_those_of_the_table(names, table):
    assert set(names) == set(table) and len(names) == len(table)
