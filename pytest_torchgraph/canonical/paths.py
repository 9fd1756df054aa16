"""Paths of modules and of what they hold, told from the module call in which they are named.

A path is relative to the call that names it (``attn.bias``), to one around it (``../bias``, with a ``../`` for each
call on the way out), or absolute with a leading slash (``/embed.weight``). So a layer that hands its own parameter to
a child is the same text for every layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

UP = "../"
ROOT = "/"


def relative(path: str, around: Iterable[str]) -> str:
    """*path* as it is named in the innermost of the module calls whose paths are *around*, the root's (``""``) last.

    It is told from the innermost call whose module holds it; what only the root holds is absolute elsewhere.
    """
    for up, own in enumerate(around):
        if not own:
            return f"{ROOT}{path}" if up or not path else path
        if path.startswith(f"{own}."):
            return UP * up + path[len(own) + 1 :]
    return f"{ROOT}{path}"


def paths_around(path: str) -> list[str]:
    """``a``, ``a.b`` and ``a.b.c`` for ``a.b.c``: the modules around it, outermost first, and itself."""
    parts = path.split(".") if path else []
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


def steps_up(path: str) -> int:
    """How many module calls *path* leads out."""
    up = 0
    while path.startswith(UP, up * len(UP)):
        up += 1
    return up


def absolute(path: str, around: Sequence[str]) -> str:
    """The path that :func:`relative` told; there is nothing around the root, and ``../`` stays there."""
    if path.startswith(ROOT):
        return path[1:]
    up = steps_up(path)
    own, rest = around[min(up, len(around) - 1)], path[up * len(UP) :]
    return f"{own}.{rest}" if own and rest else own or rest
