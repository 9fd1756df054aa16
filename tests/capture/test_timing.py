"""Times are those of the model: what recording takes is taken out, and no snapshot or comparison knows of them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import record, trace
from pytest_torchgraph.analysis.repeats import several, together
from pytest_torchgraph.capture import events
from pytest_torchgraph.capture.calibration import surcharge
from pytest_torchgraph.capture.events import Device
from pytest_torchgraph.capture.recording import clock_of_run
from pytest_torchgraph.capture.timing import INSIDE, NEITHER, OUTSIDE, Clock, Outside, Surcharge, level
from pytest_torchgraph.capture.watching import forbid, on_operation, watching
from pytest_torchgraph.comparison import compare
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.timing import Span
from pytest_torchgraph.snapshot.recorded import recorded_line
from pytest_torchgraph.snapshot.writer import write
from tests.capture.small import Calls, example

MODEL = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
X = example(4, 8)


def text(graph: Graph) -> str:
    return write(graph.canonical, test="t", recorded=recorded_line(graph))


def test_every_operation_and_module_call_has_a_time() -> None:
    graph = trace(MODEL, X, backward=True, timing=3)
    timing = graph.timing
    assert timing is not None
    assert timing.runs == 3
    assert timing.source == "host clock"
    assert len(timing.seconds) == len(timing.operations) == len(graph.operations)
    assert len(timing.scopes) == len(graph.scopes)
    assert timing.spread is not None
    assert all(seconds >= 0 for seconds in (*timing.seconds, *timing.spread))
    assert timing.total > 0
    assert timing.overhead >= 0


def test_without_being_asked_no_time_is_taken() -> None:
    assert trace(MODEL, X).timing is None


def test_a_recording_of_own_code_can_be_timed() -> None:
    with record(MODEL, timing=True) as recording:
        MODEL(X).sum().backward()
    timing = recording.graph.timing
    assert timing is not None
    assert timing.runs == 1
    assert timing.spread is None
    assert len(timing.seconds) == len(recording.graph.operations)
    MODEL.zero_grad()


def test_times_never_enter_a_snapshot_and_are_not_compared() -> None:
    plain, timed = trace(MODEL, X), trace(MODEL, X, timing=2)
    assert timed.timing is not None
    assert text(plain) == text(timed)
    assert plain == timed
    assert hash(plain) == hash(timed)
    assert not compare(plain, timed).drifted
    slower = replace(timed, timing=replace(timed.timing, seconds=tuple(9.0 for _ in timed.operations), total=99.0))
    assert text(slower) == text(timed)
    assert slower == timed


def test_what_is_recorded_is_the_same_with_a_clock() -> None:
    optimizer = torch.optim.SGD(MODEL.parameters(), lr=0.1)
    plain, timed = (trace(MODEL, X, backward=True, optimizer=optimizer, timing=runs) for runs in (0, 1))
    assert plain.operations == timed.operations
    assert plain.memory == timed.memory
    assert plain.scopes == timed.scopes


def test_work_on_the_host_is_in_the_module_and_not_in_its_operations() -> None:
    def slow(module: Any, x: Tensor) -> Tensor:
        time.sleep(0.2)
        return x + 1

    graph = trace(Calls(lambda module, x: module.inner(x), inner=Calls(slow)), X, timing=True)
    timing = graph.timing
    assert timing is not None
    assert timing.scopes[1].seconds >= 0.2
    assert timing.total >= 0.2
    assert sum(timing.seconds) < 0.2


def test_long_operations_take_the_time_they_take() -> None:
    big = example(400, 400)
    with torch.no_grad():
        graph = trace(lambda x: x @ x @ x, big, timing=3, warmup=1)
        begun = time.perf_counter()
        for _ in range(3):
            big @ big @ big
        plain = (time.perf_counter() - begun) / 3
    assert graph.timing is not None
    assert plain / 10 < graph.timing.of(range(len(graph.operations))) < plain * 10


def test_the_spans_lie_within_the_run_and_within_their_modules() -> None:
    graph = trace(MODEL, X, timing=True)
    timing = graph.timing
    assert timing is not None
    slack = 1e-9
    for operation, span in zip(graph.operations, timing.operations, strict=True):
        around = timing.scopes[operation.scope]
        assert around.start - slack <= span.start
        assert span.start + span.seconds <= around.start + around.seconds + slack
    for scope, span in zip(graph.scopes, timing.scopes, strict=True):
        if scope.parent is not None:
            around = timing.scopes[scope.parent]
            assert around.start - slack <= span.start
            assert span.start + span.seconds <= around.start + around.seconds + slack


def test_what_the_recorder_does_is_no_time_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recorder that is made slow on purpose takes nothing from the model but its own time."""

    def slow_meet(self: Any, *args: Any, **kwargs: Any) -> Any:
        time.sleep(0.002)
        return meet(self, *args, **kwargs)

    from pytest_torchgraph.capture.tensor import Identity

    trace(MODEL, X, timing=True)
    meet = Identity.meet
    monkeypatch.setattr(Identity, "meet", slow_meet)
    with torch.no_grad():
        graph = trace(MODEL, X, timing=True)
    assert graph.timing is not None
    assert graph.timing.overhead > 0.002 * 3
    assert graph.timing.of(range(len(graph.operations))) < 0.002 * 3


