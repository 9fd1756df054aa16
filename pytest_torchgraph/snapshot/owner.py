"""The test that owns a snapshot, as the head of its file names it."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePath

from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.words.quoting import rest_of

OWN_LINES = 3
"""Format, test and recording: the lines of a snapshot that are not its graph's."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A node id in parts: ``tests/test_m.py::TestBlock::test_forward[f32]``.

    ``item`` is the last part, ``function`` the same without parameters.
    """

    file: str
    classes: tuple[str, ...]
    item: str

    @classmethod
    def of(cls, test: str) -> Owner:
        """The parts of the node id *test*."""
        file, _, inner = test.partition("::")
        names, bracket, parameters = inner.partition("[")
        *classes, function = names.split("::")
        return cls(file, tuple(classes), function + bracket + parameters)

    @property
    def function(self) -> str:
        """The name of the function."""
        return self.item.partition("[")[0]

    @property
    def definition(self) -> str:
        """The node id without parameters."""
        return "::".join((self.file, *self.classes, self.function))

    @property
    def is_inside(self) -> bool:
        """Whether its file lies below the root directory."""
        return bool(self.file) and not PurePath(self.file).is_absolute() and ".." not in PurePath(self.file).parts

    @property
    def may_be_doctest_of_module(self) -> bool:
        """Whether the doctest of its module's docstring would have this id, too."""
        return not self.classes and self.function == PurePath(self.file).stem


def owner_of(path: Path) -> str | None:
    """The node id in the head of the file at *path*; ``None`` where there is none to be read."""
    try:
        with path.open(encoding="utf-8-sig") as stream:
            first, second = stream.readline(), stream.readline()
    except (OSError, UnicodeDecodeError):
        return None
    if not first.startswith("torchgraph ") or not second.startswith("test "):
        return None
    return rest_of(second.removeprefix("test ").rstrip("\n"))


def body_digest(text: str) -> str:
    """A digest of a snapshot's text without the lines that name its test and its recording."""
    return hashlib.sha256("\n".join(text.splitlines()[OWN_LINES:]).encode()).hexdigest()


def body_digest_of(path: Path) -> str:
    """The digest of the file at *path*, ``""`` where it cannot be read."""
    try:
        return body_digest(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return ""
