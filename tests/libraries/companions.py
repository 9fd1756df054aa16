"""torchaudio and torchvision where their compiled parts do not load.

Those are made for one build of PyTorch: what the package index has loads beside PyTorch with CUDA alone. No model here
runs a kernel of theirs, so that the rest is imported without it.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


def without_kernels_of_torchaudio(patch: pytest.MonkeyPatch) -> None:
    """Let ``import torchaudio`` not load its kernels, as it does where they were not built."""
    extension: Any = ModuleType("torchaudio._extension")
    extension._IS_TORCHAUDIO_EXT_AVAILABLE = False
    extension.fail_if_no_align = lambda function: function
    patch.setitem(sys.modules, extension.__name__, extension)


def without_kernels_of_torchvision(patch: pytest.MonkeyPatch) -> None:
    """Let ``import torchvision`` not tell the shapes of what its kernels would give."""
    patch.setitem(sys.modules, "torchvision._meta_registrations", ModuleType("torchvision._meta_registrations"))
