"""Values inside scopes, told through their names.

``return`` lines do so from the root (``%model>layers.3>self_attn>cat_2``), phases from the forward call that a block
stands for (``^attn>sdpa``), or from one around it, with one more ``^`` for each block on the way (``^^norm1``).
"""

from __future__ import annotations

import re

from pytest_torchgraph.canonical.naming import is_input
from pytest_torchgraph.canonical.program import Inner, Operand, Saved
from pytest_torchgraph.snapshot.patterns import STEP
from pytest_torchgraph.snapshot.reading import READING, reading_of
from pytest_torchgraph.snapshot.values import Values

_INNER = re.compile(rf"%(?P<path>{STEP}(?:>{STEP})+)(?::(?P<position>\d+))?(?P<reading>{READING})", re.ASCII)
_NAME = re.compile(STEP, re.ASCII)


def inner_text(inner: Inner, root: Values) -> str:
    """The name of a value inside scopes, as seen from the root body."""
    return f"%{_path(inner.steps, root)}" + (f":{inner.position}" if inner.position else "")


def saved_text(saved: Saved, reader: Values) -> str:
    """The name of a forward value, as seen from a body of a phase."""
    forward = reader.stands_for(saved.up)
    marks = "^" * (saved.up + 1)
    if not saved.steps:
        return f"{marks}in{saved.position}"
    return marks + _path(saved.steps, forward) + (f":{saved.position}" if saved.position else "")


def saved_of(name: str, position: int, reader: Values) -> Saved:
    """What :func:`saved_text` wrote; raises ``ValueError`` for a name that stands for nothing."""
    if reader.is_forward:
        raise ValueError(f"{name} names a value of the forward pass, which phases alone do")
    path = name.lstrip("^")
    up = len(name) - len(path) - 1
    forward = reader.stands_for(up)
    if is_input(path) and path not in forward.names:
        if int(path[2:]) >= len(forward.inputs):
            raise ValueError(f"{name} is no input of the forward call")
        return Saved(up, (), int(path[2:]))
    steps = _steps(path, forward)
    made_in = forward.inside(steps[:-1])
    if position >= made_in.count(steps[-1]):
        raise ValueError(f"{name} has no result {position}")
    return Saved(up, steps, made_in.place(steps[-1], position))


def _path(steps: tuple[int, ...], values: Values) -> str:
    names = []
    for step in steps:
        names.append(values.ordered_names[step])
        values = values.inner.get(step, values)
    return ">".join(names)


def read_inner(text: str, position: int, root: Values) -> tuple[Operand, int] | None:
    """The value inside scopes at *position* and where it ends; ``None`` where none stands there.

    Raises ``ValueError`` for a name that stands for nothing.
    """
    found = _INNER.match(text, position)
    if found is None:
        return None
    steps, told = _steps(found["path"], root), int(found["position"] or 0)
    made_in = root.inside(steps[:-1])
    if told >= made_in.count(steps[-1]):
        raise ValueError(f"%{found['path']} has no result {told}")
    inner = Inner(steps, made_in.place(steps[-1], told))
    reading = reading_of(found["reading"], root.resolve(inner)) if found["reading"] else None
    return Operand(inner, reading), found.end()


def _steps(path: str, root: Values) -> tuple[int, ...]:
    steps: list[int] = []
    values = root
    for name in _NAME.findall(path):
        if steps:
            if steps[-1] not in values.inner:
                raise ValueError(f"%{path} goes through something that is no scope")
            values = values.inner[steps[-1]]
        step = values.names.get(name)
        if step is None or step >= len(values.made):
            raise ValueError(f"no value {name!r} stands where %{path} says")
        steps.append(step)
    return tuple(steps)
