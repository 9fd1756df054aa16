"""The table of little-used libraries in the documents: ``python -m tests.libraries.table`` writes it.

What is told of a library stands in its test: ``KNOW``, and ``LINES`` of the snapshot, which the test holds fast.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
LIST = PROJECT / ".ci" / "libraries.txt"
PAGE = PROJECT / "docs" / "how-to" / "libraries.md"
PROOF = "require_recorded"
ABOUT = """\
# Other libraries

A small model of each of these libraries is recorded by a test, twice and byte for byte, its record is proved (what it
tells, run again, gives the same numbers), and the model computes afterwards what it did before. `.ci/long` runs these
tests, each in an environment of its own, and `.ci/libraries.txt` has the versions of what they need beside them;
`python -m tests.libraries.table` writes this page.

- **Record the second call.** Twelve of them do other work in their first call than later: a check sees that by itself
  and says so in a note; for `trace` there is `warmup=1`.
- **Take torchaudio and torchvision from the index that PyTorch came from.** Their compiled parts load only beside the
  build that they were made for: those of the package index cannot be imported beside PyTorch for the CPU alone.
- **Name PyTorch when you install a library**, `pip install torch==2.13.0 LIBRARY`: some bring another PyTorch.

| library | version | recorded | proved | what to know |
|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Library:
    """A row: the test's name, what pip installs for it, and what the test says."""

    test: str
    requirement: str
    lines: int
    proved: bool
    know: str

    @property
    def row(self) -> str:
        """The row as Markdown."""
        name, _, version = self.requirement.partition("==")
        return f"| {name} | {version} | {self.lines} lines | {'yes' if self.proved else 'no'} | {self.know} |\n"


def libraries(listed: str, folder: Path = HERE) -> Iterator[Library]:
    """Those of the list, which has a line for each: the test's name, then what pip installs, the library first."""
    for line in listed.splitlines():
        if line and not line.startswith("#"):
            test, requirement, *_ = line.split()
            yield library(test, requirement, (folder / f"test_{test}.py").read_text("utf-8"))


def library(test: str, requirement: str, text: str) -> Library:
    """What the *text* of a test tells of its library."""
    tree = ast.parse(text)
    constants = dict(constant(one) for one in tree.body if isinstance(one, ast.Assign))
    proved = any(isinstance(one, ast.Name) and one.id == PROOF for one in ast.walk(tree))
    return Library(test, requirement, constants["LINES"], proved, constants["KNOW"])


def constant(assignment: ast.Assign) -> tuple[str, Any]:
    """The name and value of what a test sets; ``None`` for what is no plain value."""
    target = assignment.targets[0]
    value = assignment.value.value if isinstance(assignment.value, ast.Constant) else None
    return target.id if isinstance(target, ast.Name) else "", value


def page(found: list[Library]) -> str:
    """The text of the page."""
    return ABOUT + "".join(one.row for one in sorted(found, key=lambda one: one.requirement.lower()))


if __name__ == "__main__":
    PAGE.write_text(page([*libraries(LIST.read_text("utf-8"))]), encoding="utf-8")
