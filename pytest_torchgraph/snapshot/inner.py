"""Values inside scopes, as the ``return`` lines name them: ``%model>layers.3>self_attn>cat_2``."""

from __future__ import annotations

import re

from pytest_torchgraph.graph.program import Inner, Operand
from pytest_torchgraph.snapshot.patterns import VALUE
from pytest_torchgraph.snapshot.reading import READING, reading_of
from pytest_torchgraph.snapshot.values import Values

_STEP = VALUE.removeprefix("%")
_INNER = re.compile(rf"%(?P<path>{_STEP}(?:>{_STEP})+)(?::(?P<position>\d+))?(?P<reading>{READING})", re.ASCII)
_NAME = re.compile(_STEP, re.ASCII)


def inner_text(inner: Inner, root: Values) -> str:
    """The name of a value inside scopes, as seen from the root body."""
    names = []
    values = root
    for step in inner.steps:
        names.append(values.ordered_names[step])
        values = values.inner.get(step, values)
    return f"%{'>'.join(names)}" + (f":{inner.position}" if inner.position else "")


def read_inner(text: str, position: int, root: Values) -> tuple[Operand, int] | None:
    """The value inside scopes at *position* and where it ends; ``None`` where none stands there.

    Raises ``ValueError`` for a name that stands for nothing.
    """
    found = _INNER.match(text, position)
    if found is None:
        return None
    inner = Inner(_steps(found["path"], root), int(found["position"] or 0))
    made_in = root.inside(inner.steps[:-1])
    if inner.position >= max(made_in.count(inner.steps[-1]), 1):
        raise ValueError(f"%{found['path']} has no result {inner.position}")
    reading = reading_of(found["reading"], root.base(inner)) if found["reading"] else None
    return Operand(inner, reading), found.end()


def _steps(path: str, root: Values) -> tuple[int, ...]:
    steps: list[int] = []
    values = root
    for name in _NAME.findall(path):
        if steps:
            if steps[-1] not in values.inner:
                raise ValueError(f"%{path} goes through something that is no scope")
            values = values.inner[steps[-1]]
        if name not in values.names:
            raise ValueError(f"no value {name!r} stands where %{path} says")
        steps.append(values.names[name])
    return tuple(steps)
