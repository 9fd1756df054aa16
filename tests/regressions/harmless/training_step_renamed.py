"""The list of layers has another name in a training step: the optimizer works on the same parameters."""

from __future__ import annotations

from tests.regressions.harmless.layers_renamed import run
from tests.regressions.pair import Run, Told
from tests.regressions.variants import stepped

TOLD = Told(status="note", cause="renamed", module="layers")


def before() -> Run:
    return stepped(run("layers"))


def after() -> Run:
    return stepped(run("stages"))
