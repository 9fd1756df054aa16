"""Options, ini settings, budgets and wrong use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

CHECK = """
    import pytest
    from stubs import *

    @pytest.mark.torchgraph_budget({marker})
    def test_m(torch_graph):
        torch_graph.check(graph(ADD, CLONE, MUL), compare="budget", budget={budget})
"""


def budget_test(marker: str = "ops=99", budget: str = "None") -> dict[str, str]:
    return {"test_m.py": CHECK.format(marker=marker, budget=budget)}


HELD = ["ops=3", "ops='=3'", "{'aten.clone': 1}", "peak='4 KiB'", "ops=99, casts=0", "matmuls='<=1'"]
BROKEN = ["ops=2", "ops='=4'", "**{'aten.clone': 0}", "peak='4 kB'", "copies=0", "{'aten.clone.default': 0}"]


def test_a_budget_is_held_or_fails_with_value_and_limit(project: Project) -> None:
    functions = [
        f"""
@pytest.mark.torchgraph_budget({marker})
def test_{word}_{number}(torch_graph):
    torch_graph.check(graph(ADD, CLONE, MUL), compare="budget")
"""
        for word, markers in (("held", HELD), ("broken", BROKEN))
        for number, marker in enumerate(markers)
    ]
    project.write({"test_m.py": "import pytest\nfrom stubs import *\n" + "".join(functions)})
    result = project.run()
    assert result.outcomes() == {"passed": len(HELD), "failed": len(BROKEN)}
    assert not any("test_held" in line for line in result.section())
    assert any(line.endswith("ops 3, budget at most 2") for line in result.section())


def test_the_call_is_nearer_than_the_marker(project: Project) -> None:
    project.write(budget_test("ops=2", "{'ops': 3}"))
    assert project.run().code == 0
    project.write(budget_test("ops=99", "{'copies': 0}"))
    assert project.run().code == 1


def test_a_broken_budget_fails_while_recording_and_the_snapshot_is_written(project: Project) -> None:
    project.write({"test_m.py": CHECK.format(marker="copies=0", budget="None").replace('compare="budget", ', "")})
    result = project.run("--torchgraph-update")
    assert result.code == 1
    assert list(project.snapshots()) == ["test_m/test_m.torchgraph"]
    assert "copies" in result.text
    assert project.run("--torchgraph-update").code == 1


def test_ini_and_command_line_give_limits_and_the_nearer_wins(project: Project) -> None:
    project.write(budget_test())
    project.write({"pytest.ini": "[pytest]\ntorchgraph_budget =\n    copies: 0\n    casts: 0\n"})
    assert project.run().code == 1
    assert project.run("--torchgraph-budget", "copies:1").code == 0
    assert project.run("--torchgraph-budget", "copies:1", "--torchgraph-budget=matmuls:<=2").code == 0


WRONG_MARKERS = {
    "12": "expected keywords",
    "ops='lots'": "lots",
    "**{'aten.clon': 0}": "aten.clone",
    "**{'aten.contiguous': 0}": "aten.clone",
    "graph_breaks=0": "this run was not compiled",
    "peek='1 MiB'": "did you mean 'peak'?",
    "ops='5%'": "5%",
    "": "limits nothing",
}


def test_a_wrong_marker_argument_is_one_clear_message_with_the_test(project: Project) -> None:
    functions = [
        f"""
@pytest.mark.torchgraph_budget({marker})
def test_{number}(torch_graph):
    torch_graph.check(graph(ADD), compare="budget")
