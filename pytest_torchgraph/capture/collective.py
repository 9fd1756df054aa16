"""What ranks do together: by which operation they reduce, and which of them there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import local
from typing import Any

import torch
from torch import distributed
from torch.distributed import distributed_c10d

from pytest_torchgraph.capture.release import RELEASE
from pytest_torchgraph.capture.schema import Overload
from pytest_torchgraph.recorded.operation import Group

GROUPS: Any = distributed_c10d
BY_NAME = ("group_name", "group", "process_group")
"""Arguments by which functional collectives name their group: a counter, in the order in which groups are made."""


OPTIONS = ("AllreduceOptions", "ReduceOptions", "ReduceScatterOptions")
"""What the functions of ``torch.distributed`` put a reduction into, on its way to the dispatcher."""
asked = local()
"""The reduction that this thread is about to ask for."""


def place_of_process() -> tuple[int, int]:
    """The rank of this process, and how many ranks there are; alone it is rank 0 of 1."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()


def told(overload: Overload, arguments: list[Any], keywords: dict[str, Any] | None) -> dict[str, Any] | None:
    """Put into *arguments* what their objects stand for, and return *keywords* so; what is unknown stays as it is."""
    names = overload.argument_names
    arguments[:] = [meaning(names[place] if place < len(names) else "", value) for place, value in enumerate(arguments)]
    return keywords and {name: meaning(name, value) for name, value in keywords.items()}


def meaning(name: str, value: Any) -> Any:
    """The ranks of a group, the name of a reduction as functional collectives spell it, or *value*."""
    if isinstance(value, torch.ScriptObject):
        kind = value._type().qualified_name()
        if kind.endswith(".ReduceOp"):
            return reduction_of(value)
        return ranks_of(distributed.ProcessGroup.unbox(value), value) if kind.endswith(".ProcessGroup") else value
    if isinstance(value, str) and name in BY_NAME:
        try:
            return ranks_of(GROUPS._resolve_process_group(value), value)
        except (RuntimeError, ValueError, KeyError):
            return value
    return ranks_of(value, value) if isinstance(value, distributed.ProcessGroup) else value


def ranks_of(group: Any, otherwise: Any) -> Any:
    """The ranks of a group that was made by ``torch.distributed``; *otherwise* for another one."""
    try:
        return Group(tuple(distributed.get_process_group_ranks(group)))
    except (RuntimeError, ValueError, KeyError):
        return otherwise


def reduction_of(operation: Any) -> Any:
    """The name of the reduction that the object *operation* stands for; the object where that is not known.

    Such an object tells nothing before PyTorch 2.10: then it is what the function asked for that made it, and unknown
    where that was C++ (the reducer of DistributedDataParallel).
    """
    if operation._has_method("op"):
        return distributed.ReduceOp.RedOpType(operation.op()).name.lower()
    name, asked.reduction = getattr(asked, "reduction", None), None
    return name or operation


@contextmanager
def following_reductions() -> Iterator[None]:
    """Note, while the context is open, what reductions are asked for, where their objects do not tell."""
    kinds = {name: getattr(GROUPS, name) for name in OPTIONS if RELEASE < (2, 10)}
    for name, kind in kinds.items():
        setattr(GROUPS, name, noted(kind))
    try:
        yield
    finally:
        for name, kind in kinds.items():
            setattr(GROUPS, name, kind)


def noted(kind: Any) -> Any:
    """*kind* of options, whose reduction is noted when it is set."""

    class Noted(kind):  # type: ignore[misc]
        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value)
            if name == "reduceOp":
                asked.reduction = getattr(value, "op", value).name.lower()

    return Noted
