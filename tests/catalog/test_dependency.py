"""Who includes whom: targets, cycles, and a way round each."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pytest_torchgraph.catalog.autograd.area import STRUCTURE
from pytest_torchgraph.catalog.autograd.dependency import circle, cycles, dependencies, resolved
from pytest_torchgraph.catalog.autograd.source import Include, SourceFile

NAMES = "abcdef"
GRAPHS = st.fixed_dictionaries({name: st.sets(st.sampled_from(NAMES)).map(sorted) for name in NAMES})


def file(name: str, *includes: str, late: tuple[str, ...] = (), language: str = "C++ header") -> SourceFile:
    found = [Include(name=one, line=1) for one in includes] + [Include(name=one, line=2, late=True) for one in late]
    return SourceFile(
        path=f"root/{name}",
        name=name,
        area=STRUCTURE,
        layer=STRUCTURE,
        language=language,
        size_bytes=1,
        lines=1,
        summary="",
        definitions=(),
        includes=tuple(found),
        unread=(),
    )


def test_includes_are_resolved_by_name_and_beside_the_file() -> None:
    files = resolved([file("t/a.h", "t/b.h", "c.h", "vector"), file("t/b.h"), file("t/c.h", "a.h")])
    found = dependencies(files)
    assert found.targets["root/t/a.h"] == ("root/t/b.h", "root/t/c.h")
    assert found.users["root/t/a.h"] == ("root/t/c.h",)
    assert found.outside == (("vector", 1),)
    assert found.cycles == (("root/t/a.h", "root/t/c.h"),)


def test_python_imports_reach_modules_and_packages() -> None:
    files = resolved(
        [
            file("t/__init__.py", language="Python"),
            file("t/a.py", "t.b.name", "t.other", language="Python"),
            file("t/b.py"),
        ]
    )
    assert dependencies(files).targets["root/t/a.py"] == ("root/t/__init__.py", "root/t/b.py")


def test_an_import_inside_a_function_makes_no_cycle() -> None:
    files = resolved([file("a.py", "b.x", language="Python"), file("b.py", late=("a.y",), language="Python")])
    found = dependencies(files)
    assert found.targets["root/b.py"] == ("root/a.py",)
    assert found.cycles == ()


def reaches(graph: dict[str, list[str]], start: str) -> set[str]:
    found: set[str] = set()
    pending = list(graph[start])
    while pending:
        here = pending.pop()
        if here not in found:
            found.add(here)
            pending += graph[here]
    return found


@given(GRAPHS)
def test_two_files_share_a_cycle_exactly_when_each_reaches_the_other(graph: dict[str, list[str]]) -> None:
    together = {frozenset((a, b)) for component in cycles(graph) for a in component for b in component if a != b}
    expected = {
        frozenset((a, b)) for a in NAMES for b in NAMES if a < b and b in reaches(graph, a) and a in reaches(graph, b)
    }
    assert together == expected


@given(GRAPHS)
def test_a_way_round_a_cycle_follows_includes_and_comes_back(graph: dict[str, list[str]]) -> None:
    for component in cycles(graph):
        way = circle(component, graph)
        assert way[0] == way[-1] == component[0]
        assert all(after in graph[before] for before, after in pairwise(way))
