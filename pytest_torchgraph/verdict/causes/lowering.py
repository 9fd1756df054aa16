"""What compiling makes of a model that ran eagerly, or the other way round: the same model, in other operations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pytest_torchgraph.canonical.program import Block
from pytest_torchgraph.canonical.run import COMPILERS, ENGINES
from pytest_torchgraph.diff.change import Altered, Change, RunChanged
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Come, Seen, module_of, operations_of, packet, work_names
from pytest_torchgraph.verdict.kind import syncs_in
from pytest_torchgraph.words.counting import listed, times

FEW = 3
BRANCH = Cause(
    "traced-branch",
    "a graph can look at no value: code that asks whether it is traced goes another way",
)
DEAD = Cause("dead-code", "nothing needs what it makes, and a compiled graph leaves that out")
DECOMPOSED = Cause("decomposed", "a compiled graph holds what an operation is made of, as PyTorch's tables have it")
FUSED = Cause("fused-in-graph", "a compiled graph has fewer operations for the same")


@dataclass(frozen=True, slots=True)
class Sides:
    """What only the eager run does, what only the compiled one does, and what both do differently."""

    eager: list[Come]
    compiled: list[Come]
    altered: list[Altered]

    def within(self, modules: set[str]) -> Sides:
        """The part that is in *modules*."""
        return Sides(
            [one for one in self.eager if module_of(one) in modules],
            [one for one in self.compiled if module_of(one) in modules],
            [one for one in self.altered if module_of(one) in modules],
        )

    @property
    def changes(self) -> tuple[Change, ...]:
        """All of it."""
        return *self.eager, *self.compiled, *self.altered


def lowering(seen: Seen) -> Iterator[Claim]:
    """What an eager run and a compiled one of a model do differently, or two of different backends."""
    sides = _sides(seen)
    if sides is None:
        return
    looks = {module_of(one) for one in sides.eager if syncs_in(one.site.item)}
    branch = sides.within(looks)
    if looks:
        yield Claim(BRANCH, "compile", _branch_text(branch), branch.changes)
    dead = [one for one in sides.eager if one.idle and module_of(one) not in looks]
    if dead:
        yield Claim(DEAD, "compile", f"left out by the compiler: {_names(dead)}", tuple(dead))
    left = {module_of(one) for one in (*sides.eager, *sides.compiled)} - looks
    rest = [_less(sides.within({module}), dead) for module in sorted(left)]
    for key in dict.fromkeys(filter(None, map(_key_of, rest))):
        yield _swapped(*key, [part for part in rest if _key_of(part) == key])


def _swapped(cause: Cause, eager: str, parts: Sequence[Sides]) -> Claim:
    """What became of the *eager* operations in all modules where the same did."""
    came = [one for part in parts for one in part.compiled]
    count = sum(operations_of(part.compiled) + operations_of(part.eager) for part in parts)
    word = "fused" if cause is FUSED else "decomposed"
    what = f"{eager} -> {_names(came) or 'nothing'}"
    title = f"{word} by the compiler, in {times(len(parts), 'module')}: {what} ({times(count, 'operation', '+d')})"
    return Claim(cause, "compile", title, tuple(change for part in parts for change in part.changes))


def _sides(seen: Seen) -> Sides | None:
    """What differs, by side; ``None`` where both are compiled alike, or neither is."""
    for change in seen.changes:
        if isinstance(change, RunChanged):
            before, after = _level(change.before), _level(change.after)
            if before is not None and after is not None and before != after:
                added, removed = list[Come](seen.added), list[Come](seen.removed)
                eager, compiled = (removed, added) if before < after else (added, removed)
                return Sides(eager, compiled, seen.altered)
    return None


def _level(engine: str) -> int | None:
    """How far the compiler takes a model apart; ``None`` for a word that tells of something else."""
    if engine in COMPILERS.values():
        return 1 + list(COMPILERS.values()).index(engine)  # type: ignore[arg-type]
    return 0 if engine in ENGINES.values() else None


def _less(part: Sides, dead: list[Come]) -> Sides:
    """*part* without what is *dead*."""
    return Sides([one for one in part.eager if one not in dead], part.compiled, part.altered)


def _key_of(part: Sides) -> tuple[Cause, str] | None:
    """What happened to the work of one module, and the operations that it happened to; ``None`` where nothing known."""
    if part.eager and part.compiled:
        fewer = _operations(part.eager) > _operations(part.compiled)
        return (FUSED if fewer else DECOMPOSED), _names(part.eager)
    idle = [*part.eager, *part.compiled]
    if idle and all(map(_is_idle_dropout, idle)):
        return (FUSED, "clone") if part.eager else (DECOMPOSED, "dropout")
    return None


def _is_idle_dropout(change: Come) -> bool:
    """Whether a dropout that drops nothing came: PyTorch's tables have it copy its input."""
    item = change.site.item
    module = item.class_name if isinstance(item, Block) else change.site.class_name
    return "Dropout" in module and set(work_names(change.site)) == {"aten.clone"}


def _operations(changes: Iterable[Come]) -> int:
    return sum(change.operations for change in changes)


def _branch_text(branch: Sides) -> str:
    looks = [one for one in branch.eager if syncs_in(one.site.item)]
    others = times(_operations(branch.compiled), "operation")
    return f"another branch when compiled: no {_names(looks)}, but {others} that the eager run has not"


def _names(changes: Iterable[Come]) -> str:
    """``clone, mul, …``: the operations, each once."""
    names = list(dict.fromkeys(name.removeprefix("aten.") for change in changes for name in _named(change)))
    return listed(names, FEW)


def _named(change: Come) -> Iterable[str]:
    """The operation, API call, or what a whole module call does."""
    return work_names(change.site) if isinstance(change.site.item, Block) else (packet(change),)
