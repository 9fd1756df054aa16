"""The table of libraries in the documents is what their tests say."""

from __future__ import annotations

from tests.libraries.table import HERE, LIST, PAGE, libraries, library, page


def test_the_table_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == page([*libraries(LIST.read_text("utf-8"))])


def test_every_test_of_a_library_is_installed_for_with_a_version_and_every_one_is_proved() -> None:
    found = [*libraries(LIST.read_text("utf-8"))]
    assert {f"test_{one.test}.py" for one in found} == {path.name for path in HERE.glob("test_*.py")} - {
        "test_table.py"
    }
    assert all("==" in one.requirement and one.proved and one.lines > 0 for one in found)


def test_a_test_that_proves_nothing_is_told() -> None:
    row = library("a", "a==1", 'KNOW = "it is odd"\nLINES = 3\ndef test_a(): pass\n').row
    assert row == "| a | 1 | 3 lines | no | it is odd |\n"
