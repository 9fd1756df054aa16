"""No code block of the documents that this project started from is without a test that looks at its result."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from tests.catalog import documented as catalog
from tests.catalog import inventoried
from tests.documents.block import THEIRS, Block, blocks_of, used_by
from tests.tracking import documented as tracking

HERE = Path(__file__).parents[1]
DOCUMENTS = {
    "graph-tracking": (tracking, 18, HERE / "tracking" / "test_documented.py"),
    "operation-collection": (catalog, 2, HERE / "catalog" / "test_documented.py"),
    "autograd-inventory": (inventoried, 1, HERE / "catalog" / "test_inventoried.py"),
}
"""The module of each document's blocks, how many code blocks the document has, and the file that tests them."""


@pytest.mark.parametrize(("blocks", "count", "tests"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_every_block_of_a_document_has_a_test(blocks: ModuleType, count: int, tests: Path) -> None:
    held = blocks_of(blocks)
    assert [block.number for block in held.values()] == list(range(1, count + 1))
    assert held.keys() - set(used_by(tests, blocks.__name__.rpartition(".")[2])) == set()


@pytest.mark.parametrize("blocks", [blocks for blocks, *_ in DOCUMENTS.values()], ids=DOCUMENTS)
def test_a_block_imports_from_this_project(blocks: ModuleType) -> None:
    assert [block.number for block in blocks_of(blocks).values() if any(map(block.text.__contains__, THEIRS))] == []


def test_a_block_without_a_test_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "test_it.py"
    file.write_text("def helper(): documented.ONE\ndef test_it(): documented.TWO.run()\n", encoding="utf-8")
    module = ModuleType("documented")
    module.ONE, module.TWO = Block(1, "a", ""), Block(2, "b", "")  # type: ignore[attr-defined]
    assert blocks_of(module).keys() - set(used_by(file, "documented")) == {"ONE"}
