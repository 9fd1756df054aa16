"""Small inputs for PyTorch's API calls: those of its own tests."""

from __future__ import annotations

import sys
import unittest
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from types import ModuleType
from typing import Any

import torch

PER_CALL = 24
PREFIXES = ("nn.functional.", "linalg.", "fft.", "special.", "sparse.")


def api_samples(names: Collection[str] = ()) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Full names of API calls, each with a run on the CPU in float32; *names* alone where it is not empty."""
    for info in infos():
        name = api_name(info)
        if name is not None and (not names or name in names):
            for sample in samples_of(info):
                yield name, partial(info.op, sample.input, *sample.args, **sample.kwargs)


def sample_names() -> list[str]:
    """The calls that have samples, sorted."""
    return sorted({name for name in map(api_name, infos()) if name is not None})


def api_name(info: Any) -> str | None:
    """``torch.nn.functional.relu``; ``None`` for what is no function or method of the API."""
    if info.name.startswith(PREFIXES) or callable(getattr(torch, info.name, None)):
        return f"torch.{info.name}"
    return f"torch.Tensor.{info.name}" if callable(getattr(torch.Tensor, info.name, None)) else None


def infos() -> list[Any]:
    """PyTorch's own descriptions of its calls, with makers of inputs."""
    with warnings.catch_warnings(), expecttest_importable():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_methods_invocations import op_db
    found: list[Any] = op_db
    return found


def samples_of(info: Any) -> list[Any]:
    """The first samples of one call; none where it has no float32 or cannot make them here."""
    dtype = torch.float32 if torch.float32 in info.dtypes else next(iter(sorted(info.dtypes, key=str)), None)
    if dtype is None:
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return list(islice(info.sample_inputs("cpu", dtype, requires_grad=False), PER_CALL))
    except Exception:  # noqa: BLE001  makers of samples need optional packages, other devices and more
        return []


@contextmanager
def expecttest_importable() -> Iterator[None]:
    """PyTorch's test package derives one class from ``expecttest.TestCase``, and needs nothing else of that package."""
    missing = "expecttest" not in sys.modules
    if missing:
        stand_in = ModuleType("expecttest")
        vars(stand_in)["TestCase"] = unittest.TestCase
        sys.modules["expecttest"] = stand_in
    try:
        yield
    finally:
        if missing:
            del sys.modules["expecttest"]
