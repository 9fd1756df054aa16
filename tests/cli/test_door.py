"""The first things that anybody types: help, version, completion."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_torchgraph import __version__
from pytest_torchgraph.cli.main import VERBS, main, parser

ROOT = Path(__file__).parents[2]


def test_without_a_verb_the_help_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("usage: torchgraph")
    assert [verb for verb in VERBS if not verb.startswith("git-") and verb not in shown] == []


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"pytest-torchgraph {__version__}\n"


def test_python_runs_the_package_as_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest_torchgraph", "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"pytest-torchgraph {__version__}\n"


def test_two_files_are_compared_without_what_records_and_writes_them() -> None:
    names = ("subprocess", *(f"pytest_torchgraph.{name}" for name in ("graph", "analysis.keeping", "snapshot.slots")))
    files = [str(ROOT / "snapshots/tests/real/test_llama" / name) for name in ("test_llama", "test_llama_prefill")]
    code = (
        "import sys; from pytest_torchgraph.cli.main import main; main(['diff', *sys.argv[1:]]); "
        f"print('loaded', *{{*sys.modules}} & {{*{names}}})"
    )
    command = [sys.executable, "-c", code, *(f"{file}.torchgraph" for file in files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_completion_is_valid_and_names_every_verb_and_option(
    shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert [verb for verb in VERBS if verb not in ("git-diff", "git-text") and verb not in script] == []
    assert "git-text" not in script
    assert "-l change" in script if shell == "fish" else "--change" in script
    (tmp_path / "script").write_text(script, encoding="utf-8")
    if shutil.which(shell):
        subprocess.run([shell, "-n", str(tmp_path / "script")], check=True)


def completed(tmp_path: Path, *words: str) -> set[str]:
    """What bash offers for the last of *words*."""
    script = f"""
        source {tmp_path / "script"}
        COMP_WORDS=({" ".join(f"'{word}'" for word in words)}); COMP_CWORD={len(words) - 1}
        _torchgraph; printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["/bin/bash", "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.skipif(not Path("/bin/bash").exists(), reason="bash is not installed")
def test_bash_completes_verbs_and_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["completion", "bash"])
    (tmp_path / "script").write_text(capsys.readouterr().out, encoding="utf-8")
    assert completed(tmp_path, "torchgraph", "re") == {"review", "reject", "report"}
    assert completed(tmp_path, "torchgraph", "review", "--") >= {"--list", "--change", "--all"}
    assert completed(tmp_path, "torchgraph", "review", "sn") == set()
    assert completed(tmp_path, "torchgraph", "--v") == {"--version"}


def test_a_wrong_verb_is_one_clear_complaint(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["revew"])
    assert ended.value.code == 2
    assert "invalid choice: 'revew'" in capsys.readouterr().err


def test_the_parser_of_one_verb_knows_that_verb_alone() -> None:
    assert "show" in parser("show").format_help()
    assert "autograd" not in parser("show").format_help()
