"""The module around a model goes, in a training step: the optimizer works on the same parameters."""

from __future__ import annotations

from tests.regressions.harmless.layers_renamed import run
from tests.regressions.pair import Run, Told
from tests.regressions.variants import held_as, stepped

TOLD = Told(status="note", cause="moved-module", module="the model")


def before() -> Run:
    return stepped(held_as("module", run("layers")))


def after() -> Run:
    return stepped(run("layers"))
