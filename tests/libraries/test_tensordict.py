from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "its own work is recorded too, such as `_foreach_mul`"
"""What a person who records a model of this library should know."""
LINES = 26
"""Lines of the snapshot."""


def test_modules_that_read_and_write_a_dictionary() -> None:
    tensordict = pytest.importorskip("tensordict")
    nn = pytest.importorskip("tensordict.nn")

    def build() -> torch.nn.Module:
        first = nn.TensorDictModule(torch.nn.Linear(3, 4), in_keys=["x"], out_keys=["hidden"])
        return nn.TensorDictSequential(first, nn.TensorDictModule(torch.relu, in_keys=["hidden"], out_keys=["y"]))

    def made(model: Any, args: Any) -> torch.Tensor:
        found: torch.Tensor = (model(tensordict.TensorDict({"x": args[0]}, [2])) * 2)["y"]
        return found

    assert require_recorded(build, (torch.randn(2, 3),), runs=made) == LINES
