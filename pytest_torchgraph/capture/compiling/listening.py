"""Listening to PyTorch's compiler while a model is compiled."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field
from typing import Any, TypeAlias

from pytest_torchgraph.capture.compiling.reading import break_of, function_line, recompilation_of
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.compilation import GraphBreak, Recompilation
from pytest_torchgraph.recorded.operation import SourceLine

TRACE = "torch.__trace"
"""The logger of the structured trace."""
BREAK, RECOMPILED = "dynamo_graph_break_reason", "recompile_reasons"
Frame: TypeAlias = "tuple[int, int]"
"""A function that PyTorch compiled, and the how-manieth time."""


@dataclass(slots=True)
class Heard:
    """What was heard: breaks in the order in which they were first met, and what was compiled again."""

    breaks: list[GraphBreak] = field(default_factory=list)
    reasons: dict[Frame, tuple[str, str]] = field(default_factory=dict)
    functions: dict[Frame, SourceLine] = field(default_factory=dict)
    guards: dict[Frame, int] = field(default_factory=dict)
    codes: list[str] = field(default_factory=list)
    has_begun: bool = False

    def add_break(self, found: GraphBreak) -> None:
        """Take in a break; one that was met before now stands where it was met deepest."""
        for place, known in enumerate(self.breaks):
            if (known.id, known.line.source) == (found.id, found.line.source):
                if len(found.module) > len(known.module):
                    self.breaks[place] = found
                return
        self.breaks.append(found)

    @property
    def recompiles(self) -> tuple[Recompilation, ...]:
        """What was compiled again, in order."""
        return tuple(
            recompilation_of(text, module, self.functions.get(frame)) for frame, (text, module) in self.reasons.items()
        )


class Listener(logging.Handler):
    """Hears what the compiler writes into its structured trace.

    It is called inside of the compiler, where an exception would reach the user's call: the first ``failure`` is kept.
    ``module`` tells the path of the module that is at work.
    """

    def __init__(self, module: Callable[[], str]) -> None:
        super().__init__(logging.DEBUG)
        self.module = module
        self.heard = Heard()
        self.failure: Exception | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take in one event."""
        try:
            metadata = getattr(record, "metadata", None)
            if metadata:
                self._take(metadata, str(getattr(record, "payload", "") or ""))
        except Exception as error:  # noqa: BLE001 -- raised when the compiler is done
            self.failure = self.failure or error

    def _take(self, metadata: dict[str, Any], payload: str) -> None:
        heard = self.heard
        frame = (metadata.get("frame_id"), metadata.get("frame_compile_id"))
        name = metadata["artifact"]["name"] if "artifact" in metadata else ""
        if "dynamo_start" in metadata:
            heard.has_begun = True
        elif name == BREAK:
            heard.add_break(break_of(payload, self.module()))
        elif name == RECOMPILED and frame not in heard.reasons:
            heard.reasons[_known(frame)] = (payload, self.module())
        elif "inductor_output_code" in metadata:
            heard.codes.append(payload)
        elif "compilation_metrics" in metadata:
            self._measure(_known(frame), metadata["compilation_metrics"])

    def _measure(self, frame: Frame, metrics: dict[str, Any]) -> None:
        """Take in what is told when a function is compiled."""
        if metrics.get("co_filename"):
            line = int(metrics.get("co_firstlineno") or 0)
            self.heard.functions[frame] = function_line(metrics["co_filename"], line, str(metrics["co_name"]))
        if metrics.get("guard_count") is not None:
            self.heard.guards[frame] = int(metrics["guard_count"])


def _known(frame: tuple[Any, Any]) -> Frame:
    return int(frame[0] or 0), int(frame[1] or 0)


@contextmanager
def listening(module: Callable[[], str]) -> Iterator[Heard]:
    """Hear what PyTorch's compiler does while the context is open."""
    log = logging.getLogger(TRACE)
    listener = Listener(module)
    others = log.handlers
    # Whoever collects logs, as pytest does of each test, would get hundreds of lines; PyTorch's own handler stays.
    log.handlers = [listener, *(one for one in others if type(one).__module__.startswith("torch."))]
    propagated, log.propagate = log.propagate, False
    try:
        yield listener.heard
    finally:
        log.handlers, log.propagate = others, propagated
    if listener.failure is not None:
        raise RuntimeError("what PyTorch's compiler says of itself could not be read") from listener.failure
