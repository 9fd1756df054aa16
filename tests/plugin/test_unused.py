"""Snapshots that no check asked for: of tests that are proved gone, and all others, which nothing removes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import QuickProject, Result

XDIST = ("-p", "xdist.plugin", "-n", "2")
TESTS = """
    from stubs import ADD, CLONE, MUL, graph

    def test_kept(torch_graph):
        torch_graph.check(graph(ADD))

    def test_gone(torch_graph):
        torch_graph.check(graph(MUL))
"""
LESS = TESTS.replace("test_gone(torch_graph)", "test_other()").replace("torch_graph.check(graph(MUL))", "pass")
GONE = "test_m/test_gone.torchgraph"
KEPT = "test_m/test_kept.torchgraph"
UNUSED = f"unused snapshots/{GONE}: of test_m.py::test_gone"
REMOVED = f"removed snapshots/{GONE}: of test_m.py::test_gone"
ONE = "1 snapshot was not claimed; -v names it; torchgraph prune"


@pytest.fixture
def recorded(project: QuickProject) -> QuickProject:
    """A project with two recorded snapshots in one test file."""
    return record(project, {"test_m.py": TESTS})


def record(project: QuickProject, files: dict[str, str], *arguments: str) -> QuickProject:
    project.write(files)
    result = project.run("--torchgraph-update", *arguments)
    assert result.code == 0, result.text
    assert project.snapshots()
    return project


def keeps_all(project: QuickProject, *arguments: str, code: int = 0) -> Result:
    """Run without an update and with one; whatever it says, the files stay and a green run is green again."""
    before = project.snapshots()
    result = project.run(*arguments)
    assert result.code == code, result.text
    updated = project.run("--torchgraph-update", *arguments)
    assert updated.code == code, updated.text
    assert project.snapshots() == before
    assert not any(line.startswith(("unused", "removed")) for line in [*result.section(), *updated.section()])
    assert project.run(*arguments).code == code
    return result


def test_the_snapshot_of_another_rank_is_not_told_as_unclaimed(recorded: QuickProject) -> None:
    folder = recorded.path / "snapshots" / "test_m"
    for name in ("test_kept.rank1", "test_kept.other"):
        text = (folder / "test_kept.torchgraph").read_text(encoding="utf-8")
        (folder / f"{name}.torchgraph").write_text(text, encoding="utf-8")
    result = recorded.run("-v")
    assert "test_kept.other" in result.text
    assert "rank1" not in result.text


def test_the_snapshot_of_a_test_that_is_gone_fails_the_run_and_an_update_removes_it(recorded: QuickProject) -> None:
    recorded.write({"test_m.py": LESS})
    result = recorded.run()
    assert (result.code, result.outcomes()) == (1, {"passed": 2})
    assert result.section()[0] == UNUSED
    assert recorded.run("--snapshot-warn-unused").code == 0
    assert recorded.run("--torchgraph-update", "--snapshot-no-cleanup").code == 0
    assert GONE in recorded.snapshots()
    result = recorded.run("--torchgraph-update")
    assert REMOVED in result.section()
    assert list(recorded.snapshots()) == [KEPT]
    assert recorded.run().code == 0


def test_workers_of_xdist_judge_as_one_process_does(recorded: QuickProject) -> None:
    recorded.write({"test_m.py": LESS})
    assert (recorded.run(*XDIST).code, GONE in recorded.snapshots()) == (1, True)
    assert REMOVED in recorded.run(*XDIST, "--torchgraph-update").section()
    assert list(recorded.snapshots()) == [KEPT]


@pytest.mark.parametrize(
    "arguments",
    [
        ("-k", "kept"),
        ("test_m.py::test_kept",),
        ("--snapshot-disable-unused",),
        ("--deselect", "test_m.py::test_other"),
        ("--torchgraph-compare=budget", "--torchgraph-budget", "ops:9"),
        ("--collect-only",),
        ("--setup-plan",),
        ("--setup-only",),
        ("--lf",),
        ("--sw",),
    ],
    ids=" ".join,
)
def test_a_run_of_a_part_or_without_comparisons_says_and_removes_nothing(
    recorded: QuickProject, arguments: tuple[str, ...]
) -> None:
    recorded.write({"test_m.py": LESS})
    keeps_all(recorded, *arguments)


def test_budgets_alone_leave_every_snapshot(recorded: QuickProject) -> None:
    recorded.write({"pytest.ini": "[pytest]\ntorchgraph_compare = budget\ntorchgraph_budget = ops: 9\n"})
    assert keeps_all(recorded).section() == []


STANDS = {
    "no parameters": """
        import pytest

        @pytest.mark.parametrize("n", [])
        def test_gone(torch_graph, n):
            torch_graph.check(graph(MUL))
    """,
    "a condition": """
        if graph is None:
            def test_gone(torch_graph):
                torch_graph.check(graph(MUL))
    """,
    "a try": """
        try:
            import no_such_module
            def test_gone(torch_graph):
                torch_graph.check(graph(MUL))
        except ImportError:
            pass
    """,
    "another name for it": "test_gone = None if graph else test_kept",
    "an import": """
        if graph is None:
            from other import test_gone
    """,
    "a star import": "from stubs import *",
    "globals": "globals().update({})",
    "setattr": "setattr(graph, 'a', 1)",
    "exec": "exec('')",
    "load_tests": "def load_tests(*_):\n    pass",
    "a helper that makes tests": "trace and print() or make() if False else None\ndef make():\n    pass\nmake()",
    "no check": "def test_gone(torch_graph):\n    pass",
}


@pytest.mark.parametrize("reason", STANDS)
def test_a_test_that_may_still_stand_in_its_file_keeps_its_snapshot_and_fails_nothing(
    recorded: QuickProject, reason: str
) -> None:
    import textwrap

    kept = textwrap.dedent(TESTS).partition("def test_gone")[0]
    recorded.write({"test_m.py": kept + textwrap.dedent(STANDS[reason]) + "\n"})
    assert keeps_all(recorded).section() == [ONE]
    told = recorded.run("-v").section()
    assert told == [
        f"not claimed snapshots/{GONE}: of test_m.py::test_gone",
        "1 snapshot was not claimed; torchgraph prune",
    ]


def test_parameters_that_this_run_does_not_make_keep_their_snapshots(project: QuickProject) -> None:
    conftest = """
        import stubs

        def pytest_addoption(parser):
            parser.addoption("--model")

        def pytest_generate_tests(metafunc):
            chosen = metafunc.config.getoption("model")
            metafunc.parametrize("model", [chosen] if chosen else ["bert", "gpt", "vit"])
    """
    test = "from stubs import *\n\ndef test_m(torch_graph, model):\n    torch_graph.check(graph(ADD))\n"
    record(project, {"conftest.py": conftest, "test_m.py": test})
    assert len(project.snapshots()) == 3
    assert keeps_all(project, "--model", "bert").section() == [
        "2 snapshots were not claimed; -v names them; torchgraph prune"
    ]
    assert project.run().section() == []


def test_tests_that_a_class_inherits_from_elsewhere_keep_their_snapshots(project: QuickProject) -> None:
    base = """
        from stubs import *

        class Base:
            def test_inherited(self, torch_graph):
                torch_graph.check(graph(ADD))
    """
    test = "from bases import Base\n\nclass TestModel(Base):\n    pass\n"
    record(project, {"bases.py": base, "test_m.py": test})
    project.write(
        {"bases.py": base.replace("test_inherited", "not_now"), "test_m.py": f"{test}\ndef test_one():\n    pass\n"}
    )
    assert keeps_all(project, code=0).section() == [ONE]


def test_a_method_is_gone_when_neither_its_class_nor_a_base_in_the_file_has_it(project: QuickProject) -> None:
    test = """
        from stubs import ADD, MUL, graph

        class Base:
            def test_inherited(self, torch_graph):
                torch_graph.check(graph(ADD))

        class TestModel(Base):
            def test_own(self, torch_graph):
                torch_graph.check(graph(MUL))

        class TestOther:
            def test_own(self, torch_graph):
                torch_graph.check(graph(MUL))
    """
    record(project, {"test_m.py": test})
    project.write(
        {
            "test_m.py": test.replace(
                "class TestModel(Base):\n            def test_own", "class TestModel(Base):\n            def test_new"
            )
        }
    )
    result = project.run("--torchgraph-update")
    removed = next(line for line in result.section() if line.startswith("removed"))
    assert removed.startswith(
        "removed snapshots/test_m/TestModel.test_own.torchgraph: of test_m.py::TestModel::test_own"
    )
    assert set(project.snapshots()) == {
        f"test_m/{name}.torchgraph" for name in ("TestModel.test_inherited", "TestModel.test_new", "TestOther.test_own")
    }


def test_doctests_and_tests_of_unittest_keep_their_snapshots(project: QuickProject) -> None:
    test = """
        '''
        >>> _ = getfixture("torch_graph").check(graph(ADD, ADD))
        '''
        import unittest
        import pytest
        from stubs import *

        def f():
            '''
            >>> _ = getfixture("torch_graph").check(graph(ADD))
            '''

        class Models(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def give(self, torch_graph):
                self.torch_graph = torch_graph

            def test_model(self):
                self.torch_graph.check(graph(MUL))
    """
    record(project, {"test_m.py": test}, "--doctest-modules")
    names = ["test_m/Models.test_model.torchgraph", "test_m/test_m.f.torchgraph", "test_m/test_m.torchgraph"]
    assert sorted(project.snapshots()) == names
    left = "'''\n>>> 1\n1\n'''\nfrom stubs import graph\n\ndef test_one():\n    pass\n"
    project.write({"test_m.py": left})
    assert keeps_all(project).section() == ["3 snapshots were not claimed; -v names them; torchgraph prune"]


@pytest.mark.parametrize("file", ["conftest.py", "plugin_of_mine.py"])
def test_what_a_project_collects_in_its_own_way_is_never_proved_gone(recorded: QuickProject, file: str) -> None:
    named = "" if file == "conftest.py" else "pytest_plugins = ['plugin_of_mine']\n"
    recorded.write({"conftest.py": f"import stubs\n{named}", "test_m.py": LESS})
    with (recorded.path / file).open("a") as stream:
        stream.write("def pytest_pycollect_makeitem():\n    pass\n")
    assert keeps_all(recorded).section() == [ONE]


@pytest.mark.parametrize("how", ["with a word", "silently"])
def test_tests_that_a_conftest_takes_out_keep_their_snapshots(recorded: QuickProject, how: str) -> None:
    word = "config.hook.pytest_deselected(items=items[1:])" if how == "with a word" else "pass"
    conftest = f"""
        import pytest
        import stubs

        @pytest.hookimpl(tryfirst=True)
        def pytest_collection_modifyitems(config, items):
            {word}
            del items[1:]
    """
    recorded.write({"conftest.py": conftest})
    keeps_all(recorded)
    recorded.write({"test_m.py": LESS})
    keeps_all(recorded)
    if how == "silently":
        assert recorded.run(*XDIST, "--torchgraph-update").code == 0
        assert GONE in recorded.snapshots()


def test_last_failed_removes_nothing(recorded: QuickProject) -> None:
    broken = LESS.replace("pass", "assert False")
    recorded.write({"test_m.py": broken})
    assert recorded.run().code == 1
    recorded.write({"test_m.py": LESS})
    assert recorded.run("--lf", "--torchgraph-update").code == 0
    assert set(recorded.snapshots()) == {GONE, KEPT}


def test_a_failure_anywhere_keeps_what_is_gone(recorded: QuickProject) -> None:
    recorded.write({"test_m.py": LESS, "test_other.py": "def test_fails():\n    assert False\n"})
    result = recorded.run("--torchgraph-update")
    assert any(line.startswith(f"unused snapshots/{GONE}") for line in result.section())
    assert GONE in recorded.snapshots()


@pytest.mark.parametrize(
    "instead",
    ["raise RuntimeError('the model fails')", "__import__('pytest').skip()", "__import__('pytest').xfail()"],
    ids=["raises", "skips", "xfails"],
)
def test_a_test_that_ends_before_its_check_keeps_its_snapshot(recorded: QuickProject, instead: str) -> None:
    recorded.write({"test_m.py": TESTS.replace("torch_graph.check(graph(MUL))", instead)})
    result = recorded.run("--snapshot-update")
    assert GONE in recorded.snapshots()
    assert not any("unused" in line or "claimed" in line for line in result.section())


def test_a_check_that_raises_inside_a_test_that_passes_has_claimed_its_snapshot(recorded: QuickProject) -> None:
    raising = "with __import__('pytest').raises(ZeroDivisionError):\n            torch_graph.check(lambda: 1 / 0, ())"
    recorded.write({"test_m.py": TESTS.replace("torch_graph.check(graph(MUL))", raising)})
    assert keeps_all(recorded).section() == []


def test_a_file_that_does_not_import_or_is_ignored_or_skipped_keeps_its_snapshots(recorded: QuickProject) -> None:
    recorded.write({"test_other.py": "def test_other():\n    pass\n"})
    keeps_all(recorded, "--ignore", "test_m.py")
    keeps_all(recorded, "test_other.py")
    recorded.write({"test_m.py": "import pytest\npytest.skip(allow_module_level=True)\n"})
    keeps_all(recorded)
    recorded.write({"test_m.py": "import no_such_module\n"})
    keeps_all(recorded, "--continue-on-collection-errors", code=1)


def test_a_deleted_test_file_leaves_unused_snapshots_and_no_empty_folder(recorded: QuickProject) -> None:
    (recorded.path / "test_m.py").unlink()
    recorded.write({"tests/test_other.py": "def test_other():\n    pass\n"})
    keeps_all(recorded, "tests")
    keeps_all(recorded, "tests/test_other.py")
    assert recorded.run().code == 1
    assert recorded.run("--torchgraph-update").code == 0
    assert recorded.snapshots() == {}
    assert not (recorded.path / "snapshots/test_m").exists()


def test_a_renamed_test_is_recognised(recorded: QuickProject) -> None:
    recorded.write({"test_m.py": TESTS.replace("test_gone", "test_here")})
    result = recorded.run()
    assert any("looks like a rename: test_m.py::test_here has the same graph" in line for line in result.section())
    assert recorded.run("--torchgraph-update").code == 0
    assert list(recorded.snapshots()) == ["test_m/test_here.torchgraph", KEPT]


def test_stopping_at_the_first_failure_removes_nothing(recorded: QuickProject) -> None:
    recorded.write({"test_a.py": "def test_fails():\n    assert False\n", "test_m.py": LESS})
    assert recorded.run("-x", "--torchgraph-update").code == 1
    assert GONE in recorded.snapshots()


def test_foreign_files_in_the_folder_are_left_alone(recorded: QuickProject) -> None:
    copy = recorded.snapshots()[KEPT].replace("test_kept", "test_never")
    recorded.write({"snapshots/notes.txt": "mine", "snapshots/odd.torchgraph": "no snapshot at all\n"})
    (recorded.path / "snapshots/elsewhere.torchgraph").write_text(copy, "utf-8")
    assert keeps_all(recorded).section() == []


SUBTESTS = """
    import pytest
    from stubs import *
    RUNS = []

    def test_subtests(torch_graph, subtests):
        for name in ("a", "b"):
            with subtests.test(name):
                torch_graph.check(graph(ADD), name=name)
        RUNS.append(1)
        assert len(RUNS) > 1 or not FLAKY
"""
SUBTEST = """
    import unittest
    import pytest
    from stubs import *

    class TestModels(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def give(self, torch_graph):
            self.torch_graph = torch_graph

        def test_models(self):
            for name in ("a", "b"):
                with self.subTest(name):
                    self.torch_graph.check(graph(ADD), name=name)
"""


@pytest.mark.parametrize("reruns", [(), ("--reruns", "1")], ids=["once", "reruns"])
@pytest.mark.parametrize("flaky", [False, True])
def test_subtests_and_reruns_claim_their_snapshots(project: QuickProject, reruns: tuple[str, ...], flaky: bool) -> None:
    record(project, {"test_m.py": SUBTESTS.replace("FLAKY", str(flaky)), "test_u.py": SUBTEST}, "--reruns", "1")
    assert len(project.snapshots()) == 4
    keeps_all(project, *reruns, code=int(flaky and not reruns))


def test_a_rerun_tells_of_its_last_run_alone(project: QuickProject) -> None:
    test = """
        from stubs import *
        RUNS = []

        def test_flaky(torch_graph):
            RUNS.append(1)
            torch_graph.check(graph(ADD) if len(RUNS) > AFTER else graph(MUL))
    """
    record(project, {"test_m.py": test.replace("AFTER", "0")})
    project.write({"test_m.py": test.replace("AFTER", "1")})
    result = project.run("--reruns", "1")
    assert (result.code, result.section()) == (0, [])


def test_a_snapshot_that_is_a_symbolic_link_is_written_through(recorded: QuickProject) -> None:
    link, target = recorded.path / "snapshots" / GONE, recorded.path / "data" / "of_others"
    target.parent.mkdir()
    link.rename(target)
    link.symlink_to(target)
    recorded.write({"test_m.py": TESTS.replace("MUL", "MUL, CLONE")})
    assert recorded.run("--torchgraph-update").code == 0
    assert link.is_symlink()
    assert "clone" in target.read_text("utf-8")
    assert recorded.run().code == 0
