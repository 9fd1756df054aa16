"""The modes of a run: by name, and as a file tells them."""

from __future__ import annotations

import pytest

from pytest_torchgraph.canonical.run import ENGINES, Engine, Run, differing, read_run

WHOLE = Run("eager", "train", "grad", "cpu")


@pytest.mark.parametrize(
    ("words", "run"),
    [
        ("eager train grad cpu", WHOLE),
        ("compiled-run-eagerly none no_grad cuda", Run("compiled-run-eagerly", "none", "no_grad", "cuda")),
        ("fake-compiled-run-eagerly none grad meta", Run("fake-compiled-run-eagerly", "none", "grad", "meta")),
        ("eager eval cpu", Run("eager", "eval", None, "cpu")),
        ("", Run()),
        ("eager train grad cuda more eval", Run("eager", "train", "grad", "cuda", ("more", "eval"))),
    ],
)
def test_words_of_a_file_are_told_by_what_they_mean_and_written_as_they_were(words: str, run: Run) -> None:
    assert read_run(words.split()) == run
    assert run.words == tuple(words.split())


def test_each_mode_that_differs_is_told_with_its_own_counterpart() -> None:
    assert differing(WHOLE, WHOLE) == []
    assert differing(WHOLE, Run("eager", "eval", "no_grad", "cpu")) == [("train", "eval"), ("grad", "no_grad")]
    assert differing(WHOLE, Run("eager", "train", None, "cpu")) == [("grad", "")]
    assert differing(Run("eager", "train", None, "cpu"), WHOLE) == [("", "grad")]
    assert differing(WHOLE, Run("eager", "train", "grad", "cpu", ("more",))) == [("", "more")]


@pytest.mark.parametrize(("engine", "compiled", "fake"), [(word, *told) for told, word in ENGINES.items()])
def test_what_ran_is_compiled_or_fake_or_both(engine: Engine, *, compiled: bool, fake: bool) -> None:
    run = Run(engine)
    assert (run.is_compiled, run.is_fake) == (compiled, fake)
