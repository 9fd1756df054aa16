"""What compiling makes of a model that ran eagerly, or the other way round: the same model, in other operations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pytest_torchgraph.canonical.program import Block, Item, Operand, Semantic, Work
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Come, Seen, module_of, operations_of, packet, work_names
from pytest_torchgraph.verdict.causes.engines import Sides, sides_of
from pytest_torchgraph.verdict.causes.rematerialising import rematerialising
from pytest_torchgraph.verdict.kind import syncs_in
from pytest_torchgraph.words.counting import listed, times

FEW = 3
MASK = "attn_mask"
BRANCH = Cause(
    "traced-branch",
    "a graph can look at no value: code that asks whether it is traced goes another way",
)
DEAD = Cause("dead-code", "nothing needs what it makes, and a compiled graph leaves that out")
DECOMPOSED = Cause("decomposed", "a compiled graph holds what an operation is made of, as PyTorch's tables have it")
FUSED = Cause("fused-in-graph", "a compiled graph has fewer operations for the same")


def lowering(seen: Seen) -> Iterator[Claim]:
    """What an eager run and a compiled one of a model do differently, or two of different backends."""
    sides = sides_of(seen)
    if sides is None:
        return
    for claim in rematerialising(sides):
        yield claim
        sides = sides.without(claim.changes)
    looks = {module_of(one) for one in sides.eager if syncs_in(one.site.item)}
    if looks:
        given = _given_masks(sides)
        branch = sides.within(looks)
        yield Claim(BRANCH, "compile", _branch_text(branch, given), (*branch.changes, *sides.within(given).changes))
        looks |= given
    dead = [one for one in sides.eager if one.idle and module_of(one) not in looks]
    if dead:
        yield Claim(DEAD, "compile", f"left out by the compiler: {_names(dead)}", tuple(dead))
    left = {module_of(one) for one in (*sides.eager, *sides.compiled)} - looks
    rest = [sides.within({module}).without(dead) for module in sorted(left)]
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


def _given_masks(sides: Sides) -> set[str]:
    """The modules whose attention is given a mask that it is not given where the model runs eagerly."""
    maskless = {module_of(one) for one in sides.eager if _is_maskless(one.site.item)}
    return {module_of(one) for one in sides.compiled if module_of(one) in maskless and _has_mask(one.site.item)}


def _is_maskless(item: Item) -> bool:
    return isinstance(item, Semantic) and dict(item.keywords).get(MASK, item) is None


def _has_mask(item: Item) -> bool:
    return isinstance(item, Work) and isinstance(dict(item.keywords).get(MASK), Operand)


def _key_of(part: Sides) -> tuple[Cause, str] | None:
    """What happened to the work of one module, and the operations that it happened to; ``None`` where nothing known."""
    if part.eager and part.compiled and set(_every_name(part.eager)) != set(_every_name(part.compiled)):
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


def _branch_text(branch: Sides, given: set[str]) -> str:
    looks = [one for one in branch.eager if syncs_in(one.site.item)]
    others = times(_operations(branch.compiled), "operation")
    masks = f"; attention is given a mask in {times(len(given), 'module')}" if given else ""
    return f"another branch when compiled: no {_names(looks)}, but {others} that the eager run has not{masks}"


def _names(changes: Iterable[Come]) -> str:
    """``clone, mul, …``: the operations, each once."""
    return listed(_every_name(changes), FEW)


def _every_name(changes: Iterable[Come]) -> list[str]:
    return list(dict.fromkeys(name.removeprefix("aten.") for change in changes for name in _named(change)))


def _named(change: Come) -> Iterable[str]:
    """The operation, API call, or what a whole module call does."""
    return work_names(change.site) if isinstance(change.site.item, Block) else (packet(change),)
