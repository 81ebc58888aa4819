"""What the tests of all methods explain."""

from __future__ import annotations

import pytest
import torch

from .networks import Own


@pytest.fixture
def own():
    torch.manual_seed(0)
    return Own()


@pytest.fixture
def images():
    return torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