def test_the_clock_stands_still_while_the_recorder_works_and_never_runs_back() -> None:
    busy = [(3.0, 5.0, NEITHER), (1.0, 2.0, INSIDE), (5.0, 6.0, OUTSIDE), (-2.0, -1.0, OUTSIDE)]
    clock = Outside(busy, 0.0, Surcharge(outside=9.0, inside=0.25))
    moments = [0.0, 0.5, 1.0, 1.5, 2.0, 2.25, 3.0, 4.0, 5.0, 6.0, 7.0, 20.0]
    shown = [clock.seconds(moment) for moment in moments]
    assert shown == [0.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.75, 1.75, 1.75, 1.75, 1.75, 6.75]


@pytest.mark.parametrize(
    ("gaps", "wanted", "taken"),
    [([1.0, 2.0, 3.0], 6.0, 0.0), ([1.0, 2.0, 3.0], 3.0, 1.0), ([3.0, 1.0, 2.0], 1.0, 2.0), ([1.0], 0.0, 1.0)],
)
def test_each_gap_gives_the_same_and_none_more_than_it_has(gaps: list[float], wanted: float, taken: float) -> None:
    assert level(gaps, wanted) == taken
    assert sum(max(gap - taken, 0.0) for gap in gaps) == wanted


def test_nothing_is_taken_where_more_is_wanted_than_there_is() -> None:
    assert level([1.0, 2.0], 9.0) == 0.0
    assert level([], 1.0) == 0.0
    assert level([1.0, 2.0], -1.0) == 2.0


def test_the_run_is_as_long_as_it_is_without_the_recorder() -> None:
    """One operation of a second, a second before it, three after it: of these, the run without recorder has one."""
    clock = Clock(Surcharge(outside=0.0, inside=0.0), now=lambda: 0.0)
    clock.began, clock.ended = 0.0, 7.0
    clock.busy = [(1.0, 1.5, INSIDE), (2.5, 4.0, OUTSIDE)]
    clock.ran = [(1.5, 2.5)]
    clock.unrecorded = 3.0
    timing = clock.timing(1)
    assert (timing.total, timing.overhead, timing.measured) == (3.0, 4.0, True)
    assert timing.per_operation == 2.0
    assert timing.operations[0] == Span(1.0, 1.0)
    assert timing.scopes[0] == Span(0.0, 3.0)


def test_a_traced_run_is_measured_without_the_recorder_and_a_recorded_one_is_not() -> None:
    traced = trace(MODEL, X, timing=True).timing
    assert traced is not None
    assert traced.measured
    with record(MODEL, timing=True) as recording:
        MODEL(X)
    assert recording.graph.timing is not None
    assert not recording.graph.timing.measured


def test_the_run_without_the_recorder_is_put_back_too() -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Dropout(0.5))
    optimizer = torch.optim.Adam(model.parameters())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    trace(model, X, backward=True, optimizer=optimizer, timing=2)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert torch.equal(random, torch.get_rng_state())
    assert not optimizer.state
    assert all(parameter.grad is None for parameter in model.parameters())


class Ticks:
    """A clock and a device whose events are moments that the test sets."""

    def __init__(self) -> None:
        self.moment = 0.0
        self.waited = 0

    def now(self) -> float:
        return self.moment

    def event(self) -> Any:
        ticks = self

        class Event:
            def record(self) -> None:
                self.moment = ticks.moment

            def elapsed_time(self, other: Any) -> float:
                return float(other.moment - self.moment) * 1000

        return Event()

    def wait(self) -> None:
        self.waited += 1


