"""A code block of a document that this project started from."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

THEIRS = ("torch_vis", "pytorch_operation_collector")
"""The packages that the documents import from; a block holds the name of this project's own instead."""


@dataclass(frozen=True, slots=True)
class Block:
    """The *number*-th code block of a document, under the heading *title*, as it is written there."""

    number: int
    title: str
    text: str

    def run(self, **names: Any) -> dict[str, Any]:
        """What the block leaves behind, run where *names* are known."""
        exec(compile(self.text, f"block {self.number}", "exec", dont_inherit=True), names)  # noqa: S102 -- the blocks stand in the tests
        return names


def blocks_of(module: ModuleType) -> dict[str, Block]:
    """The blocks that *module* holds, by the name it gives them."""
    return {name: value for name, value in vars(module).items() if isinstance(value, Block)}


def used_by(path: Path, module: str) -> Iterator[str]:
    """The attributes of *module* that the tests of the file *path* use."""
    tree = ast.parse(path.read_text("utf-8"))
    tests = (one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name.startswith("test_"))
    for test in tests:
        for one in ast.walk(test):
            if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id == module:
                yield one.attr
