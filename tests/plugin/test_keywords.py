"""What is typed is there: keywords of the fixture, names of the package, the name of the fixture itself."""

from __future__ import annotations

import ast
import inspect

import pytest

import pytest_torchgraph
from pytest_torchgraph.plugin.check import running
from tests.plugin.conftest import Project

KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY


def fields(name: str) -> list[str]:
    """The keys of a dictionary type that only editors and type checkers import."""
    tree = ast.parse(inspect.getsource(running))
    (found,) = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name)
    return [
        line.target.id for line in found.body if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
    ]


@pytest.mark.parametrize(("name", "function"), [("TraceOptions", "trace"), ("RecordOptions", "record")])
def test_editors_are_told_the_keywords_that_there_are(name: str, function: str) -> None:
    pytest.importorskip("torch")
    parameters = inspect.signature(getattr(pytest_torchgraph, function)).parameters.values()
    assert fields(name) == [one.name for one in parameters if one.kind is KEYWORD_ONLY]


def test_every_name_of_the_package_is_listed_and_there() -> None:
    pytest.importorskip("torch")
    listed = dir(pytest_torchgraph)
    assert [name for name in pytest_torchgraph.__all__ if name not in listed] == []
    assert all(getattr(pytest_torchgraph, name) is not None for name in pytest_torchgraph.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = pytest_torchgraph.nothing


def test_the_misspelled_fixture_says_how_it_is_spelled(project: Project) -> None:
    project.write({"test_x.py": "def test_x(torchgraph): pass"})
    result = project.run()
    assert result.code == 1
    assert "there is no fixture 'torchgraph': it is 'torch_graph'" in result.text


def test_a_fixture_of_that_name_of_the_user_s_own_is_theirs(project: Project) -> None:
    text = """
        import pytest

        @pytest.fixture
        def torchgraph():
            return 7

        def test_x(torchgraph):
            assert torchgraph == 7
    """
    project.write({"test_x.py": text})
    assert project.run().code == 0
