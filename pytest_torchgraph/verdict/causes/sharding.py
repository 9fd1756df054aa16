"""What is held in parts on each rank, and what is put together again from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_torchgraph.canonical.program import Work
from pytest_torchgraph.diff.change import Added, Altered, Change, LeafChanged, Removed, Site
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.collective import RULE, Redistribution, kind_of, redistribution_of
from pytest_torchgraph.recorded.phase import BACKWARD, FORWARD
from pytest_torchgraph.recorded.tensor import TensorSpec
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import (
    Claim,
    Come,
    Seen,
    Side,
    both_ways,
    bytes_of,
    distinct,
    is_work,
    module_of,
    packet,
    reads_leaf,
)
from pytest_torchgraph.verdict.quantity import bytes_text
from pytest_torchgraph.words.counting import listed, times

SHARD = "._local_tensor"
"""What the part of a parameter that this rank holds is called behind the parameter's name."""
LEFT_OUT = "was it left out of the plan, or of the modules that fully_shard is called on?"
BY_RULE = "an operation's sharding rule needs its operand so; are its operands placed as before?"
BY_USER = "redistribute(), full_tensor() or a tensor-parallel style asks for it"
KEPT = "what forward gathers is kept for backward (reshard_after_forward=False)"
AROUND = "a checkpoint around what gathers, or reshard_after_forward that lets go of it"


@dataclass(frozen=True, slots=True)
class Held:
    """Bytes of parameters by name, as parts (``shards``) and as a whole (``wholes``), as operations read them."""

    shards: dict[str, int]
    wholes: dict[str, int]

    @classmethod
    def of(cls, read: Iterable[tuple[str, TensorSpec | None]]) -> Held:
        """As they are *read*: name and spec of each."""
        sizes = {path: bytes_of(spec) for path, spec in read if path}
        shards = {path.removesuffix(SHARD): size for path, size in sizes.items() if path.endswith(SHARD)}
        return cls(shards, {path: size for path, size in sizes.items() if not path.endswith(SHARD)})


def held_whole(seen: Seen) -> Iterator[Claim]:
    """Parameters that a rank holds whole and held in part, or the other way round, with all that reads them."""
    before, after = seen.difference.metric("parameters")
    if before is None or after is None or before == after or _gradients_move_otherwise(seen, before < after):
        return
    sides = Held.of(_read(seen, after=False)), Held.of(_read(seen, after=True))
    parted, whole = sides if after > before else sides[::-1]
    # What was gathered is as large as what is held whole, and where it has one dimension, it is read alike.
    wholes = parted.wholes | whole.wholes
    paths = [path for path in parted.shards if path in wholes and path not in whole.shards]
    small, large = (sum(held[path] for path in paths) for held in (parted.shards, wholes))
    if not paths or large - small != abs(after - before):
        return
    owners = sorted({path.rpartition(".")[0] or "the model" for path in paths})
    names = listed(owners, FEW)
    be = "is" if len(owners) == 1 else "are"
    changes = tuple(change for change in seen.changes if _concerns(change, paths, owners))
    if after > before:
        title = f"{names} {be} sharded no longer: each rank holds the parameters whole, {_grown(small, large)}"
        yield Claim(Cause("unsharded", LEFT_OUT), "state", title, changes, "more")
    else:
        title = f"{names} {be} sharded: each rank holds a part of the parameters, {_grown(large, small)}"
        yield Claim(Cause("sharded", ""), "state", title, changes, "fewer")


def _gradients_move_otherwise(seen: Seen, more: bool) -> bool:  # noqa: FBT001
    """Whether a rank holds less of the gradients where it holds more of the parameters, or the other way round.

    Then what is sharded was only found gathered.
    """
    before, after = seen.difference.metric("gradients")
    return before is not None and after is not None and before != after and (before < after) != more


FEW = 3


def _grown(before: int, after: int) -> str:
    return f"{bytes_text(before)} -> {bytes_text(after)}"


