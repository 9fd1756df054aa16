"""``torchgraph history FILE...``: what each commit made of a snapshot's numbers."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli.exits import SAME, Wrong
from pytest_torchgraph.cli.files.revisions import SUFFIX, at_revision, ends_of, git, shallow_text
from pytest_torchgraph.cli.files.snapshots import parsed
from pytest_torchgraph.cli.streams import complain, say
from pytest_torchgraph.snapshot.recorded import flops_in
from pytest_torchgraph.words.columns import aligned

if TYPE_CHECKING:
    import argparse

    from pytest_torchgraph.snapshot.reader import Snapshot

COLUMNS = ("ops", "copies", "saved", "peak", "flops")
SIZES = frozenset({"saved", "peak"})
PLOTS = (".png", ".svg")
LINE_FORMAT = "%h%x00%as%x00%s"


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "history",
        help="print how a snapshot's numbers changed over git's history",
        description="One line for each commit that moved operations, copies, saved bytes, the peak or the noted FLOPs "
        "of each file, newest first. Reads git's objects; needs neither the model nor PyTorch.",
    )
    parser.add_argument(
        "files",
        metavar="PATH",
        nargs="+",
        help="snapshot files and folders, after a range A..B of commits if given",
    )
    parser.add_argument("--plot", metavar="PATH", help="draw it into a .png or .svg file instead; needs matplotlib")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print one table for each file, or draw them."""
    target = None if arguments.plot is None else target_of(arguments.plot)
    span, files = span_and_files(arguments.files)
    rows = {file: commits(file, span) for file in files}
    complain(f"torchgraph:{text}\n" if (text := shallow_text()) else "")
    if target is None:
        say("\n".join(f"{file}\n{table(found)}" for file, found in rows.items()))
    else:
        draw(rows, target)
        say(f"wrote {target}\n")
    return SAME


def target_of(plot: str) -> Path:
    """Where the picture goes; refused before git is asked where it cannot be drawn."""
    target = Path(plot)
    if target.suffix.lower() not in PLOTS:
        raise Wrong(f"--plot writes {' and '.join(PLOTS)} files, and {plot} is none.")
    if not target.parent.is_dir():
        raise Wrong(f"{plot} cannot be written: there is no folder {target.parent}.")
    if find_spec("matplotlib") is None:
        raise Wrong("--plot draws with matplotlib, which is not installed: pip install 'pytest-torchgraph[drawing]'")
    return target


def draw(rows: dict[str, list[tuple[str, ...]]], target: Path) -> None:
    """The tables as a picture, oldest commit first."""
    from pytest_torchgraph.drawing.history import History, save

    histories = []
    for file, found in rows.items():
        oldest = found[::-1]
        labels = tuple(f"{commit} {date}" for commit, date, *_ in oldest)
        columns = tuple(
            (name, tuple(int(row[at]) if row[at].isdecimal() else None for row in oldest))
            for at, name in enumerate(COLUMNS, start=2)
        )
        histories.append(History(file, labels, columns, SIZES))
    try:
        save(histories, target)
    except OSError as error:
        raise Wrong(f"{target} cannot be written: {error.strerror}.") from None


def span_and_files(given: list[str]) -> tuple[list[str], list[str]]:
    """The range of commits that comes first of what was *given*, if one does, and the files, those of folders too."""
    is_span = not Path(given[0]).exists() and ends_of(given[0]) is not None
    paths = given[is_span:] or ["."]
    return given[:is_span], list(dict.fromkeys(file for path in paths for file in files_of(path)))


def files_of(path: str) -> list[str]:
    """The snapshot files that git knows below the folder *path*; *path* itself where it is none."""
    if not Path(path).is_dir():
        return [path]
    names = git("--literal-pathspecs", "ls-files", "-z", "--", path).split("\0")
    files = [name for name in names if name.endswith(SUFFIX)]
    if not files:
        raise Wrong(f"{path}: git knows no snapshot below this folder.")
    return files


def commits(file: str, span: list[str] | None = None) -> list[tuple[str, ...]]:
    """Commit, date, the numbers and the subject, newest first; a commit that moved no number is left out.

    *span* is the range of commits to look at, all where it is empty.
    """
    path = git("--literal-pathspecs", "ls-files", "-z", "--full-name", "--", file).rstrip("\0") or file
    log = git("--literal-pathspecs", "log", "-z", f"--format={LINE_FORMAT}", *(span or ()), "--", file).split("\0")
    found: list[tuple[str, ...]] = []
    numbers: tuple[str, ...] = ()
    told = list(zip(log[::3], log[1::3], log[2::3], strict=False))
    for commit, date, subject in reversed(told):
        text = at_revision(commit, path)
        now = ("removed",) * len(COLUMNS) if text is None else _numbers_in(text, f"{commit}:{path}")
        if now != numbers:
            found.append((commit, date, *now, subject))
        numbers = now
    if not found:
        raise Wrong(_nothing_of(file, span))
    return found[::-1]


def _nothing_of(file: str, span: list[str] | None) -> str:
    if span:
        return f"{file}: no commit of {span[0]} touched it."
    where = "has no history in git" if Path(file).exists() else "is neither here nor in git's history"
    return f"{file} {where}."


def _numbers_in(text: str, path: str) -> tuple[str, ...]:
    """The columns of the snapshot with *text*; one that was committed with a conflict or cut does not end a history."""
    try:
        return numbers_of(parsed(text, path))
    except Wrong:
        return ("unreadable",) * len(COLUMNS)


def numbers_of(snapshot: Snapshot) -> tuple[str, ...]:
    """The columns of one snapshot; ``-`` for what it does not record."""
    numbers = {**dict(snapshot.program.metrics), "flops": flops_in(snapshot.recorded)}
    return tuple("-" if numbers.get(name) is None else str(numbers[name]) for name in COLUMNS)


def table(rows: list[tuple[str, ...]]) -> str:
    """*rows* under their headings; numbers to the right."""
    head = ("commit", "date", *COLUMNS, "subject")
    return "".join(f"{line}\n" for line in aligned((head, *rows), slice(2, -1)))
