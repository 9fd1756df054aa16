"""The dispatch mode: one log entry per operation, and nothing kept alive."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import partial
from types import CodeType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.utils._python_dispatch import TorchDispatchMode

from pytest_torchgraph.capture.capability import HAS_FRAME_STRATEGY, never_compiled
from pytest_torchgraph.capture.collective import told
from pytest_torchgraph.capture.schema import LIFTS, NEG_VIEW, Overload, learn
from pytest_torchgraph.capture.source import user_frame
from pytest_torchgraph.capture.tensor import NO_TENSORS, Identity, Raw
from pytest_torchgraph.capture.wrapper import unwraps_itself
from pytest_torchgraph.recorded.collective import kind_of
from pytest_torchgraph.recorded.operation import SourceLine

if TYPE_CHECKING:
    from pytest_torchgraph.capture.agreement import Agreement
    from pytest_torchgraph.capture.guard import Guard
    from pytest_torchgraph.capture.node import Running
    from pytest_torchgraph.capture.phase import Phases

SEQUENCES = (list, tuple)
sequence_number: Callable[[], int] = torch._C._autograd._get_sequence_nr


class Entry(NamedTuple):
    """One dispatched operation, before it becomes a record.

    ``sequence_number`` is how many autograd nodes were numbered by then: an operation made those since the one before.
    Threads number their nodes each by itself: in one that the model started it is :func:`number_elsewhere`.
    """

    overload: Overload
    arguments: list[Any]
    keywords: dict[str, Any] | None
    results: Any
    scope: int
    call: int | None
    frame: tuple[CodeType, int] | SourceLine | None
    live: int
    sequence_number: int
    running: Running | None


def named_entries(rows: list[tuple[Any, ...]]) -> list[Entry]:
    """The *rows* of a log, in the same list, with names for their parts from here on."""
    named = partial(tuple.__new__, Entry)  # `_make` counts the parts of each, and takes three times as long
    for place, row in enumerate(rows):
        if type(row) is not Entry:
            rows[place] = named(row)
    return cast("list[Entry]", rows)


def number_elsewhere() -> int:
    """The sequence number in a thread that the model started: -1 as long as no node was made there, and less then."""
    return -1 - sequence_number()


class Where(threading.local):
    """Where each thread of the run is: module call, API call, and the first place an exception passed."""

    def __init__(self) -> None:
        self.scope = 0
        self.number = sequence_number
        self.module: torch.nn.Module | None = None
        self.call: int | None = None
        self.redistribution: dict[str, Any] | None = None
        self.failure: Failure | None = None

    def fail(self, error: BaseException, operation: str | None = None, *, is_traced: bool = False) -> None:
        """Note where *error* was raised; the scopes that it passes on its way out change nothing."""
        if self.failure is None or not self.failure.is_of(error):
            self.failure = Failure(id(error), self.scope, operation, is_traced)


class Failure(NamedTuple):
    """Where an exception was raised, which is told by its ``id``: kept alive, its traceback would keep tensors.

    ``is_traced`` says that it was raised by an operation of a function that ``torch.jit.trace`` works on.
    """

    error: int
    scope: int
    operation: str | None
    is_traced: bool

    def is_of(self, error: BaseException) -> bool:
        """Whether *error* is the one that was noted; another one may have its ``id`` by now, yet not its way."""
        return self.error == id(error) and passed_recorder(error)


def passed_recorder(error: BaseException) -> bool:
    """Whether *error* has come out of a frame that notes where exceptions are raised, other than the one at hand."""
    inner = error.__traceback__.tb_next if error.__traceback__ is not None else None
    while inner is not None:
        if inner.tb_frame.f_code in NOTES_FAILURES:
            return True
        inner = inner.tb_next
    return False


NOTES_FAILURES: set[CodeType] = set()
"""The code of every frame that notes where an exception was raised."""


_overloads: dict[int, Overload] = {}


def overload_of(target: Any) -> Overload:
    """The overload behind *target*, learnt on first sight."""
    found = _overloads.get(id(target))
    if found is None or found.target is not target:
        found = _overloads[id(target)] = learn(target)
    return found


def overloads_seen() -> Iterable[Overload]:
    """Every overload that a recording of this process has met."""
    return _overloads.values()


def shared(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Positions and names of the arguments whose memory *out* shares."""
    made = storages_in(out)
    places = tuple(place for place, value in enumerate(args) if made & storages_in(value))
    return places, tuple(name for name, value in kwargs.items() if made & storages_in(value))


def storages_in(value: Any) -> set[int]:
    """The storages of all tensors in *value* that have one."""
    if isinstance(value, SEQUENCES):
        return {key for part in value for key in storages_in(part)}
    try:
        return {value.untyped_storage()._cdata} if isinstance(value, Tensor) else set()
    except (RuntimeError, NotImplementedError):
        return set()


