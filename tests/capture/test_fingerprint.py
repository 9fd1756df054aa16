"""The digest of a raw run: equal for equal runs of any process, another one wherever a record could differ."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from pytest_torchgraph.capture.attribution import Followed
from pytest_torchgraph.capture.call import OpenCall
from pytest_torchgraph.capture.fingerprint import OF_IDENTITY, TOLD_APART, fingerprint
from pytest_torchgraph.capture.folded import folded
from pytest_torchgraph.capture.graph import Run, freeze
from pytest_torchgraph.capture.module import OpenScope
from pytest_torchgraph.capture.node import Running, SeenNode
from pytest_torchgraph.capture.operation import Entry
from pytest_torchgraph.capture.options import Options
from pytest_torchgraph.capture.phase import Stretch
from pytest_torchgraph.capture.recording import record
from pytest_torchgraph.capture.schema import Overload
from pytest_torchgraph.capture.tensor import FirstSight, Raw, View
from pytest_torchgraph.capture.tracing import repeated
from pytest_torchgraph.capture.unfrozen import UnfrozenGraph, fingerprint_of, frozen
from pytest_torchgraph.graph import Graph
from tests.models import MODELS

UNSTEADY = {"scripted", "thread_inside"}
"""The executor of TorchScript does something else in its first calls; when another thread lets go of memory varies."""


class Attending(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.scaled_dot_product_attention(self.fc(x), x, x).unbind(0)[0]


def step(scale: float = 0.5) -> Run:
    """A training step with an API call, in the same words each time."""
    torch.manual_seed(0)
    model = Attending()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x = torch.ones(1, 2, 4, 4)
    with record(model) as recording:
        (model(x) * scale).sum().backward()
        optimizer.step()
    return recording.log


def test_two_runs_that_do_the_same_have_one_fingerprint() -> None:
    assert fingerprint(step()) == fingerprint(step()) != None  # noqa: E711


def test_a_number_is_told_to_its_last_bit() -> None:
    assert len({fingerprint(step(scale)) for scale in (0.5, 0.5000000000000001, -0.5)}) == 3


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_model_of_the_zoo_has_a_fingerprint_that_repeats(name: str) -> None:
    """The second and the third run: the first may build what the model keeps."""
    example = MODELS[name]()
    with repeated(example.model, example.args, example.kwargs, Options(warmup=1)) as run:
        first, second = run(), run()
    told = fingerprint_of(first), fingerprint_of(second)
    assert None not in told
    quick = folded(vars(second)["run"])
    assert frozen(first) == frozen(second)
    assert quick in (None, second.canonical)
    if name not in UNSTEADY:
        assert told[0] == told[1]


def test_a_run_that_repeats_another_equals_it_without_being_worked_out() -> None:
    model = nn.Dropout(0.5)
    with repeated(model, torch.ones(8), None, Options()) as run:
        first = run()
        assert fingerprint_of(first)
        assert frozen(first) == (second := run())
        model.p = 0.25
        third = run()
    assert second == first
    assert isinstance(second, UnfrozenGraph)
    assert third != first
    assert not isinstance(third, UnfrozenGraph)
    assert hash(second) == hash(first)


def changes(run: Run) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Every part of a run by name, and what makes it another one."""
    for place, entry in enumerate(run.log):
        for part, value in zip(Entry._fields, entry, strict=True):
            if part != "frame":
                yield f"log.{part}", partial(set_item, run.log, place, part, value)
    for sight in run.identity.sights:
        yield from of_slots("sight", sight, FirstSight.__slots__)
    for scope in run.scopes:
        yield from of_slots("scope", scope, OpenScope.__slots__)
    for call in run.calls:
        yield from of_slots("call", call, tuple(name for name in OpenCall.__slots__ if name != "frame"))
    for stretch in run.followed.stretches:
        yield from of_slots("stretch", stretch, tuple(each.name for each in fields(Stretch)))


def of_slots(what: str, one: Any, names: tuple[str, ...]) -> Iterator[tuple[str, Callable[[], Any]]]:
    for name in names:
        yield f"{what}.{name}", partial(set_part, one, name)


def set_part(one: Any, name: str) -> None:
    setattr(one, name, other(getattr(one, name)))


def set_item(log: list[Entry], place: int, name: str, value: Any) -> None:
    log[place] = log[place]._replace(**{name: WHERE_NONE.get(name, 7) if value is None else other(value)})


WHERE_NONE: dict[str, Any] = {"keywords": {"other": 1}, "running": Running("Node", 1, False)}


