"""What may be checked: more than once under one name, something rather than nothing, and by which fixture."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.plugin.conftest import QuickProject

HYPOTHESIS = """
    from hypothesis import given, settings, strategies as st
    from stubs import *

    @settings(derandomize=True, database=None, deadline=None, max_examples=9)
    @given(n=st.integers(1, 3))
    def test_m(torch_graph, n):
        torch_graph.check({model}{more})
"""


def test_the_examples_of_hypothesis_are_one_check(project: QuickProject) -> None:
    project.write({"test_m.py": HYPOTHESIS.format(model="graph(ADD)", more="")})
    assert project.run("--torchgraph-update").code == 0
    assert list(project.snapshots()) == ["test_m/test_m.torchgraph"]
    assert project.run().code == 0
    project.write({"test_m.py": HYPOTHESIS.format(model="graph(ADD, CLONE)", more="")})
    result = project.run()
    assert result.code == 1
    assert "+1 aten.clone (0 -> 1)" in result.text
    assert "two snapshots" not in result.text


def test_examples_of_hypothesis_with_graphs_of_their_own_are_told_what_to_do(project: QuickProject) -> None:
    project.write({"test_m.py": HYPOTHESIS.format(model="graph(*[ADD] * n)", more="")})
    result = project.run("--torchgraph-update")
    assert result.code == 1
    assert "name='first-2'); in a test of hypothesis one that the example makes." in result.text
    project.write({"test_m.py": HYPOTHESIS.format(model="graph(*[ADD] * n)", more=", name=f'n{n}'")})
    assert project.run("--torchgraph-update").code == 0
    assert len(project.snapshots()) >= 3


def test_a_name_may_be_checked_again_with_the_graph_that_it_had(project: QuickProject) -> None:
    test = """
        from stubs import *

        def test_m(torch_graph):
            for _ in range(3):
                torch_graph.check(graph({}), name="one")

        def test_cold(torch_graph):
            model = calls(graph(RELU, ADD), graph(ADD))
            for _ in range(2):
                torch_graph.check(model, (), name="one")
    """
    project.write({"test_m.py": test.format("ADD")})
    assert project.run("--torchgraph-update").code == 0
    assert project.run().code == 0
    project.write({"test_m.py": test.format("CLONE")})
    result = project.run()
    assert len([line for line in result.section() if line.startswith("drifted")]) == 1
    project.write({"test_m.py": test.format("ADD, *[ADD] * _")})
    result = project.run("--torchgraph-update")
    assert "two snapshots with one name in test_m.py::test_m" in result.text
    assert "test_m.test_m.one.torchgraph was checked with another graph before" in result.text.replace("/", ".")


def test_budgets_hold_for_each_check_of_a_name(project: QuickProject) -> None:
    test = """
        from stubs import *

        def test_m(torch_graph):
            torch_graph.check(graph(ADD, MUL), name="one")
            torch_graph.check(graph(ADD, MUL), name="one", budget={"ops": 1})
    """
    project.write({"test_m.py": test})
    result = project.run("--torchgraph-update")
    assert result.code == 1
    assert any(line.startswith("over budget ") for line in result.section())


def test_what_is_updated_over_its_budget_is_told_as_broken_first_and_as_recorded_on_the_same_line(
    project: QuickProject,
) -> None:
    test = """
        from stubs import *

        def test_fine(torch_graph):
            torch_graph.check(graph({}))

        def test_m(torch_graph):
            torch_graph.check(graph({}), budget={{"ops": 1}})
    """
    for work, what in (("ADD, MUL", "recorded"), ("ADD, MUL, ADD", "updated")):
        project.write({"test_m.py": test.format(work, work)})
        result = project.run("--torchgraph-update")
        assert result.outcomes() == {"failed": 1, "passed": 1}
        first, *others = [line for line in result.section() if "test_m.torchgraph" in line.replace("\\", "/")]
        count = len(work.split())
        assert first.startswith("over budget ")
        assert f": ops {count}, budget at most 1; {what} all the same: " in first
        assert not others
        assert result.section()[0] == first
        assert [line.partition(" ")[0] for line in result.section() if "test_fine" in line] == [what]
        said = result.text.index(f"test_m.py::test_m: over budget: ops {count}, budget at most 1")
        assert result.text.index(f"The snapshot was {what} all the same; no update moves a budget.") > said
    assert len(list(project.snapshots())) == 2
    assert "all the same" not in project.run().text


def test_a_recording_of_nothing_is_refused(project: QuickProject) -> None:
    test = """
        from dataclasses import replace
        from stubs import *

        NOTHING = replace(graph(), outputs=(), scopes=graph().scopes[:1])

        def test_nothing(torch_graph):
            torch_graph.check(NOTHING)

        def test_budget(torch_graph):
            torch_graph.check(NOTHING, compare="budget", budget={"ops": 1})

        def test_identity(torch_graph):
            torch_graph.check(replace(graph(), memory=replace(graph(ADD).memory, peak_operation=None)))
    """
    project.write({"test_m.py": test})
    result = project.run("--torchgraph-update")
    assert result.outcomes() == {"failed": 2, "passed": 1}
    assert (
        "test_m.py::test_nothing checks a recording of nothing: no module was called and no operation ran"
        in result.text
    )
    assert list(project.snapshots()) == ["test_m/test_identity.torchgraph"]


def test_the_fixture_of_syrupy_refuses_a_graph_before_it_writes(project: QuickProject) -> None:
    test = """
        from stubs import *
        from syrupy.extensions.json import JSONSnapshotExtension

        def test_graph(snapshot):
            assert graph(ADD) == snapshot

        def test_turned(snapshot):
            assert snapshot(name="a") == graph(ADD)

        def test_inside(snapshot):
            assert {"a": [graph(ADD)]} == snapshot.use_extension(JSONSnapshotExtension)

        def test_other(snapshot):
            assert {"a": [1]} == snapshot
    """
    project.write({"test_m.py": test})
    result = project.run("--snapshot-update")
    assert result.outcomes() == {"failed": 3, "passed": 1}
    assert result.text.count("write instead: assert graph == torch_graph.snapshot") == 3
    assert len((project.path / "__snapshots__/test_m.ambr").read_text("utf-8").splitlines()) < 20
