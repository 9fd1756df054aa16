"""What loading the plugin costs and needs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

HEAVY = "{'torch', 'deepdiff', 'rich', 'numpy'}"
PLUGIN = "pytest_torchgraph.plugin.hooks"


def test_a_project_that_uses_no_fixture_pays_no_heavy_import(apart: Project) -> None:
    apart.write(
        {
            "conftest.py": f"""
                import sys

                def pytest_unconfigure():
                    loaded = {HEAVY} & set(sys.modules)
                    print("loaded", sorted(loaded))
            """,
            "test_m.py": "def test_m():\n    pass\n",
        }
    )
    for arguments in (("--collect-only",), ()):
        result = apart.run(*arguments)
        assert result.code == 0
        assert "loaded []" in result.text
        assert result.section() == []


def test_until_a_test_asks_for_the_fixture_only_the_plugin_is_loaded(apart: Project) -> None:
    apart.write(
        {
            "conftest.py": """
                import sys

                def pytest_unconfigure():
                    loaded = [name for name in sys.modules if name.startswith("pytest_torchgraph.")]
                    print("rooms", sorted({name.split(".")[1] for name in loaded if name.count(".") > 1}))
                    beneath = (".recorded.", ".words.")
                    print("beneath", sorted(name for name in loaded if any(room in name for room in beneath)))
            """,
            "test_m.py": "def test_m():\n    pass\n",
        }
    )
    result = apart.run("--collect-only")
    assert "rooms ['plugin', 'words']" in result.text
    beneath = (
        "words.counting",
        "words.printable",
        "words.status",
    )
    assert f"beneath {[f'pytest_torchgraph.{name}' for name in beneath]}" in result.text


def test_without_syrupy_the_run_stops_with_one_line(apart: Project) -> None:
    apart.write({"test_m.py": "def test_m():\n    pass\n"})
    result = apart.run(plugins=("-p", PLUGIN))
    assert result.code == 4
    assert "ERROR: pytest-torchgraph stores its snapshots through syrupy, which is not loaded." in result.text
    assert "Traceback" not in result.text


def test_without_pytorch_only_a_test_that_traces_fails(apart: Project) -> None:
    apart.write(
        {
            "conftest.py": """
                import sys

                class Absent:
                    def find_spec(self, name, path=None, target=None):
                        if name.partition(".")[0] == "torch":
                            raise ModuleNotFoundError("No module named 'torch'", name="torch")

                sys.meta_path.insert(0, Absent())
            """,
            "test_m.py": """
                def test_other():
                    pass

                def test_check(torch_graph):
                    torch_graph.check(len, [])

                def test_record(torch_graph):
                    with torch_graph.record():
                        pass
            """,
        }
    )
    result = apart.run()
    assert result.outcomes() == {"passed": 1, "failed": 2}
    assert result.text.count("PyTorch is not installed in this environment: pip install torch") >= 2
    assert "Traceback" not in result.text
    assert "No module named" not in result.text


def test_the_header_names_mode_version_and_folder(apart: Project) -> None:
    apart.write({"test_m.py": "def test_m():\n    pass\n"})
    assert re.search(r"^torchgraph: check, torch [\d.]+\S*, snapshots in snapshots/$", apart.run().text, re.MULTILINE)
    assert "torchgraph: update (CI), torch" in apart.run("--torchgraph-update", CI="1").text


def test_the_marker_is_known_and_the_option_takes_no_odd_value(apart: Project) -> None:
    apart.write(
        {"test_m.py": "import pytest\n\n@pytest.mark.torchgraph_budget(ops=1)\ndef test_m(torch_graph):\n    pass\n"}
    )
    assert apart.run("--strict-markers", "--collect-only").code == 0
    result = apart.run("--torchgraph-update=odd")
    assert result.code == 4
    assert "--torchgraph-update" in result.text


def test_the_update_option_does_not_swallow_the_path_after_it(apart: Project) -> None:
    apart.write({"test_m.py": "def test_m():\n    pass\n", "test_n.py": "def test_n():\n    pass\n"})
    assert apart.run("--torchgraph-update", "test_m.py").outcomes() == {"passed": 1}


@pytest.mark.long
def test_a_check_that_was_seen_before_loads_nothing_that_only_others_need(apart: Project) -> None:
    apart.write(
        {
            "conftest.py": """
                import sys

                def pytest_unconfigure():
                    loaded = [name.partition(".")[2] for name in sys.modules if name.startswith("pytest_torchgraph.")]
                    print("loaded", *sorted(loaded), "end")
            """,
            "test_m.py": """
                import torch

                def test_m(torch_graph):
                    torch_graph.check(torch.nn.Linear(2, 2), torch.ones(1, 2))
            """,
        }
    )
    for arguments in (("--torchgraph-update",), ()):
        assert apart.run(*arguments).code == 0
    found = re.search(r"loaded (.*) end", apart.run().text)
    assert found is not None
    loaded = set(found[1].split())
    assert "capture.fingerprint" in loaded
    others = (
        "canonical",
        "catalog.operations",
        "capture.compiling.compiler",
        "capture.compiling.nodes",
        "capture.cost",
    )
    more = ("capture.fake_run.subject", "capture.replay", "diff", "snapshot.reader", "snapshot.writer", "verdict")
    assert not loaded & {*others, *more}
