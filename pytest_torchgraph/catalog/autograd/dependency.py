"""Who includes whom, and in which circles."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from graphlib import TopologicalSorter
from posixpath import dirname, join, normpath
from typing import TYPE_CHECKING

from pytest_torchgraph.catalog.autograd.area import LAYERS
from pytest_torchgraph.quick import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_torchgraph.catalog.autograd.source import Include, SourceFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """The dependency map: paths of files, and what each includes of the others."""

    targets: Mapping[str, tuple[str, ...]]
    """For each file, sorted, what it includes, sorted, each once."""
    users: Mapping[str, tuple[str, ...]]
    """The same turned round."""
    cycles: tuple[tuple[str, ...], ...]
    """Files that reach each other without a late import, the largest circle first."""
    at_once: Mapping[str, tuple[str, ...]]
    """``targets`` without late imports."""
    outside: tuple[tuple[str, int], ...]
    """What is included from outside the inventory, and by how many files; the most used first."""
    between_layers: Mapping[tuple[str, str], int]
    """Includes from files of one layer in files of another one, or in their own."""


def resolved(files: Sequence[SourceFile]) -> list[SourceFile]:
    """The files with the targets of their includes."""
    paths = {file.name: file.path for file in files}
    return [
        replace(file, includes=tuple(replace(one, target=_target(file, one, paths)) for one in file.includes))
        for file in files
    ]


def _target(file: SourceFile, include: Include, paths: Mapping[str, str]) -> str | None:
    python = file.language == "Python"
    names = _python_names(include.name) if python else (include.name, normpath(join(dirname(file.name), include.name)))
    found = next((paths[name] for name in names if name in paths), None)
    return None if found == file.path else found


def _python_names(module: str) -> list[str]:
    """Files that ``import a.b`` or ``from a import b`` may mean, the most specific first."""
    parts = module.split(".")
    stems = ["/".join(parts), "/".join(parts[:-1])]
    return [name for stem in stems for name in (f"{stem}.py", f"{stem}/__init__.py", f"{stem}.pyi")]


def dependencies(files: Sequence[SourceFile]) -> Dependencies:
    """The dependency map of *files*."""
    targets = {file.path: _targets(file.includes) for file in files}
    at_once = {file.path: _targets(one for one in file.includes if not one.late) for file in files}
    users: dict[str, list[str]] = {file.path: [] for file in files}
    for path, used in targets.items():
        for target in used:
            users[target].append(path)
    return Dependencies(
        targets=targets,
        users={path: tuple(sorted(by)) for path, by in users.items()},
        cycles=cycles(at_once),
        at_once=at_once,
        outside=_outside(files),
        between_layers=_between_layers(files, targets),
    )


def _targets(includes: Iterable[Include]) -> tuple[str, ...]:
    return tuple(sorted({include.target for include in includes if include.target}))


def _outside(files: Iterable[SourceFile]) -> tuple[tuple[str, int], ...]:
    counts = Counter(name for file in files for name in {one.name for one in file.includes if one.target is None})
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _between_layers(
    files: Sequence[SourceFile], targets: Mapping[str, tuple[str, ...]]
) -> Mapping[tuple[str, str], int]:
    layer = {file.path: file.layer for file in files}
    pairs = Counter((layer[path], layer[target]) for path, used in targets.items() for target in used)
    return {(a, b): pairs[a, b] for a in LAYERS for b in LAYERS if pairs[a, b]}


def cycles(targets: Mapping[str, Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Strongly connected components of two files or more (Tarjan), largest first, each sorted."""
    numbers: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[tuple[str, ...]] = []
    for start in sorted(targets):
        if start in numbers:
            continue
        pending = [(start, iter(targets[start]))]
        _enter(start, numbers, lowest, stack)
        while pending:
            here, rest = pending[-1]
            after = next(rest, None)
            if after is None:
                pending.pop()
                if pending:
                    lowest[pending[-1][0]] = min(lowest[pending[-1][0]], lowest[here])
                if lowest[here] == numbers[here]:
                    found.append(_component(here, lowest, stack))
            elif after not in numbers:
                _enter(after, numbers, lowest, stack)
                pending.append((after, iter(targets[after])))
            else:
                # The lowest number of a finished component is infinite, and changes nothing.
                lowest[here] = min(lowest[here], lowest[after])
    return tuple(sorted((circle for circle in found if len(circle) > 1), key=lambda circle: (-len(circle), circle)))


def _enter(path: str, numbers: dict[str, int], lowest: dict[str, int], stack: list[str]) -> None:
    numbers[path] = lowest[path] = len(numbers)
    stack.append(path)


def _component(root: str, lowest: dict[str, int], stack: list[str]) -> tuple[str, ...]:
    done = stack[stack.index(root) :]
    del stack[-len(done) :]
    lowest.update(dict.fromkeys(done, len(lowest) + 10**9))
    return tuple(sorted(done))


def in_order(map_of: Dependencies) -> Iterator[list[tuple[str, ...]]]:
    """Steps in which all can be compiled: a file needs only files of earlier steps, and those of its own circle.

    A step is a list of circles; most are of one file.
    """
    of = {path: (path,) for path in map_of.at_once} | {path: whole for whole in map_of.cycles for path in whole}
    sorter = TopologicalSorter(dict.fromkeys(of.values(), ()))
    for path, used in map_of.at_once.items():
        sorter.add(of[path], *(of[target] for target in used if of[target] != of[path]))
    sorter.prepare()
    while sorter.is_active():
        ready = sorter.get_ready()
        yield sorted(ready)
        sorter.done(*ready)


def circle(component: Sequence[str], targets: Mapping[str, Sequence[str]]) -> list[str]:
    """A shortest way round within *component*, from its first file back to it."""
    start = component[0]
    came: dict[str, str] = {}
    frontier = [start]
    while start not in came:
        reached: list[str] = []
        for here in frontier:
            for after in targets[here]:
                if after in component and after not in came:
                    came[after] = here
                    reached.append(after)
        frontier = reached
    way = [start]
    while len(way) == 1 or way[-1] != start:
        way.append(came[way[-1]])
    return way[::-1]
