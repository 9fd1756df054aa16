"""Storage through syrupy: every contact with syrupy's classes and session is in this file."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.data import SnapshotCollections
from syrupy.extensions.base import AbstractSyrupyExtension
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.location import PyTestLocation

from pytest_torchgraph.plugin.location import SUFFIX, WAITING, node_id

if TYPE_CHECKING:
    from syrupy.data import SnapshotCollection

    from pytest_torchgraph.plugin.check.slot import Slot


@dataclass(frozen=True, slots=True)
class Entry:
    """What a check hands to syrupy: the text of the file, and whether the stored file stands for it as it is."""

    text: str
    stands: bool


@dataclass(frozen=True)
class SlotLocation(PyTestLocation):
    """A test, to syrupy, and where the snapshot lies that a check of it is about."""

    path: Path

    def matches_snapshot_location(self, _: str) -> bool:
        """Always: syrupy 6 asks here what syrupy 7 asks :meth:`TorchGraphExtension.matches_test_location`."""
        return True


class TorchGraphExtension(SingleFileSnapshotExtension):
    """One text file per snapshot in the folder of ``torchgraph_snapshot_dir``; the check decides what matches."""

    file_extension = SUFFIX.removeprefix(".")
    _write_mode = WriteMode.TEXT
    _entry: Entry | None = None

    def serialize(self, data: Any, **_: Any) -> str:
        """The text of *data*, an :class:`Entry`."""
        self._entry = data
        return str(data.text)

    def matches(self, **_: Any) -> bool:
        """What the check decided."""
        return self._entry is not None and self._entry.stands

    @classmethod
    def get_location(cls, *, test_location: SlotLocation, **_: Any) -> str:  # type: ignore[override]
        """The path of the slot; every location is one that :func:`_store` made."""
        return str(test_location.path)

    @classmethod
    def get_snapshot_name(cls, *, test_location: PyTestLocation, index: Any = 0, **_: Any) -> str:
        """The name in syrupy's own report."""
        name: str = AbstractSyrupyExtension.get_snapshot_name(test_location=test_location, index=index)
        return name

    @classmethod
    def matches_test_location(cls, **_: Any) -> bool:
        """Always: the location is a function of the test, and syrupy would guess by the spelling of the path."""
        return True

    def discover_snapshots(self, **_: Any) -> SnapshotCollections:
        """Nothing: syrupy must not judge these files unused, this plugin does."""
        return SnapshotCollections()

    def read_snapshot_data_from_location(self, *, snapshot_location: str, **_: Any) -> str | None:
        """The stored text, readable or not; empty where what lies there is no file."""
        try:
            return Path(snapshot_location).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None
        except OSError:
            return ""

    @classmethod
    def write_snapshot_collection(cls, *, snapshot_collection: SnapshotCollection, **_: Any) -> None:
        """Replace the file in one step; a reader sees the text before or after, never a part."""
        from pytest_torchgraph.snapshot.saving import write_whole

        write_whole(Path(snapshot_collection.location), str(next(iter(snapshot_collection)).data))


def count(slot: Slot, *, passes: bool) -> None:
    """Let syrupy count the stored file as matching or not; nothing is written."""
    _store(slot, Entry("", stands=passes))


def write(slot: Slot, text: str) -> None:
    """Write the file and let syrupy count it, which knows nothing of variants; raises what the writing raised."""
    if slot.is_variant:
        from pytest_torchgraph.snapshot.saving import write_whole

        write_whole(slot.address.path, text)
    _store(slot, Entry(text, stands=slot.is_variant), write=not slot.is_variant)


def _store(slot: Slot, entry: Entry, *, write: bool = False) -> None:
    """Let syrupy count *entry* and, with *write*, store it unless it stands."""
    config: Any = slot.item.config
    assertion = SnapshotAssertion(
        session=config._syrupy,  # noqa: SLF001  what syrupy's own fixture passes; there is no public name
        extension_class=TorchGraphExtension,
        test_location=SlotLocation(slot.item, slot.base.path),
        update_snapshots=write,
    )
    assertion(name=slot.name or None) == entry  # noqa: B015  syrupy's comparison is what stores
    result = assertion.executions[assertion.num_executions - 1]
    if result.exception is not None:
        raise result.exception


def refuse_graphs(config: pytest.Config) -> None:
    """Let syrupy's own fixture refuse a graph, of which it would write every field, in tens of thousands of lines.

    It offers no hook before it writes, so its comparison is wrapped for as long as *config* lives.
    """
    compares = SnapshotAssertion.__eq__

    def refuse_or_compare(self: SnapshotAssertion, other: object) -> bool:
        __tracebackhide__ = True
        if not issubclass(self.extension_class, TorchGraphExtension) and _has_graph(other):
            _fail_for_graph(node_id(self.test_location.item))
        return bool(compares(self, other))

    SnapshotAssertion.__eq__ = refuse_or_compare  # type: ignore[method-assign]
    config.add_cleanup(lambda: setattr(SnapshotAssertion, "__eq__", compares))


def _has_graph(data: object) -> bool:
    """Whether *data* is a graph, or a container of some."""
    if isinstance(data, (list, tuple, set, frozenset)):
        return any(map(_has_graph, data))
    if isinstance(data, dict):
        return any(map(_has_graph, data.values()))
    # A graph has been made only where its module is loaded, which takes a while.
    module = sys.modules.get("pytest_torchgraph.graph")
    return module is not None and isinstance(data, module.Graph)


def _fail_for_graph(test: str) -> NoReturn:
    __tracebackhide__ = True
    pytest.fail(
        f"torchgraph: {test} compares a graph with syrupy's fixture 'snapshot', which would write every field of it\n"
        "  Take the fixture torch_graph and write instead: assert graph == torch_graph.snapshot\n"
        "  or, for several in one test: torch_graph.check(graph, name=...). Nothing was written.",
        pytrace=False,
    )


def hide_from_syrupy(config: pytest.Config) -> None:
    """Keep syrupy's other extensions away from these files, should the folder lie inside one of theirs."""
    ignored = list(config.option.ignore_file_extensions or ())
    config.option.ignore_file_extensions = [
        *ignored,
        TorchGraphExtension.file_extension,
        WAITING.removeprefix("."),
    ]
