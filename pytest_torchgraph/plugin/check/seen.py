"""Checks that passed before: where a run equals the one that did, operation by operation, nothing is compared again.

What is kept is a digest of everything that the verdict follows from: the run, the bytes of the snapshot, the rules of
the check, and the code and the PyTorch that judge. It lies in pytest's own cache; ``--cache-clear`` forgets it, and
``-p no:cacheprovider`` keeps nothing.
"""

from __future__ import annotations

import hashlib
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_torchgraph.plugin.check import stored
from pytest_torchgraph.plugin.check.ending import Same
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.plugin.check.comparison import Outcome
    from pytest_torchgraph.plugin.check.ending import Ending
    from pytest_torchgraph.plugin.check.rules import Rules
    from pytest_torchgraph.plugin.check.slot import Slot

FOLDER = "torchgraph-seen"
MOST_KEPT = 12
"""Digests of one snapshot: three for each version of Python and PyTorch that share a cache."""
PLAIN = (str, int, float, type(None))
HITS = pytest.StashKey[int]()
"""How many checks of the session were not compared again."""
_CODE = pytest.StashKey[str]()


@dataclass(frozen=True, slots=True)
class Passing:
    """One check, and what it has to equal to pass without a comparison: ``digest``, kept in the file at ``path``.

    ``of_update`` is the digest of the same check in a run that updates, ``of_equal`` that of one whose graph was the
    snapshot's, which a check that passes with memory that moved a little is not.
    """

    slot: Slot
    graph: Graph
    rules: Rules
    digest: str
    of_update: str
    of_equal: str
    path: Path

    def known(self) -> Same | None:
        """What the check comes to, counted, where one with this digest has passed and told all that is asked for."""
        kept, tells = _kept(self.path), self.slot.settings.telling_unchanged
        if self.digest not in kept or (tells and self.of_equal not in kept):
            return None
        outcome = self._outcome() if tells else None
        if tells and outcome is None:
            return None
        stash = self.slot.item.config.stash
        stash[HITS] = stash.get(HITS, 0) + 1
        return Same(self.slot, self.graph, outcome=outcome)

    def _outcome(self) -> Outcome | None:
        from pytest_torchgraph.plugin.check.comparison import Outcome

        snapshot = stored.load(self.slot.address).snapshot
        if snapshot is None:
            return None
        return Outcome(snapshot=snapshot, graph=self.graph, rules=self.rules, was_equal=True)

    def remember(self, ending: Ending) -> None:
        """Keep the digest, where the check passed at its first run with nothing to tell."""
        if not isinstance(ending, Same) or ending.notes or ending.slot != self.slot:
            return
        from pytest_torchgraph.snapshot.saving import write_whole

        new = list(dict.fromkeys(self._true_of(ending)))
        others = [each for each in _kept(self.path) if each not in new]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, "\n".join([*new, *others][:MOST_KEPT]) + "\n")
        except OSError:
            return  # a folder that cannot be written keeps nothing

    def _true_of(self, ending: Same) -> Iterator[str]:
        """The digests of what is known by now."""
        yield self.digest
        if _stands(ending):
            yield self.of_update
        if ending.outcome is not None and ending.outcome.is_equal:
            yield self.of_equal


def passing(base: Slot, rules: Rules, graph: Graph) -> Passing | None:
    """What the check of *graph* has to equal; ``None`` where it is compared in any case.

    That is so where somebody reads more of it than that it passes (coverage, notes of the run), where it was verified,
    timed or recorded otherwise than by a check, and where a part of its rules has no exact text.
    """
    config, does = base.item.config, base.settings
    cache = getattr(config, "cache", None)
    if cache is None or graph.notes or does.varying or does.covering or does.verifying:
        return None
    slot = base.at(stored.best(base.base, graph))
    told, run, text = list(_told(rules)), _fingerprint(graph), _bytes(slot.address.path)
    if run is None or text is None or not all(type(each) in PLAIN for each in told):
        return None
    if does.updating and slot.is_variant:
        return None
    head = (slot.base.test, slot.address.label, run, hashlib.sha256(text).hexdigest())
    parts = (*head, _code(config), sys.version, *_settings(), *told)
    told_once = _digest(*parts)
    own, of_update, of_equal = (_digest(what, told_once) for what in (does.updating, True, "equal"))
    return Passing(slot, graph, rules, own, of_update, of_equal, _path(cache, slot))


def _stands(ending: Same) -> bool:
    """Whether an update, too, would have left the snapshot of a check that passed as it is."""
    stored = None if ending.outcome is None else ending.outcome.snapshot
    return stored is not None and stored.is_current and stored.test == ending.slot.base.test


def _fingerprint(graph: Graph) -> str | None:
    """That of the run behind *graph*; ``None`` where there is none, as of one that was made or recorded otherwise."""
    unfrozen: Any = sys.modules.get("pytest_torchgraph.capture.unfrozen")
    found: str | None = None if unfrozen is None else unfrozen.fingerprint_of(graph)
    return found


def _told(rules: Rules) -> Iterator[Any]:
    """Every part of the rules, each list with its length before it."""
    yield from (rules.compare, rules.tolerance)
    for names in (rules.ignore, rules.own):
        yield from (len(names), *names)
    for pairs in (rules.same, rules.limits):
        yield len(pairs)
        for name, value in sorted(pairs.items()):
            yield from (name, value)


def _settings() -> tuple[Any, ...]:
    found: tuple[Any, ...] = import_module("pytest_torchgraph.capture.fingerprint").settings()
    return found


def _digest(*parts: Any) -> str:
    told = "\0".join(f"{type(part).__name__} {part!r}" for part in parts)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()


def _path(cache: Any, slot: Slot) -> Path:
    """The file for *slot*, where ``cache.mkdir`` would make a folder; that warns where it cannot."""
    name = hashlib.sha256(slot.address.label.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    return Path(cache._cachedir, "d", FOLDER, name)  # noqa: SLF001  there is no public name that makes nothing


def _kept(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return []


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _code(config: pytest.Config) -> str:
    """A digest of this package as it is installed: by its list of files, or by sizes and times in a source tree."""
    known = config.stash.get(_CODE, "")
    if not known:
        package = Path(__file__).parents[2]
        listed = _bytes(package.parent / f"pytest_torchgraph-{__version__}.dist-info" / "RECORD")
        told = repr(sorted(_files(package))).encode() if listed is None else listed
        known = config.stash[_CODE] = hashlib.sha256(told).hexdigest()
    return known


def _files(package: Path) -> Iterator[tuple[str, int, int]]:
    for path in package.rglob("*.py"):
        found = path.stat()
        yield str(path), found.st_size, found.st_mtime_ns