"""
        for number, marker in enumerate(WRONG_MARKERS)
    ]
    project.write({"test_m.py": "import pytest\nfrom stubs import *\n" + "".join(functions)})
    result = project.run()
    told = [line for line in result.text.splitlines() if line.startswith("test_m.py::test_")]
    assert [line.partition(": ")[0] for line in sorted(told)] == [
        f"test_m.py::test_{n}" for n in range(len(WRONG_MARKERS))
    ]
    assert all(words in line for words, line in zip(WRONG_MARKERS.values(), sorted(told), strict=True))
    assert "Traceback" not in result.text
    assert "During handling" not in result.text


@pytest.mark.parametrize(
    ("line", "words"), [("ops", "expected 'key: limit'"), ("ops: many", "many"), ("speed: 3", "speed")]
)
def test_a_wrong_budget_setting_stops_the_run(project: Project, line: str, words: str) -> None:
    project.write(budget_test())
    for result in (
        project.run("--torchgraph-budget", line),
        project.run("-o", f"torchgraph_budget={line}"),
    ):
        assert result.code == 4
        assert words in result.text
        assert "INTERNALERROR" not in result.text


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("torchgraph_compare=all", "graph, counts, budget"),
        ("torchgraph_tolerance=abit", "abit"),
        ("torchgraph_same=layers.*", "torchgraph: same='layers.*': expected 'OLD=NEW'"),
        ("torchgraph_same=layers.*=blocks", "both sides take as many '*'"),
    ],
)
def test_a_wrong_ini_setting_stops_the_run(project: Project, setting: str, words: str) -> None:
    project.write(budget_test())
    result = project.run("-o", setting)
    assert result.code == 4
    assert words in result.text


def test_modules_that_the_ini_file_says_are_the_same_are_compared(project: Project) -> None:
    test = """
        from dataclasses import replace
        from stubs import *

        def test_m(torch_graph):
            made = graph({})
            root, inner = made.scopes
            torch_graph.check(replace(made, scopes=(root, replace(inner, class_name={!r}))))
    """
    project.write({"test_m.py": test.format("ADD, RELU, scope='head'", "Old")})
    assert project.run("--torchgraph-update").code == 0
    project.write({"test_m.py": test.format("MUL, CLONE, RELU, scope='outer.tail'", "New")})
    same = ("-o", "torchgraph_same=head=outer.tail")
    told = project.run(*same, "-v")
    assert told.code == 1
    assert "module renamed: head -> outer.tail" in told.text
    assert "module renamed" not in project.run("-v", "-o", "torchgraph_same=absent=gone").text
    project.write({"test_m.py": test.format("ADD, RELU, scope='outer.tail'", "New")})
    assert project.run(*same).code == 0


def test_a_marker_that_no_check_sees_fails(project: Project) -> None:
    project.write(
        {
            "test_m.py": """
                import pytest
                from stubs import *

                @pytest.mark.torchgraph_budget(ops=3)
                def test_without_fixture():
                    pass

                @pytest.mark.torchgraph_budget(ops=3)
                def test_without_check(torch_graph):
                    torch_graph.trace(lambda: graph(ADD), ())
            """
        }
    )
    result = project.run()
    assert result.outcomes() == {"failed": 1, "error": 1}
    assert "does not use the torch_graph fixture" in result.text
    assert "checked nothing" in result.text


WRONG_CALLS = {
    "compare='all'": "expected one of 'graph', 'counts', 'budget'",
    "compare='budget'": "has none",
    "tolerance='abit'": "abit",
    "ignore='metric:speed'": "no metric 'speed'",
    "budget={'peek': 1}": "did you mean 'peak'?",
    "budget={'aten.clon': 0}": "did you mean 'aten.clone'?",
    "name=''": "names no snapshot",
    "name=3": "name=3: the name of a snapshot is text, not int.",
    "warmup=1": "takes no inputs and no trace options",
    "nonsense=1": "nonsense",
    "budget=10": "budget=10: expected a mapping of keys and limits",
    "budget={'backward.ops': 1}": "this run has no backward phase; phases recorded: forward. Trace with backward=True.",
    "ignore='peek'": "ignore='peek': neither the graph nor its snapshot has a module call 'peek'; did you mean 'peak'?",
    "ignore='layr.*'": "did you mean 'layer'? Modules called: layer.",
    "ignore='aten.clnoe*'": "no operation is called 'aten.clnoe*'; did you mean 'aten.clone'?",
}


def test_a_wrong_argument_of_check_is_said_with_the_test_and_nothing_is_recorded(project: Project) -> None:
    functions = [
        f"def test_{number}(torch_graph):\n    torch_graph.check(graph(ADD), {argument})\n"
        for number, argument in enumerate(WRONG_CALLS)
    ]
    project.write({"test_m.py": "from stubs import *\n" + "\n\n".join(functions)})
    result = project.run("--torchgraph-update")
    assert result.outcomes() == {"failed": len(WRONG_CALLS)}
    missing = [words for words in WRONG_CALLS.values() if words not in result.text]
    assert missing == []
    assert not project.snapshots()
    failures = result.text.partition("= FAILURES")[2].partition("short test summary")[0]
    assert "pytest_torchgraph/" not in failures
    assert "During handling" not in failures


WRONG_USES = {
    "check(lambda: graph(ADD))": "needs the inputs",
    "check(12, ())": "not callable",
    "check(lambda x: x, ())": "positional argument",
    "check(lambda: graph(ADD), (), 'first')": "the name of a snapshot is given as name='first'",
    "check(lambda: graph(ADD), (), warmups=1)": "torch_graph.check() got an unexpected keyword argument 'warmups'; did "
    "you mean 'warmup'?",
    "check(lambda: graph(ADD), (), ignored='peak')": "unexpected keyword argument 'ignored'; did you mean 'ignore'?",
    "trace(lambda: graph(ADD), wormup=1)": "torch_graph.trace() got an unexpected keyword argument 'wormup'; did you "
    "mean 'warmup'?",
    "trace(lambda: graph(ADD), (), xyz=1)": "torch_graph.trace() got an unexpected keyword argument 'xyz'\n",
    "snapshot == 12": "compares with a Graph",
    "snapshot != graph(ADD)": "use '=='",
}


def test_wrong_use_of_the_fixture_is_said(project: Project) -> None:
    functions = [f"def test_{n}(torch_graph):\n    torch_graph.{call}\n" for n, call in enumerate(WRONG_USES)]
    project.write({"test_m.py": "from stubs import *\n" + "\n\n".join(functions)})
    result = project.run()
    assert result.outcomes() == {"failed": len(WRONG_USES)}
    assert [words for words in WRONG_USES.values() if words not in result.text] == []


def test_what_a_check_ignores_may_be_in_the_snapshot_alone_and_of_the_session_may_match_nothing(
    project: Project,
) -> None:
    test = "from stubs import *\n\ndef test_m(torch_graph):\n    torch_graph.check(graph(ADD, scope={!r}){})\n"
    project.write({"test_m.py": test.format("inner", "")})
    assert project.run("--torchgraph-update").code == 0
    project.write({"test_m.py": test.format("outer", ", ignore=('inner', 'aten.relu', 'peak')")})
    assert "ignore=" not in project.run().text
    assert "ignore=" not in project.run("--torchgraph-ignore", "absent.*").text


def test_compare_tolerance_and_ignore_come_from_call_option_or_ini(project: Project) -> None:
    test = "from stubs import *\n\ndef test_m(torch_graph):\n    torch_graph.check(graph({}){})\n"
    project.write({"test_m.py": test.format("ADD, MUL", "")})
    assert project.run("--torchgraph-update").code == 0
    project.write({"test_m.py": test.format("ADD, MUL, peak=6000", "")})
    assert project.run().code == 1
    assert project.run("--torchgraph-tolerance", "50%").code == 0
    assert project.run("-o", "torchgraph_tolerance=50%").code == 0
    assert project.run("--torchgraph-ignore", "peak").code == 0
    project.write({"test_m.py": test.format("MUL, ADD", "")})
    assert project.run().code == 1
    assert project.run("--torchgraph-compare", "counts").code == 0
    assert project.run("-o", "torchgraph_compare=counts").code == 0
    project.write({"test_m.py": test.format("MUL, ADD", ", compare='counts'")})
    assert project.run().code == 0
