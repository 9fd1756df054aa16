"""The test that owns a snapshot, as the head of its file names it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from pytest_torchgraph.plugin.location import folder_of, may_be_named, snapshot_root

if TYPE_CHECKING:
    import pytest


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

    def is_plain(self, config: pytest.Config) -> bool:
        """Whether pytest's own collector would take it for a function of a Python file, by the names in its id."""
        return (
            self.file.endswith(".py")
            and _fits(self.function, config.getini("python_functions"))
            and all(_fits(name, config.getini("python_classes")) for name in self.classes)
        )

    @property
    def may_be_doctest_of_module(self) -> bool:
        """Whether the doctest of its module's docstring would have this id, too."""
        return not self.classes and self.function == PurePath(self.file).stem

    def would_lie_at(self, path: Path, config: pytest.Config) -> bool:
        """Whether *path* is where one of its snapshots lies under this root directory."""
        root = config.rootpath
        folder = snapshot_root(config) / folder_of(root / self.file, root)
        return path.parent == folder and may_be_named(path.name, ".".join((*self.classes, self.item)))


def _fits(name: str, patterns: list[str]) -> bool:
    """As pytest reads ``python_functions``: by the beginning, or as a pattern of the shell."""
    from fnmatch import fnmatch

    return name.isidentifier() and any(
        name.startswith(pattern) or (re.search(r"[*?\[]", pattern) is not None and fnmatch(name, pattern))
        for pattern in patterns
    )
