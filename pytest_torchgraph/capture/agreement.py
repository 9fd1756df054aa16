"""Ranks that record together agree on each collective before it is sent: a difference is told, and nothing hangs.

Each rank puts what it is about to send into the store of the process group, and reads what the others put there. That
happens on the thread that makes the call, before any transport starts. Messages between two ranks (``send``, ``recv``)
are not compared: the two sides of one are different calls.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any

from torch import distributed
from torch.distributed import distributed_c10d

from pytest_torchgraph.capture.schema import Overload
from pytest_torchgraph.capture.tensor import Raw
from pytest_torchgraph.recorded.collective import REDUCTIONS, kind_of
from pytest_torchgraph.recorded.note import Told
from pytest_torchgraph.recorded.operation import Group
from pytest_torchgraph.words.counting import times

PATIENCE = 60.0
"""Seconds that a rank waits for another one unless told otherwise."""
BETWEEN_TWO = frozenset({"send", "recv", "send_recv"})
SEVERAL_SIZES = frozenset({"all_to_all", "gather", "scatter"})
"""Collectives in which ranks may give and get tensors of different sizes, or none."""
LISTS = {"c10d.allgather_.default": 0, "c10d.reduce_scatter_.default": 1}
"""The argument that is the same for all ranks, where others need not be."""
ROOTS = frozenset({"root_rank", "src", "dst", "root"})
END, RAISED = "nothing more", "raised"
COORDINATION: Any = distributed_c10d
_number = count()


class RanksDiverge(RuntimeError):
    """Ranks are about to do different things together; nothing of it was sent."""


def several_ranks() -> bool:
    """Whether this process is one of several real ones."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return False
    return distributed.get_world_size() > 1 and distributed.get_backend() != "fake"


@contextmanager
def agreeing(place: Callable[[], str], patience: float = PATIENCE) -> Iterator[tuple[Agreement | None, list[str]]]:
    """An agreement of all ranks, where there are several and all of them record; and what is to be said of that.

    *place* says where this rank is, for messages; *patience* are seconds, 0 agrees on nothing.
    """
    if not patience or not several_ranks():
        yield None, []
        return
    agreement = Agreement(place, patience)
    if not agreement.everyone_is_here():
        yield None, [Told(f"collectives are not compared: not every rank records (waited {patience:g} s for them)")]
        return
    try:
        yield agreement, []
    except BaseException as error:
        agreement.gone(f"{RAISED} {type(error).__name__}")
        raise
    agreement.finish()


