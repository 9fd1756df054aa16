"""The modules that changes are in, as text."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_torchgraph.canonical.ownership import natural
from pytest_torchgraph.diff.grouping import NUMBER, shared_path
from pytest_torchgraph.words.counting import listed


def places_text(paths: Iterable[str]) -> str:
    """``layers.* ×4, head``: the outermost of *paths*, at most three; the model itself where there is no other."""
    modules = dict.fromkeys(paths)
    outer = [name for name in modules if name and not any(name.startswith(f"{other}.") for other in modules if other)]
    alike: dict[str, list[str]] = {}
    for name in outer:
        alike.setdefault(NUMBER.sub("*", name), []).append(name)
    told = [_place(tuple(same)) + (f" ×{len(same)}" if len(same) > 1 else "") for same in alike.values()]
    return listed(told, 3) or "the model"


def _place(paths: tuple[str, ...]) -> str:
    """The path that *paths* share; of modules that have nothing but a number, ``module 1``, ``modules 0, 1``."""
    path = shared_path(paths)
    if any(letter.isalpha() for letter in path):
        return path
    numbers = sorted(paths, key=natural)
    return f"module {path}" if len(paths) == 1 else f"modules {listed(numbers, 4)}"
