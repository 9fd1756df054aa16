"""Time while a run is recorded: of each operation and module call, and what the recorder takes for itself.

What the recorder does in its own handlers is measured on the spot. What it costs beside them (the way into Python and
back, tensors that are let go of, caches that run cold) cannot be seen from inside. Where the same run is made once more
without the recorder, as ``trace`` does, the difference tells; where it is not, a small model stands for it
(``calibration.py``).
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import nn

from pytest_torchgraph.capture.capability import eager_stance, never_compiled
from pytest_torchgraph.capture.events import Device
from pytest_torchgraph.capture.grad import without_inference_mode
from pytest_torchgraph.capture.module import ModuleCalls, Opened
from pytest_torchgraph.capture.operation import OperationMode, Where
from pytest_torchgraph.capture.state import State
from pytest_torchgraph.capture.target import Target
from pytest_torchgraph.capture.tensor import Identity
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.collector import collector_paused
from pytest_torchgraph.recorded.timing import Span, Timing

if TYPE_CHECKING:
    from pytest_torchgraph.capture.phase import Phases

INSIDE, OUTSIDE, NEITHER = "inside", "outside", ""
"""What follows a stretch of the recorder's work: the operation itself, what comes between operations, or either."""

Now: TypeAlias = Callable[[], float]
Busy: TypeAlias = "tuple[float, float, str]"


@dataclass(frozen=True, slots=True)
class Surcharge:
    """Seconds that recording adds to every operation: ``outside`` of the time it is timed for, and ``inside``."""

    outside: float
    inside: float


class Last(threading.local):
    """When the operation at hand was taken up, and when it was done, on each thread."""

    taken_up = 0.0
    done = 0.0