class Agreement:
    """What the ranks of one recording do together, in the order of each group of them."""

    def __init__(self, place: Callable[[], str], patience: float) -> None:
        self.place = place
        self.wait = timedelta(seconds=patience)
        self.rank = distributed.get_rank()
        self.size = distributed.get_world_size()
        store = COORDINATION._get_default_store().clone()
        self.store = COORDINATION.PrefixStore(f"torchgraph/{next(_number)}", store)
        self.done: Counter[tuple[int, ...]] = Counter()

    def everyone_is_here(self) -> bool:
        """Whether all ranks came to record within the time; all of them are told the same."""
        if self.store.add("here", 1) == self.size:
            return self.decided("yes")
        try:
            self.store.wait(["all here"], self.wait)
        except RuntimeError:
            return self.decided("no")
        return self.decided("yes")

    def decided(self, proposal: str) -> bool:
        """Whether the ranks compare: what the first of them decided."""
        return bool(self.store.compare_set("all here", "", proposal) == b"yes")

    def before(self, overload: Overload, arguments: list[Any], keywords: dict[str, Any] | None) -> None:
        """Agree on a collective; raises :class:`RanksDiverge` where another rank is about to do something else."""
        kind = kind_of(overload.name)
        if kind is None or kind in BETWEEN_TWO:
            return
        named = dict(zip(overload.argument_names, arguments, strict=False)) | (keywords or {})
        group = next((value for value in named.values() if isinstance(value, Group)), None)
        if group is not None and len(group.ranks) > 1:
            self.offer(group.ranks, call_text(kind, overload.name, named))

    def finish(self) -> None:
        """Agree that nothing more comes, in all groups."""
        for ranks in self.groups():
            self.offer(ranks, END)

    def gone(self, why: str) -> None:
        """Tell all others that this rank does no more, and wait for none of them."""
        for ranks in self.groups():
            self.store.set(key(ranks, self.done[ranks], self.rank), json.dumps([why, self.place()]))

    def groups(self) -> list[tuple[int, ...]]:
        """The ranks of every group that this rank belongs to."""
        known = {tuple(sorted(ranks)) for ranks in COORDINATION._world.pg_group_ranks.values()}
        return sorted(ranks for ranks in known if len(ranks) > 1 and self.rank in ranks)

    def offer(self, ranks: tuple[int, ...], what: str) -> None:
        """Put *what* comes next where the other *ranks* see it, and see that they do the same."""
        ranks = tuple(sorted(ranks))
        number, offers = self.done[ranks], {self.rank: (what, self.place())}
        self.done[ranks] += 1  # at once: what is told when this rank gives up must not take the place of its offer
        self.store.set(key(ranks, number, self.rank), json.dumps(offers[self.rank]))
        self.store.set(f"at/{self.rank}", json.dumps([f"{what} in {Group(ranks).text}", self.place()]))
        for other in ranks:
            if other != self.rank:
                offers[other] = self.offered(key(ranks, number, other), other)
                if offers[other][0] != what:
                    raise RanksDiverge(differing(ranks, number, offers))

    def offered(self, place: str, other: int) -> tuple[str, str]:
        """What the rank *other* puts at *place* of the store, and where in its code it was."""
        try:
            self.store.wait([place], self.wait)
        except RuntimeError:
            here = self.store.check([f"at/{other}"])
            last = " at ".join(filter(None, json.loads(self.store.get(f"at/{other}")))) if here else "nothing"
            return f"nothing within {self.wait.total_seconds():g} s", f"the last it came to: {last}"
        what, where = json.loads(self.store.get(place))
        return what, where


def key(ranks: tuple[int, ...], number: int, rank: int) -> str:
    """Where *rank* puts what it does in the group of *ranks* after *number* other things."""
    return f"{Group(ranks).text}/{number}/{rank}"


def differing(ranks: tuple[int, ...], number: int, offers: dict[int, tuple[str, str]]) -> str:
    """What the ranks are about to do, one in a line, after *number* collectives on which they agreed."""
    lines = [
        f"  rank {rank}: {what}" + (f" ({where})" if where else "") for rank, (what, where) in sorted(offers.items())
    ]
    return (
        f"ranks do different things together in {Group(ranks).text}, after {times(number, 'collective')} "
        "on which they agreed:\n"
        + "\n".join(lines)
        + "\nNothing of it was sent. Where not every rank records the same code, pass rank_timeout=0."
    )


def call_text(kind: str, name: str, named: dict[str, Any]) -> str:
    """What all ranks of a collective have to say alike: ``all_reduce(float32[4], sum)``."""
    if name in LISTS:
        tensors = tensor_texts([list(named.values())[LISTS[name]]])
    else:
        tensors = tensor_texts(named.values()) if kind != "barrier" else []
    if kind in SEVERAL_SIZES:
        tensors = sorted({text.partition("[")[0] for text in tensors})
    words = [value for value in named.values() if isinstance(value, str) and value in REDUCTIONS]
    roots = [f"root {value}" for key, value in named.items() if key in ROOTS]
    return f"{kind}({', '.join([*tensors, *words, *roots])})"


def tensor_texts(values: Iterable[Any]) -> list[str]:
    """``float32[2,4]`` for each tensor in *values*, nested lists included."""
    found: list[str] = []
    for value in values:
        if isinstance(value, Raw):
            found.append(f"{str(value.dtype).removeprefix('torch.')}[{','.join(map(str, value.shape))}]")
        elif isinstance(value, (list, tuple)):
            found.extend(tensor_texts(value))
    return found