def _read(seen: Seen, *, after: bool) -> Iterator[tuple[str, TensorSpec | None]]:
    """Name and spec of all that changed operations read, and of what is read otherwise, on one side."""
    for change in seen.changes:
        if isinstance(change, LeafChanged):
            yield change.path, change.after if after else change.before
        yield from ((value.path, value.spec) for site in _sites(change, after=after) for value in site.reads)


def _sites(change: Change, *, after: bool) -> tuple[Site, ...]:
    match change:
        case Added(site):
            return (site,) if after else ()
        case Removed(site):
            return () if after else (site,)
        case Altered():
            return (change.after if after else change.before,)
        case _:
            return ()


def _concerns(change: Change, paths: list[str], owners: list[str]) -> bool:
    """Whether *change* is of one of the parameters, or happens in a module that has some."""
    if isinstance(change, LeafChanged):
        return change.path.startswith(tuple(paths))
    sites = (*_sites(change, after=False), *_sites(change, after=True))
    reads = any(value.path.startswith(tuple(paths)) for site in sites for value in site.reads)
    return reads or (bool(sites) and module_of(change) in owners)


@both_ways
def redistributed(side: Side) -> Iterator[Claim]:
    """Collectives that came or went because a ``DTensor`` is placed otherwise: a claim for each such placing."""
    found: dict[Redistribution, list[Come]] = {}
    for change in side.changes:
        moved = _redistribution(change)
        if moved is not None:
            found.setdefault(moved, []).append(change)
    for moved, same in found.items():
        names = ", ".join(sorted({packet(change) for change in same}))
        who = "a sharding rule asks" if moved.asked == RULE else "the code asks"
        what = f"{'+' if side.more else '-'}{times(len(same), 'operation')} between ranks"
        title = f"{what} to redistribute {moved.text}, as {who}: {names}"
        hint = BY_RULE if moved.asked == RULE else BY_USER
        cause = Cause("redistribution", hint) if side.more else Cause("redistribution-removed", "")
        yield Claim(cause, "operation", title, tuple(same), "more" if side.more else "fewer")


def _redistribution(change: Come) -> Redistribution | None:
    item = change.site.item
    return redistribution_of(dict(item.keywords)) if isinstance(item, Work) and is_work(change) else None


@both_ways
def gathered(side: Side) -> Iterator[Claim]:
    """Parameters that the backward pass gathers too, or no longer, while the forward pass gathers as often."""
    gathers = [change for change in side.changes if is_work(change) and kind_of(change.site.name) == "all_gather"]
    homes = {module_of(change) for change in side.changes if packet(change) == COPY_IN}
    found = [change for change in gathers if _of_parameters(change, homes)]
    if not found or _forward_gathers(side.seen):
        return
    what = f"parameters are gathered again in the backward pass{'' if side.more else ' no longer'}"
    title = f"{what}: {'+' if side.more else '-'}{times(len(found), 'operation')} between ranks, {_names(found)}"
    cause = Cause("gathered-again", AROUND) if side.more else Cause("gathered-once", KEPT)
    packed = [change for change in side.changes if packet(change) == COPY_IN and phase_of(change) == BACKWARD]
    yield Claim(cause, "operation", title, distinct((*found, *packed)), "more" if side.more else "fewer")


COPY_IN = "fsdp.all_gather_copy_in"
"""What FSDP makes of its parameters before it gathers them."""


def _of_parameters(change: Come, homes: set[str]) -> bool:
    """Whether the backward pass gathers parameters by it: it reads one, or FSDP packs some in its module."""
    return phase_of(change) == BACKWARD and (reads_leaf(change.site) or module_of(change) in homes)


def _names(found: list[Come]) -> str:
    return ", ".join(sorted({packet(change) for change in found}))


def _forward_gathers(seen: Seen) -> bool:
    """Whether the forward pass gathers more often, or less often."""
    moved = [change for change in seen.difference.changes if isinstance(change, (Added, Removed)) and is_work(change)]
    gathers = [one for one in moved if phase_of(one) == FORWARD and kind_of(one.site.name) == "all_gather"]
    return sum(1 if isinstance(one, Added) else -1 for one in gathers) != 0
