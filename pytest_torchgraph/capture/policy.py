"""Policies of selective checkpointing that name no operation: packets where overloads run."""

from __future__ import annotations

import dis
import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import Any

from torch._ops import OpOverloadPacket, _OpNamespace, _Ops
from torch.utils import checkpoint

from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.operation import Operation

CACHING = "_CachingTorchDispatchMode"
"""What ``create_selective_checkpoint_contexts`` gives a policy to; private, and so looked up with care."""
CONTAINERS = (list, tuple, set, frozenset, dict)


@dataclass(frozen=True, slots=True)
class Policy:
    """What is remembered of a policy: how it is called, and the packets that it compares operations with."""

    name: str
    packets: tuple[str, ...]


@contextmanager
def policies_seen() -> Iterator[list[Policy]]:
    """The policies of selective checkpointing that come to work while the context is open, each once."""
    seen: list[Policy] = []
    kind: Any = getattr(checkpoint, CACHING, None)
    if kind is None:
        yield seen
        return
    plain = kind.__init__
    met: list[object] = []

    @functools.wraps(plain)
    def noting(mode: Any, policy_fn: Any, *args: Any, **kwargs: Any) -> None:
        plain(mode, policy_fn, *args, **kwargs)
        if policy_fn not in met:
            met.append(policy_fn)
            seen.append(Policy(name_of(policy_fn), tuple(map(str, packets_in(policy_fn)))))

    kind.__init__ = noting
    try:
        yield seen
    finally:
        kind.__init__ = plain


def notes_on(policies: Iterable[Policy], operations: Iterable[Operation]) -> Iterator[str]:
    """One sentence for each packet that a policy names and whose overload runs again."""
    again = Counter((one.packet, one.name) for one in operations if one.recomputed)
    for policy in policies:
        for (packet, overload), count in again.items():
            if packet in policy.packets:
                yield (
                    f"the checkpoint policy {policy.name} names torch.ops.{packet}, which equals no operation: {count} "
                    f"{packet} {'runs' if count == 1 else 'run'} again (what runs is torch.ops.{overload})"
                )


def name_of(policy: Callable[..., Any]) -> str:
    """What *policy* is called."""
    inner: Any = policy.func if isinstance(policy, functools.partial) else policy
    return str(getattr(inner, "__name__", type(inner).__name__))


def packets_in(policy: Callable[..., Any]) -> list[OpOverloadPacket]:
    """The packets that *policy* compares with: in its code, in what it closes over and in lists that it reads."""
    function: Any = policy.func if isinstance(policy, functools.partial) else policy
    found: dict[OpOverloadPacket, None] = {}
    if isinstance(policy, functools.partial):
        found.update(dict.fromkeys(_packets((*policy.args, *policy.keywords.values()))))
    # A policy that asks an operation for its packet may compare packets.
    if isinstance(function, FunctionType) and not any("overloadpacket" in name for name in function.__code__.co_names):
        found.update(dict.fromkeys(_packets(_reached(function))))
    return list(found)


def _packets(values: Iterable[object]) -> Iterator[OpOverloadPacket]:
    for value in values:
        if isinstance(value, OpOverloadPacket):
            yield value
        elif isinstance(value, CONTAINERS):
            yield from (one for one in value if isinstance(one, OpOverloadPacket))


def _reached(function: FunctionType) -> Iterator[object]:
    """What the names in the code of *function* lead to, through ``torch.ops`` as far as attributes are followed."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=False)
    known = {**function.__globals__, **{name: cell.cell_contents for name, cell in cells if _is_full(cell)}}
    value: object = None
    for step in dis.get_instructions(function):
        if step.opname in ("LOAD_GLOBAL", "LOAD_DEREF", "LOAD_NAME", "LOAD_CLASSDEREF"):
            yield value
            value = known.get(step.argval)
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD") and _leads_on(value):
            value = getattr(value, step.argval, None)
        else:
            yield value
            value = None
    yield value


def _leads_on(value: object) -> bool:
    return isinstance(value, (_Ops, _OpNamespace, OpOverloadPacket)) or (
        isinstance(value, ModuleType) and value.__name__ == "torch"
    )


def _is_full(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False