def called(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
    """What the operation *func* returns."""
    return func(*args, **kwargs) if kwargs else func(*args)


def nowhere(_: int) -> None:
    """No line: what is found where none is looked for."""


class OperationMode(TorchDispatchMode):
    """Logs every operation that reaches the dispatcher.

    Holds no tensor: a strong reference to any result would make autograd copy what it otherwise steals, and so change
    the very operations that are watched. ``call`` is how an operation is made to run: a clock puts itself around it.
    ``frame_of`` finds the line that asks for an operation, so many frames up.
    ``sees_compiled`` is for a run of compiled graphs: PyTorch asks :meth:`ignore_compile_internals`.
    """

    # Without it `torch.cond`, `while_loop` and `flex_attention` raise under any mode.
    supports_higher_order_operators = True

    def __init__(self, identity: Identity, where: Where, guard: Guard, phases: Phases) -> None:
        super().__init__()
        self.phases = phases
        self.identity = identity
        self.where = where
        self.guard = guard
        # Bare tuples in the order of `Entry`: making the named ones here would cost half a microsecond each.
        self.log: list[tuple[Any, ...]] = []
        self.call: Callable[..., Any] = called
        self.frame_of: Callable[[int], tuple[CodeType, int] | None] = user_frame
        self.sees_compiled = False
        self.agreement: Agreement | None = None

    def ignore_compile_internals(self) -> bool:  # type: ignore[override]
        """Whether PyTorch compiles while the mode is active, and runs what it compiled; else all runs eagerly."""
        return self.sees_compiled

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # The default wraps the handler in `torch._disable_dynamo`, a microsecond per operation.
        return not HAS_FRAME_STRATEGY

    @never_compiled
    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        overload = _overloads.get(id(func))
        if overload is None or overload.target is not func:
            overload = overload_of(func)
        if overload.ignored:
            return args[0].fake_device if overload.asks_device(args) else func(*args, **(kwargs or {}))
        if types and any(map(unwraps_itself, types)):
            return NotImplemented
        identity, where = self.identity, self.where
        arguments = read_arguments(args, identity.read)
        keywords = {key: read_one(value, identity.read) for key, value in kwargs.items()} if kwargs else None
        if overload.is_special:
            keywords = self.look_before(overload, arguments, keywords, args, kwargs)
        if overload.may_write:
            self.guard.before_write(overload, args, kwargs)
        try:
            out = self.call(overload.run, args, kwargs)
        except BaseException as error:
            where.fail(error, overload.name, is_traced=takes_number_for_tensor(overload, args))
            raise
        if overload.is_special:
            self.look_after(overload, args, kwargs or {}, out, arguments)
        is_new = type(out) is Tensor and id(out) not in identity.seen
        results = identity.meet(out, "result") if is_new else self.note_results(out)
        running = self.phases.running() if self.phases.depth else None
        self.log.append(
            (
                overload,
                arguments,
                keywords,
                results,
                where.scope,
                where.call,
                self.frame_of(2),
                identity.live,
                where.number(),
                running,
            )
        )
        identity.clock += 1
        return out

    def look_before(
        self,
        overload: Overload,
        arguments: list[Any],
        keywords: dict[str, Any] | None,
        args: tuple[Any, ...],
        kwargs: dict[str, Any] | None,
    ) -> dict[str, Any] | None:
        """What is to be seen of a special operation before it runs; returns its *keywords* as the log keeps them."""
        if overload.is_suspect:
            self.guard.before_write(overload.writing_everything(), args, kwargs)
        if not overload.communicates:
            return keywords
        keywords = told(overload, arguments, keywords)
        if self.agreement is not None:
            self.agreement.before(overload, arguments, keywords)
        moved = self.where.redistribution
        return {**(keywords or {}), **moved} if moved and kind_of(overload.name) else keywords

    def look_after(
        self, overload: Overload, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any, arguments: list[Any]
    ) -> None:
        """What is to be seen of a special operation after it has run."""
        if overload.is_suspect:
            _overloads[id(overload.target)] = overload.sharing(*shared(args, kwargs, out))
        if overload.moves_metadata:
            self.identity.remeasure(args[0])
        elif overload.name == NEG_VIEW:
            self.identity.neg_bits = True
        elif overload.name in LIFTS and out is not args[0]:
            self.identity.take_over(args[0], arguments[0], out)

    def note_results(self, out: Any) -> Any:
        """Readings of every tensor in *out*, in its own nesting."""
        kind = type(out)
        if kind is Tensor or isinstance(out, Tensor):
            identity = self.identity
            seen = identity.seen.get(id(out))
            is_known = seen is not None and seen() is out
            return identity.read(out) if is_known else identity.meet(out, "result")
        if kind in SEQUENCES or isinstance(out, SEQUENCES):
            return tuple([self.note_results(part) for part in out])
        if kind is dict:
            return tuple([self.note_results(part) for part in out.values()])
        return None


NOTES_FAILURES.add(OperationMode.__torch_dispatch__.__code__)


def takes_number_for_tensor(overload: Overload, args: tuple[Any, ...]) -> bool:
    """Whether an argument is a number where a tensor belongs: so a size arrives that ``torch.jit.trace`` follows."""
    places = [place for place, value in enumerate(args) if isinstance(value, (int, float))]
    schema = getattr(overload.target, "_schema", None)
    return schema is not None and any(str(schema.arguments[place].type) == "Tensor" for place in places)


def read_arguments(args: tuple[Any, ...], read: Callable[[Tensor], Raw]) -> list[Any]:
    """*args* with every tensor replaced by its reading."""
    arguments: list[Any] = []
    for argument in args:
        kind = type(argument)
        if kind is Tensor or kind is Parameter:
            arguments.append(read(argument))
        elif kind in NO_TENSORS:
            arguments.append(argument)
        elif kind is list or kind is tuple:
            holds_none = NO_TENSORS.issuperset(map(type, argument))
            arguments.append(tuple(argument) if holds_none else read_each(argument, read))
        else:
            arguments.append(read_one(argument, read))
    return arguments


def read_each(sequence: Any, read: Callable[[Tensor], Raw]) -> tuple[Any, ...]:
    """*sequence* with every tensor replaced by its reading."""
    return tuple([part if type(part) in NO_TENSORS else read_one(part, read) for part in sequence])


def read_one(value: Any, read: Callable[[Tensor], Raw]) -> Any:
    """*value* with every tensor in it replaced by its reading."""
    if isinstance(value, Tensor):
        return read(value)
    if isinstance(value, SEQUENCES):
        return read_each(value, read)
    return value