def test_an_operation_of_a_device_is_timed_by_its_events_and_others_by_the_host() -> None:
    ticks = Ticks()
    clock = Clock(Surcharge(0.0, 0.0), Device(ticks.event, ticks.wait, "meta"), ticks.now)
    on_device, on_host = torch.empty(1, device="meta"), torch.empty(1)

    def call(func: Any, args: Any, kwargs: Any) -> Any:
        ticks.moment += func
        return args[0]

    clock.start()
    for seconds, operand in ((2.0, on_device), (3.0, [on_device]), (1.0, on_host)):
        clock.last.taken_up = ticks.moment
        clock.run(call, seconds, (operand,), None)
    clock.stop()
    timing = clock.timing(1)
    assert timing.source == "cuda events"
    assert [(span.start, span.seconds) for span in timing.operations] == [(0.0, 2.0), (2.0, 3.0), (5.0, 1.0)]
    assert clock.device is not None
    assert clock.device.pairs[2] is None
    assert ticks.waited == 2


def test_events_are_used_where_the_process_has_a_cuda_device(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (events.device() is None) is (not torch.cuda.is_initialized())
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    found = events.device()
    assert found is not None
    assert found.wait is torch.cuda.synchronize


def test_a_run_that_did_something_else_is_left_out_and_said() -> None:
    one, other = trace(MODEL, X, timing=True), trace(MODEL[:1], X, timing=True)
    graph = several([other, one, one])
    assert graph.timing is not None
    assert graph.timing.runs == 2
    assert graph.notes == ("times are of 2 of 3 runs: the others ran other operations",)
    assert several([other, one]).timing == one.timing


def test_median_and_spread_are_those_of_the_runs() -> None:
    timing = trace(MODEL, X, timing=True).timing
    assert timing is not None
    count = len(timing.seconds)
    runs = [replace(timing, seconds=(value,) * count, total=value) for value in (1.0, 2.0, 9.0)]
    both = together(runs)
    assert both.seconds == (2.0,) * count
    assert both.spread == (1.0,) * count
    assert (both.total, both.total_spread, both.runs) == (2.0, 1.0, 3)


def test_watched_operations_are_timed_too() -> None:
    seen: list[Any] = []
    with watching(on_operation("aten.addmm")(seen.append)):
        graph = trace(MODEL, X, timing=True)
    assert len(seen) == 2
    assert graph.timing is not None
    assert len(graph.timing.seconds) == len(graph.operations)


def test_calibrating_is_nothing_that_is_watched_or_forbidden() -> None:
    surcharge.cache_clear()
    seen: list[Any] = []
    with watching(forbid("aten.native_layer_norm"), on_operation("aten.t")(seen.append)), torch.no_grad():
        trace(lambda x: x + 1, X, timing=True)
        assert seen == []
        trace(lambda x: x.t(), X)
    assert len(seen) == 1


def test_what_recording_costs_is_found_out_once() -> None:
    found = clock_of_run().extra
    assert clock_of_run().extra is found
    assert 0 <= found.inside < 1e-3
    assert 0 <= found.outside < 1e-3


@pytest.mark.parametrize("runs", [-1, 2.5, "3"])
def test_a_number_of_runs_that_makes_no_sense_is_refused(runs: Any) -> None:
    with pytest.raises(ValueError, match="expected the number of runs to time, such as 5"):
        trace(MODEL, X, timing=runs)


def test_a_verified_run_is_not_timed() -> None:
    with pytest.raises(ValueError, match="not both"):
        trace(MODEL, X, timing=True, verify=True)


def test_a_timed_run_that_raises_leaves_nothing_behind() -> None:
    def fails(module: Any, x: Tensor) -> Tensor:
        raise RuntimeError(f"no {tuple((x + 1).shape)}")

    with pytest.raises(RuntimeError, match="no"):
        trace(Calls(fails), X, timing=2)
    assert trace(MODEL, X, timing=True).timing is not None


def test_the_first_timed_run_of_a_process_draws_no_random_number() -> None:
    surcharge.cache_clear()
    before = torch.get_rng_state()
    trace(MODEL, X, timing=True)
    assert torch.equal(before, torch.get_rng_state())
