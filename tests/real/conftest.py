"""The same weights and inputs in every run."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Seed before the test builds its model."""
    torch.manual_seed(0)
