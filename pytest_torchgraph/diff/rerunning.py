"""What checkpointing runs again in a graph, and where it leaves something out because a policy keeps that."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_torchgraph.canonical.program import ModuleCall, RecomputedCall
from pytest_torchgraph.diff.change import Rerun
from pytest_torchgraph.diff.tree import Body, Tree, operation_names
from pytest_torchgraph.recorded.operation import packet_of


def rerun_of(tree: Tree) -> Rerun:
    """What runs again in *tree*; operations behind the last one that runs again count as kept by nothing.

    Checkpointing stops there where nothing more is needed, with and without a policy.
    """
    found = [body for body in tree.bodies if isinstance(body.record, RecomputedCall)]
    forward = {body.owner: body for body in reversed(tree.bodies) if _is_forward_call(body)} if found else {}
    kept = [name for body in found if body.owner in forward for name in _left_out(forward[body.owner], body)]
    return Rerun(len(found), tuple(dict.fromkeys(kept)))


def _is_forward_call(body: Body) -> bool:
    return isinstance(body.record, ModuleCall) and body.forward is body


def _left_out(forward: Body, again: Body) -> Iterator[str]:
    """The operations of *forward* that *again* leaves out before its last; none where it does something else."""
    names = list(map(packet_of, operation_names(again.record)))
    left: list[str] = []
    for name in map(packet_of, operation_names(forward.record)):
        if not names:
            break
        if name == names[0]:
            names.pop(0)
        else:
            left.append(name)
    if not names:
        yield from left
