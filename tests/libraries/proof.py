"""What is asked of a model of any library: it is recorded, proved, repeats, and is afterwards what it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.testing import assert_close

from pytest_torchgraph import trace
from pytest_torchgraph.canonical.building import canonical
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.writer import write


def require_recorded(build: Callable[[], Any], args: Any, *, runs: Callable[[Any, Any], Any] | None = None) -> int:
    """Record what *build* makes twice, prove the second record, and return how many lines its snapshot takes.

    *runs* is how the model is called, where that is not ``model(*args)``.
    """
    untouched, model = seeded(build), seeded(build)
    called = model if runs is None else lambda *given: runs(model, given)
    program = canonical(trace(called, args, warmup=1))
    assert canonical(trace(called, args, warmup=1, verify=True)) == program
    text = write(program, test="test", recorded="here")
    assert read(text).program == program
    again = untouched if runs is None else lambda *given: runs(untouched, given)
    for _ in range(2):
        torch.manual_seed(0)
        expected = again(*args)
        torch.manual_seed(0)
        assert_close(called(*args), expected, rtol=0, atol=0, equal_nan=True)
    return len(text.splitlines())


def seeded(build: Callable[[], Any]) -> Any:
    """What *build* makes from the same random numbers; a copy would keep hooks of the model that it was made of."""
    torch.manual_seed(0)
    return build()
