"""A body of a program, where it stands, and what is meant by the references that are written in it.

Everything that follows references does so by a cursor; what a value is to it (a tensor of a graph, a dtype with
strides, the item that made it) is its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from pytest_torchgraph.canonical.paths import absolute
from pytest_torchgraph.canonical.program import (
    AnyBlock,
    Inner,
    Input,
    Item,
    Leaf,
    ModuleCall,
    ParameterLoop,
    PhaseBlock,
    RecomputedCall,
    Reference,
    Result,
    Saved,
)
from pytest_torchgraph.words.closed import assert_never

if TYPE_CHECKING:
    from typing_extensions import Self

Value = TypeVar("Value")


class Unresolved(ValueError):
    """A reference stands for nothing: there is no such body around, or none inside."""


class Cursor(ABC, Generic[Value]):
    """One body: ``outer`` is the one around it, ``inner`` those of its items so far, by position.

    ``is_forward`` says that it is that of a forward call; in a phase it may stand for one, which is its ``forward``.
    """

    def __init__(self, outer: Self | None = None) -> None:
        self.outer = outer
        self.is_forward = True
        self.inner: dict[int, Self] = {}
        self.calls: dict[tuple[str, int], Self] = {}
        self._forward: Self | None = None

    @property
    def forward(self) -> Self | None:
        """The body of the forward call that this one is or stands for."""
        return self if self.is_forward else self._forward

    @forward.setter
    def forward(self, body: Self | None) -> None:
        self.is_forward = body is self
        self._forward = None if self.is_forward else body  # one that held itself would only be freed by the collector

    def enter(self, kind: type[AnyBlock], name: str, call: int, body: Self) -> Self:
        """*body*, as that of a block that begins in this one: it knows the forward call that it stands for."""
        body.outer = self
        body.forward = self._stands_for(kind, (name, call), body)
        return body

    def _stands_for(self, kind: type[AnyBlock], called: tuple[str, int], body: Self) -> Self | None:
        if kind is PhaseBlock:
            return self.forward
        if self.is_forward:
            return body
        return self.forward.calls.get(called) if kind is ModuleCall and self.forward is not None else None

    def hold(self, at: int, body: Self, item: Item) -> None:
        """Note *body* as that of *item*, a block or an API call at position *at*."""
        self.inner[at] = body
        if isinstance(item, ModuleCall):
            self.calls[item.name, item.call] = body

    def let_go(self) -> None:
        """Forget the bodies around and inside: they hold each other, so that only Python's collector would free them.

        For the root, when nothing is followed any more.
        """
        held = [self]
        while held:
            body = held.pop()
            held += body.inner.values()
            body.outer = body.forward = None
            body.inner.clear()
            body.calls.clear()

    def above(self) -> Iterator[Self]:
        """This body and every one around it, innermost first."""
        body: Self | None = self
        while body is not None:
            yield body
            body = body.outer

    def stands_for(self, up: int) -> Self:
        """The forward call that the block *up* blocks around this body stands for."""
        body: Self | None = self
        for _ in range(up):
            body = None if body is None else body.outer
        if body is None or body.forward is None:
            raise Unresolved("no forward call stands for this block")
        return body.forward

    def inside(self, steps: Iterable[int]) -> Self:
        """The body that is reached through the items at *steps*."""
        body = self
        for step in steps:
            if step not in body.inner:
                raise Unresolved("no scope stands on the way")
            body = body.inner[step]
        return body

    def resolve(self, reference: Reference) -> Value:
        """What *reference*, written in this body, stands for; raises :class:`Unresolved` where it has no way there."""
        match reference:
            case Result():
                return self.result(reference)
            case Input(index):
                return self.input(index)
            case Leaf(path):
                return self.leaf(path)
            case Inner(steps, position):
                return self.inside(steps[:-1]).result(Result(steps[-1], position))
            case Saved(up, (), position):
                return self.stands_for(up).input(position)
            case Saved(up, steps, position):
                return self.stands_for(up).resolve(Inner(steps, position))
            case _:
                assert_never(reference)

    @abstractmethod
    def input(self, index: int) -> Value:
        """The value that the body takes from outside as number *index*."""

    @abstractmethod
    def leaf(self, path: str) -> Value:
        """The leaf that the body calls *path*."""

    @abstractmethod
    def result(self, result: Result) -> Value:
        """The value that an item of the body made or handed out."""


def module_path(block: AnyBlock, around: Sequence[str]) -> str:
    """Path of the module whose body *block* is; *around* are those of the bodies around, innermost first."""
    match block:
        case ModuleCall() | RecomputedCall():
            return absolute(block.name, around)
        case PhaseBlock() | ParameterLoop():
            return around[0]
        case _:
            assert_never(block)
