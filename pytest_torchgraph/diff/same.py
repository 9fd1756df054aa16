"""Modules that a person says are the same: ``OLD=NEW``, and which module calls of two graphs that pairs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pytest_torchgraph.canonical.paths import paths_around
from pytest_torchgraph.canonical.program import ModuleCall, Program, RecomputedCall
from pytest_torchgraph.diff.grouping import NUMBER
from pytest_torchgraph.diff.tree import Body, Tree
from pytest_torchgraph.words.nearest import nearest

Same = Mapping[str, str]
"""Path of a module before, and what it is after; a ``*`` in both stands for the same text without a dot."""
NOTHING: Same = MappingProxyType({})
TOLD = 8
"""Module paths named in a message."""


class SameUnreadable(ValueError):
    """What is said to be the same cannot be: it is in no accepted form, names nothing, or contradicts itself."""


def parse_same(lines: Iterable[str]) -> dict[str, str]:
    """What lines of the form ``OLD=NEW`` say."""
    found: dict[str, str] = {}
    for line in lines:
        old, equals, new = (part.strip() for part in line.partition("="))
        if not (old and equals and new):
            raise SameUnreadable(f"same={line!r}: expected 'OLD=NEW', such as 'layers.*.attn=blocks.*.attention'.")
        if found.setdefault(old, new) != new:
            raise SameUnreadable(f"same={line!r}: {old!r} is said to be {found[old]!r} too.")
    require_readable(found)
    return found


def require_readable(same: Same) -> None:
    """Raise :class:`SameUnreadable` for a pair of which one side has more stars than the other."""
    for old, new in same.items():
        if old.count("*") != new.count("*"):
            raise SameUnreadable(f"same='{old}={new}': both sides take as many '*', each standing for the same text.")


def require_known(same: Same, programs: Iterable[Program]) -> None:
    """Raise :class:`SameUnreadable` for a name that no module of *programs* has."""
    trees = [Tree(program) for program in programs] if same else []
    known = sorted({path for tree in trees for owner in _called(tree) for path in paths_around(owner)})
    for line, name in ((f"{old}={new}", name) for old, new in same.items() for name in (old, new)):
        if not any(re.fullmatch(_expression(name), path) for path in known):
            told = list(dict.fromkeys(NUMBER.sub("*", path) for path in known))
            called = ", ".join(told[:TOLD]) + (f" and {len(told) - TOLD} more" if len(told) > TOLD else "")
            raise SameUnreadable(
                f"same={line!r}: neither graph has a module {name!r}{nearest(name, [*known, *told])} "
                f"Modules: {called or 'none'}."
            )


class Told:
    """Which modules of two graphs are said to be the same.

    A pair holds in either direction, so that the reverse of an edit is matched like the edit. A module that is never
    called itself, such as a list of layers, stands for the calls right below it.
    """

    def __init__(self, same: Same, before: Tree, after: Tree) -> None:
        require_readable(same)
        self.to: dict[str, str] = {}
        self.origin: dict[str, str] = {}
        if same:
            self._called = _called(before), _called(after)
            for old, new in same.items():
                self._add(old, new) or self._add(new, old)

    def _add(self, old: str, new: str) -> bool:
        """Note each module that *old* matches before and *new* after; whether there was one."""
        left, right = self._called
        expression, found = re.compile(rf"{_expression(old)}(\..+)?"), False
        for path in left:
            match = expression.fullmatch(path)
            if match is None or any(
                expression.fullmatch(around) for around in paths_around(path)[:-1] if around in left
            ):
                continue
            *stars, rest = match.groups()
            other = _filled(new, stars) + (rest or "")
            if other in right:
                found = True
                self._note(path, other)
        return found

    def _note(self, before: str, after: str) -> None:
        if self.to.setdefault(before, after) != after or self.origin.setdefault(after, before) != before:
            raise SameUnreadable(f"same='{before}={after}': one of the two is said to be another module as well.")

    def before(self, body: Body) -> object:
        """What a module call of the graph before is told by; ``None`` where nothing was said of it."""
        return _key(body, self.to.get(body.owner)) if self.to else None

    def after(self, body: Body) -> object:
        """What a module call of the graph after is told by."""
        return _key(body, body.owner if body.owner in self.origin else None) if self.to else None


def _key(body: Body, path: str | None) -> object:
    record = body.record
    if path is None or not isinstance(record, (ModuleCall, RecomputedCall)) or not record.name:
        return None
    return "told", path, type(record), record.call, body.scope.stage


def _called(tree: Tree) -> dict[str, None]:
    """Paths of the modules that are called, in order."""
    return dict.fromkeys(body.owner for body in tree.bodies if body.owner and body.owner != "*")


def _expression(glob: str) -> str:
    return r"([^.]+)".join(map(re.escape, glob.split("*")))


def _filled(glob: str, stars: Iterable[str]) -> str:
    first, *others = glob.split("*")
    return first + "".join(star + text for star, text in zip(stars, others, strict=True))
