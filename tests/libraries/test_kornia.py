from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "augmentations choose by `where`, not by index: counts do not vary"
"""What a person who records a model of this library should know."""
LINES = 81
"""Lines of the snapshot."""


def test_filters() -> None:
    filters = pytest.importorskip("kornia").filters
    lines = require_recorded(
        lambda: nn.Sequential(filters.GaussianBlur2d((3, 3), (1.5, 1.5)), filters.Sobel()),
        (torch.rand(1, 3, 16, 16),),
    )
    assert lines == LINES