def other(value: Any) -> Any:
    """Something else of the same kind."""
    if isinstance(value, Raw):
        return Raw((*value[:2], value.view._replace(shape=(*value.shape, 1))))
    return next(make(value) for kind, make in OTHERS if isinstance(value, kind))


OTHERS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (Overload, lambda value: replace(value, name=f"{value.name}x")),
    (Running, lambda value: value._replace(recomputes=not value.recomputes)),
    (bool, lambda value: not value),
    (type(None), lambda _: 7),
    (int, lambda value: value + 1),
    (float, lambda value: value + 1),
    (str, lambda value: f"{value}x"),
    (dict, lambda value: {**value, "other": 1}),
    (list, lambda value: [*value, 1]),
    (tuple, lambda value: (*value, 1)),
)


def test_whatever_part_of_a_run_becomes_another_one_its_fingerprint_does() -> None:
    plain = fingerprint(step())
    names = [name for name, _ in changes(step())]
    told = set()
    for place, name in enumerate(names):
        run = step() if place == 0 or name not in told else None
        if run is not None:
            list(changes(run))[place][1]()
            assert fingerprint(run) != plain, name
            told.add(name)
    assert {name.partition(".")[0] for name in told} == {"log", "sight", "scope", "call", "stretch"}


@pytest.mark.parametrize("part", [each.name for each in fields(Run) if each.name not in TOLD_APART])
def test_whatever_else_is_kept_of_a_run_is_told(part: str) -> None:
    run = step()
    value = getattr(run, part)
    changed: Any = frozenset({99}) if isinstance(value, frozenset) or part == "kept" else other(value)
    assert fingerprint(with_part(run, part, changed)) != fingerprint(run)


@pytest.mark.parametrize("part", ["inputs", "outputs"])
def test_inputs_and_outputs_are_told_by_path(part: str) -> None:
    run = step()
    named = (("x", run.identity.sights[0].raw),)
    assert fingerprint(with_part(run, part, named)) != fingerprint(run)
    one = with_part(with_part(run, "inputs", named), "outputs", ())
    assert fingerprint(one) != fingerprint(with_part(with_part(run, "inputs", ()), "outputs", named))


def with_part(run: Run, name: str, value: Any) -> Run:
    parts: dict[str, Any] = {name: value}
    return replace(run, **parts)


def test_nodes_are_told_with_their_edges() -> None:
    run = step()
    key, node = next((key, node) for key, node in run.followed.nodes.items() if node.edges)
    assert fingerprint(run) == fingerprint(step())
    run.followed.nodes[key] = SeenNode(node.name, node.key, (*node.edges, None))
    assert fingerprint(run) != fingerprint(step())


def test_what_a_record_is_made_of_is_all_known_here() -> None:
    """A part that is added later has to be told, or be listed here as none of the record's."""
    assert {each.name for each in fields(Followed)} == {"stretches", "nodes", "first_sequence_number"}
    kept_alive = {
        "seen",
        "wrappers",
        "storages",
        "sights",
        "live",
        "is_closed",
        "find_parameter",
        "stand_in",
        "stand_ins",
        "past",
        "devices",
        "_views",
        "_when_released",
    }
    assert {*vars(step().identity)} == {*OF_IDENTITY, *kept_alive}
    assert len(Raw(step().identity.sights[0].raw or ())) == 3
    assert View._fields == ("shape", "stride", "offset", "dtype", "device", "layout", "conj", "neg")


def test_what_cannot_be_told_exactly_has_no_fingerprint() -> None:
    class Size(int):
        pass

    run = step()
    run.log[0] = run.log[0]._replace(arguments=[Size(3)])
    assert fingerprint(run) is None


def test_a_graph_is_worked_out_when_it_is_asked_for_and_is_an_ordinary_one_then() -> None:
    model = Attending()
    with repeated(model, torch.ones(1, 2, 4, 4), None, Options()) as run:
        graph, again = run(), run()
    assert type(graph) is UnfrozenGraph
    assert graph.origin.device == "cpu"
    assert type(graph) is UnfrozenGraph
    assert len(graph.operations) == len(again.operations)
    assert type(graph) is Graph
    assert graph == again == pickle.loads(pickle.dumps(replace(graph, vocabulary=None)))  # noqa: S301
    assert fingerprint_of(graph) is None


def test_a_graph_that_is_not_worked_out_yet_can_be_copied_to_another_process() -> None:
    with repeated(torch.relu, torch.ones(2), None, Options()) as run:
        graph = run()
    assert pickle.loads(pickle.dumps(graph)) == graph  # noqa: S301


def test_freezing_later_makes_the_same_record() -> None:
    run = step()
    assert freeze(run) == freeze(run)
