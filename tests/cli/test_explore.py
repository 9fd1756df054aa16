"""``torchgraph explore``: what it is given, and what it refuses in one line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pytest_torchgraph import trace
from pytest_torchgraph.cli import main as cli
from pytest_torchgraph.comparison import Comparison
from pytest_torchgraph.explorer import errors
from pytest_torchgraph.snapshot.recorded import recorded_line
from pytest_torchgraph.snapshot.writer import write
from tests.explorer.running import panel, terminal_of
from tests.explorer.small import tower

FACTORIES = """\
from tests.explorer.small import tower


def build():
    return tower()


def evaluated():
    model, tokens = tower()
    return model.eval(), tokens


def alone():
    return tower()[0]


def function():
    model, tokens = tower()
    return (lambda x: model(x) * 2), tokens


def raises():
    raise KeyError("hidden")


def misfit():
    return tower()[0], 3
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("explored_models", None)
    (tmp_path / "explored_models.py").write_text(FACTORIES, encoding="utf-8")
    model, tokens = tower()
    graph = trace(model, tokens)
    text = write(graph.canonical, test="t", recorded=recorded_line(graph))
    (tmp_path / "tower.torchgraph").write_text(text, encoding="utf-8")
    (tmp_path / "no.torchgraph").write_text("nothing of the kind\n", encoding="utf-8")
    return tmp_path


Explore = Callable[..., Any]


@pytest.fixture
def explore(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Explore:
    """Explore in a terminal that is none; gives the exit code and the explorer."""

    def run(*words: str, keys: tuple[str, ...] = ()) -> Any:
        with terminal_of(monkeypatch, *keys) as ran:
            monkeypatch.setattr("pytest_torchgraph.cli.verbs.models.explore.require_terminal", lambda: None)
            return cli.main(["explore", *words]), ran[0] if ran else None

    return run


def test_a_model_is_explored_with_a_backward_pass_where_it_trains(explore: Explore) -> None:
    code, app = explore("explored_models:build", keys=("tab",))
    assert code == 0
    assert app.subject.graph.phases_recorded == {"forward", "backward"}
    assert app.subject.graph.timing is not None
    assert "Gradient: computed" in panel(app)
    _, app = explore("explored_models:evaluated")
    assert app.subject.graph.phases_recorded == {"forward"}
    _, app = explore("explored_models:evaluated", "--backward", "--timing", "0")
    assert app.subject.graph.phases_recorded == {"forward", "backward"}
    assert app.subject.graph.timing is None


def test_a_model_without_inputs_and_a_function_are_explored_as_far_as_can_be(explore: Explore) -> None:
    _, app = explore("explored_models:alone", keys=("v",))
    assert app.subject.graph is None
    assert app.subject.values is not None
    _, app = explore("explored_models:function")
    assert app.subject.model is None
    assert "model.layers.0" in app.subject.modules


def test_a_file_and_two_of_them_are_explored(explore: Explore) -> None:
    code, app = explore("tower.torchgraph", "--depth", "1", "--theme", "light")
    assert code == 0
    assert app.subject.known == "file"
    assert app.subject.config.max_depth == 1
    _, app = explore("tower.torchgraph", "explored_models:build", "--timing", "0")
    assert app.subject.comparison is not None
    assert app.panel.name == "Findings"


REFUSED = [
    (["missing.torchgraph"], "missing.torchgraph: No such file or directory."),
    (["no.torchgraph"], "no.torchgraph:1: this is no torchgraph snapshot"),
    (["explored_models:raises"], "explored_models:raises() failed: KeyError: 'hidden' (explored_models.py:23)"),
    (["explored_models:misfit"], "explored_models:misfit does not run: "),
    (["explored_models:nothing"], "explored_models has no 'nothing'"),
    ([], "was given no targets; expected one target, or two: BEFORE AFTER."),
    (["a:b", "c:d", "e:f"], "was given 3 targets"),
    (["explored_models:build", "--depth", "-1"], "max_depth=-1: expected how deep modules are shown"),
    (["explored_models:build", "--theme", "drak"], "there is no colour scheme 'drak'; did you mean 'dark'?"),
    (["explored_models:build", "--timing", "-1"], "--timing -1: expected how many runs to time"),
    (["tower.torchgraph", "--backward"], "--backward runs a model, and tower.torchgraph is a file"),
    (["--review", "nowhere"], "nowhere: there is no such file or folder."),
]


@pytest.mark.parametrize(("words", "message"), REFUSED)
def test_bad_input_is_one_message_and_exit_code_2(
    explore: Explore, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    code, _ = explore(*words)
    told = capsys.readouterr()
    assert code == 2
    assert message in told.err
    assert told.err.startswith("torchgraph: ")
    assert "Traceback" not in told.err


def test_without_a_terminal_that_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explore", "explored_models:build"]) == 2
    assert "the explorer needs a terminal, and this is none" in capsys.readouterr().err
    assert cli.main(["explore", "no.torchgraph"]) == 2
    assert "this is no torchgraph snapshot" in capsys.readouterr().err


def test_without_textual_the_command_that_helps_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errors, "find_spec", lambda name: None if name == "textual" else find_spec(name))
    assert cli.main(["explore", "tower.torchgraph"]) == 2
    told = capsys.readouterr().err
    assert told == "torchgraph: the explorer needs Textual: pip install 'pytest-torchgraph[explorer]'\n"


def test_two_files_are_compared_by_the_project_s_setting(explore: Explore) -> None:
    text = Path("tower.torchgraph").read_text("utf-8")
    Path("other.torchgraph").write_text(text, "utf-8")
    Path("pytest.ini").write_text("[pytest]\ntorchgraph_same = old=new\n", "utf-8")
    seen: list[Any] = []

    def compared(*given: Any, same: Any, **others: Any) -> Any:
        seen.append(same)
        return report_of_two(*given, same=same, **others)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Comparison, "of", compared)
        code, app = explore("tower.torchgraph", "other.torchgraph")
    assert (code, seen) == (0, [{"old": "new"}])
    assert app.subject.comparison is not None
    Path("pytest.ini").write_text("[pytest]\ntorchgraph_same = old\n", "utf-8")
    assert explore("tower.torchgraph", "other.torchgraph") == (2, None)


def test_nothing_to_review_is_said_without_a_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explore", "--review"]) == 0
    assert "nothing waits" in capsys.readouterr().out


report_of_two = Comparison.of
FILE_ONLY = """
import asyncio, sys
from pytest_torchgraph.cli.verbs.models.explore import config_of, source_of
from pytest_torchgraph.cli.main import parser
arguments = parser("explore").parse_args(["explore", "tower.torchgraph", "tower.torchgraph"])
config = config_of(arguments)
from pytest_torchgraph.explorer.app import Explorer
from pytest_torchgraph.explorer.sources import of_two
sources = [source_of(given, arguments, config) for given in arguments.targets]
app = Explorer(of_two(*sources, config), config)
async def main():
    async with app.run_test() as pilot:
        while app.subject is None:
            await pilot.pause(0.05)
        await pilot.press("3", "down", *["tab"] * 10, "/", "u", "p", "enter")
asyncio.run(main())
sys.exit("torch" in sys.modules)
"""


def test_files_are_explored_without_pytorch(folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FILE_ONLY], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_summary_is_had_without_textual_or_pytorch_being_imported(folder: Path) -> None:
    code = "import sys, pytest_torchgraph.explorer; sys.exit(bool({'torch', 'textual'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
