"""A project of many kinds of tests, and what of it stands at any time: for runs that must not lose a snapshot."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

HEADER = "import os\nimport unittest\nimport pytest\nfrom stubs import ADD, CLONE, MUL, RELU, graph\n"
PIECES: dict[str, dict[str, str]] = {
    "test_plain.py": {
        "test_a": "def test_a(torch_graph):\n    torch_graph.check(graph(ADD))",
        "test_ab": "@pytest.mark.slow\ndef test_ab(torch_graph):\n    torch_graph.check(graph(MUL))",
        "test_two": """
            def test_two(torch_graph):
                torch_graph.check(graph(ADD))
                torch_graph.check(graph(MUL), name="more")
        """,
        "test_skipped": """
            @pytest.mark.skipif("DEVICE" not in os.environ, reason="no device")
            def test_skipped(torch_graph):
                torch_graph.check(graph(MUL))
        """,
        "test_params": """
            @pytest.mark.parametrize("p", ["a/b", "A", "a", *(["cuda"] if "DEVICE" in os.environ else [])])
            def test_params(torch_graph, p):
                torch_graph.check(graph(ADD, MUL))
        """,
    },
    "test_device.py": {
        "test_always": "def test_always(torch_graph):\n    torch_graph.check(graph(ADD))",
        "test_device": """
            if "DEVICE" in os.environ:
                def test_device(torch_graph):
                    torch_graph.check(graph(ADD, MUL))
        """,
        "TestDevice": """
            class TestDevice:
                def test_always(self, torch_graph):
                    torch_graph.check(graph(ADD))

                try:
                    os.environ["DEVICE"]

                    def test_device(self, torch_graph):
                        torch_graph.check(graph(MUL))
                except KeyError:
                    pass
        """,
    },
    "test_class.py": {
        "TestOwn": """
            class TestOwn:
                def test_one(self, torch_graph):
                    torch_graph.check(graph(ADD))

                class TestInner:
                    def test_one(self, torch_graph):
                        torch_graph.check(graph(MUL))
        """,
        "TestInherits": """
            from bases import Base

            class TestInherits(Base):
                def test_own(self, torch_graph):
                    torch_graph.check(graph(RELU))
        """,
        "Models": """
            class Models(unittest.TestCase):
                @pytest.fixture(autouse=True)
                def give(self, torch_graph):
                    self.torch_graph = torch_graph

                def test_models(self):
                    for name in ("a", "b"):
                        with self.subTest(name):
                            self.torch_graph.check(graph(ADD), name=name)
        """,
    },
    "test_star.py": {
        "test_here": "def test_here(torch_graph):\n    torch_graph.check(graph(ADD))",
        "test_starred": "from starred import *",
    },
    "test_made.py": {
        "test_made": """
            def make():
                def test(torch_graph):
                    torch_graph.check(graph(ADD))
                return test

            for name in ("one", "two") if "DEVICE" in os.environ else ("one",):
                globals()[f"test_made_{name}"] = make()
        """,
    },
    "test_model.py": {
        "test_model": "def test_model(torch_graph, model):\n    torch_graph.check(graph(ADD))",
        "test_plain": "def test_plain(torch_graph):\n    torch_graph.check(graph(MUL))",
    },
    "test_sub.py": {
        "test_sub": """
            RUNS = []

            def test_sub(torch_graph, subtests, request):
                for name in ("a", "b"):
                    with subtests.test(name):
                        torch_graph.check(graph(ADD), name=name)
                RUNS.append(1)
                assert len(RUNS) > 1 or not request.config.getoption("reruns")
        """,
        "test_flaky": """
            TIMES = []

            def test_flaky(torch_graph, request):
                TIMES.append(1)
                again = request.config.getoption("reruns") and len(TIMES) == 1
                torch_graph.check(graph(CLONE) if again and not request.config.option.torchgraph_update else graph(ADD))
        """,
    },
    "test_budget.py": {
        "test_budget": """
            def test_budget(torch_graph):
                torch_graph.check(graph(ADD), compare="budget", budget={"ops": 9})
        """,
        "test_graph": "def test_graph(torch_graph):\n    torch_graph.check(graph(ADD))",
    },
    "test_doc.py": {
        "test_doc": "def test_doc(torch_graph):\n    torch_graph.check(graph(ADD))",
        "documented": """
            def documented():
                '''
                >>> _ = getfixture("torch_graph").check(graph(MUL))
                '''
        """,
    },
}
"""Definitions of each test file, by the name that the node ids of their tests have first; :data:`OWNED` has others."""
OWNED = {
    "test_starred": ("test_from_star",),
    "test_made": ("test_made_one", "test_made_two"),
    "documented": ("test_doc.documented",),
}
"""The tests of a definition that are not named like it."""
CONFTEST = """
    import pytest
    import stubs

    def pytest_addoption(parser):
        parser.addoption("--model")
        parser.addoption("--early", action="store_true")
        parser.addoption("--silent", action="store_true")

    def pytest_generate_tests(metafunc):
        if "model" in metafunc.fixturenames:
            chosen = metafunc.config.getoption("model")
            metafunc.parametrize("model", [] if chosen == "none" else [chosen] if chosen else ["bert", "gpt"])

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(config, items):
        if config.getoption("early") or config.getoption("silent"):
            if config.getoption("early"):
                config.hook.pytest_deselected(items=items[len(items) // 2 :])
            del items[len(items) // 2 :]
"""
BASES = """
    import os
    from stubs import ADD, graph

    class Base:
        if "DEVICE" in os.environ:
            def test_inherited(self, torch_graph):
                torch_graph.check(graph(ADD))
"""
STARRED = """
    import os
    from stubs import ADD, graph

    if "DEVICE" in os.environ:
        def test_from_star(torch_graph):
            torch_graph.check(graph(ADD))
"""
INI = "[pytest]\nmarkers = slow\nfilterwarnings = error\n"
PROJECTS = {"a": "torchgraph_snapshot_dir = ../snapshots\n", "b": "torchgraph_snapshot_dir = ../snapshots\n", ".": ""}
"""Two projects with the same tests and one folder of snapshots, below a third."""
WHOLE = ("--doctest-modules", "tests")
"""Arguments by which each project makes all of its tests, where there is a device."""


@dataclass(slots=True)
class Generated:
    """The projects at ``path``; ``gone`` are the definitions that do not stand: project, file and name."""

    path: Path
    gone: set[tuple[str, str, str]] = field(default_factory=set)

    def write(self) -> None:
        """Write all that stands."""
        for project, settings in PROJECTS.items():
            folder = self.path / project / "tests"
            folder.mkdir(parents=True, exist_ok=True)
            (folder.parent / "pytest.ini").write_text(INI + settings, "utf-8")
            (folder.parent / "conftest.py").write_text(dedent(CONFTEST), "utf-8")
            for file in PIECES:
                self._write_file(project, file)
        (self.path / "bases.py").write_text(dedent(BASES), "utf-8")
        (self.path / "starred.py").write_text(dedent(STARRED), "utf-8")

    def _write_file(self, project: str, file: str) -> None:
        path = self.path / project / "tests" / file
        standing = [text for name, text in PIECES[file].items() if (project, file, name) not in self.gone]
        if standing:
            path.write_text("\n\n\n".join([HEADER, *(dedent(text).strip() for text in standing)]) + "\n", "utf-8")
        else:
            path.unlink(missing_ok=True)

    def turn(self, project: str, file: str, name: str) -> None:
        """Remove a definition, or put it back."""
        self.gone ^= {(project, file, name)}
        self._write_file(project, file)

    def snapshots(self) -> dict[Path, bytes]:
        """All that lie anywhere, with what they hold."""
        return {path: path.read_bytes() for path in sorted(self.path.rglob("*.torchgraph"))}

    def stands(self, snapshot: Path, content: bytes) -> bool:
        """Whether the test in the head of *snapshot* stands, whether or not some run makes it."""
        above = snapshot.relative_to(self.path).parts[1]
        project = above if above in PROJECTS else "."
        path, _, names = content.decode().splitlines()[1].removeprefix("test ").strip('"').partition("::")
        file = path.rpartition("/")[2]
        gone = {name for of, within, name in self.gone if (of, within) == (project, file)}
        first = names.partition("[")[0].partition("::")[0]
        return not any(first in OWNED.get(name, (name,)) for name in gone)

    def copy(self, path: Path) -> Generated:
        """The same at *path*."""
        shutil.copytree(self.path, path)
        return Generated(path, set(self.gone))