class Clock:
    """Looks at the time of one run.

    ``busy`` is when the recorder was at work, and what followed. ``unrecorded`` are the seconds of the same run without
    it, where that is known.
    """

    def __init__(self, extra: Surcharge, device: Device | None = None, now: Now = perf_counter) -> None:
        self.extra = extra
        self.device = device
        self.now = now
        self.busy: list[Busy] = []
        self.unrecorded: float | None = None
        self.ran: list[tuple[float, float]] = []
        self.opened: dict[int, float] = {}
        self.closed: dict[int, float] = {}
        self.last = Last()
        self.began = self.ended = now()

    def start(self) -> None:
        """Begin the run."""
        if self.device is not None:
            self.device.start()
        self.began = self.now()

    def stop(self) -> None:
        """End the run."""
        if self.device is not None:
            self.device.wait()
        self.ended = self.now()

    def run(self, call: Callable[..., Any], func: Any, args: Any, kwargs: Any) -> Any:
        """What *call* returns, which does an operation; timed."""
        last, now = self.last, self.now
        event = self.device.mark() if self.device is not None else None
        began = ended = now()
        self.busy.append((last.taken_up, began, INSIDE))
        try:
            out = call(func, args, kwargs)
            ended = now()
            self.ran.append((began, ended))
            if self.device is not None:
                self.device.note(event, (args, tuple((kwargs or {}).values()), out))
        finally:
            last.done = ended
        return out

    def aside(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """*function*, which is the recorder's own work."""

        def run(*args: Any, **kwargs: Any) -> Any:
            began = self.now()
            try:
                return function(*args, **kwargs)
            finally:
                self.busy.append((began, self.now(), NEITHER))

        return run

    def keep_only(self, positions: list[int]) -> None:
        """Forget the operations at other *positions*."""
        self.ran = [self.ran[position] for position in positions]
        if self.device is not None:
            self.device.keep_only(positions)

    def timing(self, scopes: int) -> Timing:
        """The times of the run; *scopes* is how many module calls it made."""
        extra = self.extra if self.unrecorded is None else self.fitting(self.unrecorded)
        out = Outside(self.busy, self.began, extra)
        spans = tuple(out.span(began, ended) for began, ended in self.ran)
        if self.device is not None:
            spans = self.device.spans(spans)
        total = out.seconds(self.ended) if self.unrecorded is None else self.unrecorded
        return Timing(
            runs=1,
            seconds=tuple(span.seconds for span in spans),
            spread=None,
            total=total,
            total_spread=None,
            operations=spans,
            scopes=tuple(self._scope(out, index) for index in range(scopes)),
            overhead=max(self.ended - self.began - total, 0.0),
            per_operation=extra.outside + extra.inside,
            measured=self.unrecorded is not None,
            source="host clock" if self.device is None else "cuda events",
        )

    def fitting(self, total: float) -> Surcharge:
        """The surcharge with which the run takes *total* seconds; between operations there may be less to take off."""
        spans = sorted(one for one in self.busy if one[0] >= self.began)
        following = [*(start for start, _, _ in spans[1:]), self.ended]
        between, fixed = [], spans[0][0] - self.began if spans else total
        for (_, end, kind), start in zip(spans, following, strict=True):
            gap = max(start - end, 0.0)
            if kind == OUTSIDE:
                between.append(gap)
            else:
                fixed += max(gap - self.extra.inside * (kind == INSIDE), 0.0)
        return Surcharge(outside=level(between, total - fixed), inside=self.extra.inside)

    def _scope(self, out: Outside, index: int) -> Span:
        return out.span(self.opened.get(index, self.began), self.closed.get(index, self.ended))


class Outside:
    """A clock that stands still while the recorder is at work, and for its part of what follows: it never runs back."""

    def __init__(self, busy: list[Busy], began: float, extra: Surcharge) -> None:
        parts = {INSIDE: extra.inside, OUTSIDE: extra.outside, NEITHER: 0.0}
        self.starts, self.ends, self.parts = [began], [began], [0.0]
        self.shown = [0.0]
        for start, end, kind in sorted(one for one in busy if one[0] >= began):
            self.shown.append(self.seconds(start))
            self.starts.append(start)
            self.ends.append(end)
            self.parts.append(parts[kind])

    def seconds(self, moment: float) -> float:
        """What the clock shows at *moment*: seconds after the beginning."""
        at = bisect_right(self.starts, moment) - 1
        if at < 0:
            return 0.0
        return self.shown[at] + max(moment - self.ends[at] - self.parts[at], 0.0)

    def span(self, began: float, ended: float) -> Span:
        """From one moment to another."""
        shown = self.seconds(began)
        return Span(shown, self.seconds(ended) - shown)


def level(gaps: list[float], wanted: float) -> float:
    """What to take from each of *gaps*, of none more than there is, so that *wanted* is left of them together."""
    left, taken = 0.0, 0.0
    for count, gap in enumerate(sorted(gaps, reverse=True), start=1):
        if gap <= taken:
            break
        left += gap
        taken = max((left - max(wanted, 0.0)) / count, 0.0)
    return taken


def seconds_unrecorded(run: Callable[[], Any], state: State, unwritten: set[int]) -> float:
    """Seconds of *run* without a recorder; all storages but those *unwritten* are copied before, and put back after."""
    state.guard.keep_all(unless=unwritten)
    wait = torch.cuda.synchronize if torch.cuda.is_initialized() else nothing
    torch.clear_autocast_cache()
    try:
        with eager_stance(), without_inference_mode(), collector_paused():
            wait()
            begun = perf_counter()
            run()
            wait()
            return perf_counter() - begun
    finally:
        torch.clear_autocast_cache()
        state.restore()


def nothing() -> None:
    """What waiting for a device comes to where there is none."""


class TimedMode(OperationMode):
    """Records as *mode* does, and lets *clock* look at every operation."""

    def __init__(self, mode: OperationMode, clock: Clock) -> None:
        super().__init__(mode.identity, mode.where, mode.guard, mode.phases)
        self.mode = mode
        self.clock = clock
        call = mode.call
        mode.call = lambda func, args, kwargs: clock.run(call, func, args, kwargs)

    @never_compiled
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        clock = self.clock
        last = clock.last
        last.taken_up = last.done = clock.now()
        try:
            return self.mode.__torch_dispatch__(func, types, args, kwargs)
        finally:
            clock.busy.append((last.done, clock.now(), OUTSIDE))


class TimedCalls(ModuleCalls):
    """Follows module calls, and notes when each began and ended."""

    def __init__(
        self, target: Target, modules: list[tuple[str, nn.Module]], where: Where, identity: Identity, clock: Clock
    ) -> None:
        super().__init__(target, modules, where, identity)
        self.clock = clock

    def open(self, module: nn.Module) -> Opened:
        """Enter the scope of *module*."""
        entered = self.clock.now()
        opened = super().open(module)
        left = self.clock.now()
        self.clock.busy.append((entered, left, NEITHER))
        self.clock.opened.setdefault(self.where.scope, left)
        return opened

    def close(self, opened: Opened) -> None:
        """Go back to where the run was before."""
        entered = self.clock.now()
        self.clock.closed[self.where.scope] = entered
        super().close(opened)
        self.clock.busy.append((entered, self.clock.now(), NEITHER))


def leave_out(clock: Clock, phases: Phases) -> None:
    """Count what following a backward pass and an optimizer's step takes as the recorder's own time."""
    for owner, name in (
        (phases.walk, "add"),
        (phases, "name_gradients"),
        (phases, "begin_step"),
        (phases, "end_step"),
    ):
        setattr(owner, name, clock.aside(getattr(owner, name)))
