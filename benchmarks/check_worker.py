"""A pytest session that times checks on demand; :mod:`benchmarks.whole_check` copies it beside nothing and talks to it.

Works with every build of the plugin since its first release: what it needs of one stands in ``STAGES`` and ``fresh``.
"""

from __future__ import annotations

import functools
import gc
import importlib
import json
import os
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.bare import Bare
from benchmarks.subjects import SUBJECTS, Subject

STAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("run", ("capture.step:Step.run",)),
    ("freeze", ("capture.recording:freeze", "capture.unfrozen:freeze")),
    ("equal layers", ("capture.folded:rows_in", "capture.folded:calls_alike", "capture.folded:rows_of_step")),
    ("equal layers", ("capture.folded:all_read_alone", "capture.folded:alike_in")),
    ("canonical", ("canonical.building:canonical", "graph.graph:canonical", "capture.folded:canonical")),
    ("freeze", ("capture.folded:Folding.__init__", "capture.folded:Folding._record")),
    ("compare", ("canonical.program:Program.__eq__",)),
    ("fingerprint", ("plugin.check.seen:passing",)),
    ("compare", ("plugin.comparison:judged",)),
    ("compare", ("plugin.check.comparison:judged",)),
    ("explain", ("plugin.comparison:drift_report", "plugin.pending:keep")),
    ("explain", ("plugin.check.comparison:drift_report", "plugin.check.ending:_kept_for_review")),
    ("guard", ("capture.tracing:state_of", "capture.state:State.after_run", "capture.state:State.restore")),
    ("guard", ("capture.tracing:Traced._checkpoint", "capture.state:Checkpoint.restore")),
    ("holdings", ("capture.tracing:holdings_of", "capture.recording:Recording.meet_leaves")),
    ("close", ("capture.recording:Recording.close",)),
    ("read", ("plugin.against:load", "plugin.check.stored:load")),
    ("write", ("plugin.against:write", "plugin.check.ending:_written")),
    ("store", ("plugin.against:store", "plugin.check.storage:count")),
)
PACKAGE = "pytest_torchgraph."


class Counting(Bare):
    """The bare mode, counting."""

    counted = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.counted += 1
        return func(*args, **(kwargs or {}))


class Stages:
    """Seconds of their own by stage, as long as it is installed."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self.inner = [0.0]

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """*function*, its time counted for *stage*, without that of the stages inside it."""

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            self.inner.append(0.0)
            begun = time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                took = time.thread_time() - begun
                self.spent[stage] = self.spent.get(stage, 0.0) + took - self.inner.pop()
                self.inner[-1] += took

        return run

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Time the stages that this build has."""
        undo = []
        for stage, places in STAGES:
            for place in places:
                found = resolved(place)
                if found is not None:
                    owner, name = found
                    plain = vars(owner)[name]
                    setattr(owner, name, self.timed(stage, plain))
                    undo.append(functools.partial(setattr, owner, name, plain))
        try:
            yield
        finally:
            for each in undo:
                each()


def resolved(place: str) -> tuple[Any, str] | None:
    """The owner and the name of a function, ``None`` where this build has none there."""
    room, _, path = place.partition(":")
    with suppress(ImportError, AttributeError):
        owner: Any = importlib.import_module(PACKAGE + room)
        *around, name = path.split(".")
        for part in around:
            owner = getattr(owner, part)
        return (owner, name) if name in vars(owner) else None
    return None


def deeper(frames: int, call: Callable[[], Any]) -> Any:
    """What *call* returns, called *frames* frames further down."""
    return call() if not frames else deeper(frames - 1, call)


class Worker:
    """Answers requests for one subject after the other."""

    def __init__(self, request: pytest.FixtureRequest, kind: type) -> None:
        self.item = request.node
        self.kind = kind
        self.subject: Subject | None = None

    def check(self, name: str) -> None:
        """One check, as a test would make it; a failure is what was asked for."""
        subject = self.subject
        assert subject is not None
        with suppress(pytest.fail.Exception), torch.no_grad() if subject.optimizer is None else nullcontext():
            self.kind(self.item).check(subject.model, subject.args, name=name, **subject.options)

    def load(self, name: str) -> dict[str, Any]:
        """Make a subject, and record its snapshot."""
        torch.manual_seed(0)
        self.subject = SUBJECTS[name]()
        counted = operations_of(self.subject)  # from here on an optimizer has its state
        with updating(self.item.config, True):
            self.check(name)
        self.check(name)
        return {"operations": counted}

    def measure(self, name: str, what: str, depth: int) -> dict[str, Any]:
        """Thread CPU seconds of the bare mode and of a check."""
        assert self.subject is not None
        gc.collect()
        bare = seconds(functools.partial(deeper, depth, self.subject.run))
        edited = self.subject.edit() if what == "fail" else None
        if what == "unseen":
            forget()
        gc.collect()
        with updating(self.item.config, what == "update"):
            took = seconds(functools.partial(deeper, depth, functools.partial(self.check, name)))
        if edited is not None:
            edited()
        return {"bare": bare, "check": took}

    def stages(self, name: str, what: str) -> dict[str, Any]:
        """Thread CPU seconds by stage, those of no stage as the rest."""
        assert self.subject is not None
        edited = self.subject.edit() if what == "fail" else None
        if what == "unseen":
            forget()
        found = Stages()
        gc.collect()
        with found.installed(), updating(self.item.config, what == "update"):
            whole = seconds(functools.partial(self.check, name))
        if edited is not None:
            edited()
        return {"rest": whole - sum(found.spent.values()), **found.spent}

    def memory(self, name: str) -> dict[str, Any]:
        """Bytes, as Python allocates them, of log, frozen record and canonical graph together."""
        subject = self.subject
        assert subject is not None
        gc.collect()
        with torch.no_grad() if subject.optimizer is None else nullcontext():
            tracemalloc.start()
            graph = self.kind(self.item).trace(subject.model, subject.args, **subject.options)
            assert graph.canonical is not None
            held, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        return {"held": held, "peak": peak, "name": name}


def forget() -> None:
    """Let no check of this folder know that it passed before."""
    for path in Path(".pytest_cache").rglob("torchgraph*/*"):
        path.unlink()


def operations_of(subject: Subject) -> int:
    """Operations that reach the dispatcher, counted by the bare mode."""
    counting = Counting()
    with counting:
        subject.run()
    return counting.counted


def seconds(work: Callable[[], Any]) -> float:
    """Thread CPU time of *work*."""
    begun = time.thread_time()
    work()
    return time.thread_time() - begun


@contextmanager
def updating(config: pytest.Config, wanted: bool) -> Iterator[None]:
    """As under ``--torchgraph-update``, which builds before 0.2 read anew for every check."""
    config.option.torchgraph_update = wanted
    with suppress(ImportError):
        room: Any = importlib.import_module("pytest_torchgraph.plugin.settings")
        config.stash[room._SETTINGS] = replace(room.settings(config), updating=wanted, recording=wanted)
    try:
        yield
    finally:
        if wanted:
            with updating(config, False):
                pass


def test_worker(request, torch_graph):
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    worker = Worker(request, type(torch_graph))
    asked, answers = (os.fdopen(int(os.environ[key]), mode) for key, mode in (("ASKED", "r"), ("ANSWERS", "w")))
    for line in asked:
        method, *given = json.loads(line)
        print(json.dumps(getattr(worker, method)(*given)), file=answers, flush=True)
