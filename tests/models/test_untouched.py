"""Every small model is afterwards what it was: one that was traced goes on like one that never was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from pytest_torchgraph.capture.binding import as_call
from pytest_torchgraph.capture.options import Options
from pytest_torchgraph.capture.step import sum_of
from pytest_torchgraph.capture.tracing import repeated
from tests.models import MODELS
from tests.models.example import Example
from tests.models.test_training import LEARNS_NOTHING, optimizer_of
from tests.portrait import portrait

RUNS = 3


class Planted(Exception):
    """What a loss of these tests raises."""


def built(make: Callable[[], Example]) -> tuple[Example, Any]:
    """A model fresh from its factory, always the same, and an optimizer of what it learns."""
    torch.manual_seed(0)
    example = make()
    return example, optimizer_of(example.model)


def traced_in_every_way(example: Example, optimizer: Any, *, learns: bool) -> None:
    """Run *example* as a check does that records, with a warm-up, and with a step; some of it raises."""
    step: dict[str, Any] = {"backward": True, "optimizer": optimizer} if learns else {}
    for options in ({}, {"warmup": 1}, step):
        with repeated(example.model, example.args, example.kwargs, Options(**options)) as again:
            for _ in range(RUNS):
                again()

    def fail(_: Any) -> Any:
        raise Planted

    raising = repeated(example.model, example.args, example.kwargs, Options(backward=fail))
    with pytest.raises(Planted), raising as again:
        again()


def called(example: Example) -> Any:
    """What the model returns."""
    args, kwargs = as_call(example.args, example.kwargs)
    return example.model(*args, **kwargs)


def lived(example: Example, optimizer: Any, *, learns: bool) -> Iterator[list[tuple[str, object]]]:
    """Portraits of everything: now, after each of two calls, and after each of two steps."""
    everything = (example.model, example.args, example.kwargs, optimizer)
    torch.manual_seed(1)
    yield portrait(*everything)
    for _ in range(2):
        with torch.no_grad():
            output = called(example)
        yield portrait(output, *everything)
    for _ in range(2 if learns else 0):
        sum_of(called(example)).backward()
        if optimizer is not None:
            optimizer.step()
            optimizer.zero_grad()
            clear_gradients_of_samples(optimizer)
        yield portrait(*everything)


def clear_gradients_of_samples(optimizer: Any) -> None:
    """Do what a library that hangs them on parameters does beside ``zero_grad``."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            vars(parameter).pop("grad_sample", None)


def require_untouched(make: Callable[[], Example], *, learns: bool) -> None:
    """A traced model goes on like one that never was."""
    plain, traced = built(make), built(make)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    traced_in_every_way(*traced, learns=learns)
    assert torch.equal(before, torch.get_rng_state())
    expected = list(lived(*plain, learns=learns))
    for place, found in enumerate(lived(*traced, learns=learns)):
        assert found == expected[place], f"portrait {place}"


@pytest.mark.parametrize("trait", MODELS)
def test_a_traced_model_goes_on_like_one_that_never_was(trait: str) -> None:
    require_untouched(MODELS[trait], learns=trait not in LEARNS_NOTHING)


@contextmanager
def nothing_put_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Plant a defect: what is built stays."""
    with monkeypatch.context() as patch:
        patch.setattr("pytest_torchgraph.capture.state.State.restore", lambda self: None)
        yield


@pytest.mark.parametrize("trait", ["lazy_layer", "act_norm", "containers", "wrapped_weight", "packed_weight"])
def test_what_is_not_put_back_would_show(trait: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with nothing_put_back(monkeypatch), pytest.raises(AssertionError):
        require_untouched(MODELS[trait], learns=True)
