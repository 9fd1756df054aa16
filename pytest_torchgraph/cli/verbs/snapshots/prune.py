"""``torchgraph prune``: the snapshots that the last complete run of pytest did not claim."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli.exits import SAME, WRONG, Wrong
from pytest_torchgraph.cli.files.rootdir import is_configured
from pytest_torchgraph.cli.files.searching import near
from pytest_torchgraph.cli.files.snapshots import save
from pytest_torchgraph.cli.streams import say
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.snapshot.errors import SnapshotUnreadable
from pytest_torchgraph.snapshot.pending import pending_path
from pytest_torchgraph.snapshot.saving import remove_empty
from pytest_torchgraph.snapshot.unclaimed import LIST, Unclaimed, UnclaimedFile, read_unclaimed, write_unclaimed
from pytest_torchgraph.words.counting import times

if TYPE_CHECKING:
    import argparse

CACHE = ".pytest_cache"
NO_LIST = (
    "no list of snapshots that were not claimed{where}: run pytest once, on whole files, with nothing deselected "
    "and with its cache (not -p no:cacheprovider). Where its cache_dir lies elsewhere: torchgraph prune --cache FOLDER"
)
NOTHING = "nothing: the runs so far claimed every snapshot of the test files that they collected as a whole\n"
ENDINGS = (".torchgraph", ".scaling")


@dataclass(frozen=True, slots=True)
class Found:
    """The list at ``path``, and the folders that it is about."""

    path: Path
    unclaimed: Unclaimed

    @property
    def root(self) -> Path:
        """The root directory of the run."""
        return Path(os.path.normpath(self.path.parent / self.unclaimed.root))

    @property
    def folder(self) -> Path:
        """The folder of the snapshots."""
        return Path(os.path.normpath(self.path.parent / self.unclaimed.folder))

    def at(self, file: UnclaimedFile) -> Path:
        """Where *file* lies."""
        return Path(os.path.normpath(self.root / file.path))


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "prune",
        help="show, and with --yes remove, snapshots that no test claimed",
        description="Show the snapshots that the last complete run of pytest did not claim. Some may belong to tests "
        "that this machine does not make, such as those of a device that it does not have. With --yes, remove them; "
        "a snapshot that was written since stays.",
    )
    parser.add_argument("--yes", action="store_true", help="remove what is shown")
    parser.add_argument("--cache", metavar="FOLDER", help="pytest's cache; default: .pytest_cache here or above")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show the list, or remove what is on it."""
    found = _found(arguments.cache)
    if not found.unclaimed.files:
        say(NOTHING)
        return SAME
    if not arguments.yes:
        say("".join(f"{line}\n" for line in _lines(found)))
        return SAME
    kept = _removed(found)
    save(found.path, write_unclaimed(replace(found.unclaimed, files=tuple(kept))))
    return WRONG if kept else SAME


def _found(cache: str | None) -> Found:
    for folder in [Path(cache)] if cache else _caches(Path.cwd()):
        path = folder.absolute() / "d" / LIST
        try:
            unclaimed = read_unclaimed(path)
        except SnapshotUnreadable as error:
            raise Wrong(str(error)) from None
        if unclaimed is not None:
            return Found(path, unclaimed)
    raise Wrong(NO_LIST.format(where=f" in {cache}" if cache else ""))


def _caches(here: Path) -> Iterator[Path]:
    """The caches here and above, up to the first folder that is a root directory of pytest."""
    for folder in (here, *here.parents):
        yield folder / CACHE
        if is_configured(folder):
            return


def _lines(found: Found) -> Iterator[str]:
    for file in found.unclaimed.files:
        why = "the test is gone" if file.is_gone else "the run did not claim it"
        yield f"{near(found.at(file))}: of {file.owner}; {why}"
    count = times(len(found.unclaimed.files), "snapshot")
    yield f"{count} below {near(found.root)}; remove what no test of any machine needs: torchgraph prune --yes"


def _removed(found: Found) -> Iterable[UnclaimedFile]:
    """Remove what is as it was; returns what stays, and says why."""
    kept = []
    for file in found.unclaimed.files:
        path = found.at(file)
        fault = _fault(file, path)
        if not fault:
            fault = _unlink(path, found.folder)
        say(f"kept {near(path)}: {fault}\n" if fault else f"removed {near(path)}\n")
        if fault and path.exists():
            kept.append(file)
    return kept


def _fault(file: UnclaimedFile, path: Path) -> str:
    """Why *file* must stay."""
    owner = PurePosixPath(file.owner.partition("::")[0])
    if owner.is_absolute() or ".." in owner.parts or not path.name.endswith(ENDINGS):
        return "its test lies outside of the root directory"
    try:
        unchanged = hashlib.sha256(path.read_bytes()).hexdigest() == file.digest
    except OSError as error:
        return f"{error.strerror}"
    return "" if unchanged else "it was written since that run; run pytest again"


def _unlink(path: Path, top: Path) -> str:
    try:
        path.unlink()
        pending_path(path).unlink(missing_ok=True)
        remove_empty(path.parent, top)
    except OSError as error:
        return f"{error.strerror}"
    return ""
