"""Which PyTorch this is, for what an older one lacks."""

from __future__ import annotations

import torch

RELEASE = tuple(int(part) for part in torch.__version__.split(".")[:2])
"""Major and minor version."""
