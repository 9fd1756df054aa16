"""The progress of long recordings reaches the terminal, and nothing that pytest captures."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.plugin.conftest import HERE, PLUGINS

pytest.importorskip("torch")

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

SLOW = """
    import time
    import torch

    def slow(x):
        y = x + 1
        time.sleep({seconds})
        return y

    def test_slow(torch_graph, capfd):
        torch_graph.trace(slow, torch.ones(2))
        captured = capfd.readouterr()
        assert captured.out + captured.err == ""
"""


def on_terminal(project: Project, seconds: float) -> tuple[int, str, str]:
    """Exit code, stdout, and what the terminal behind stderr was sent."""
    (project.path / "conftest.py").unlink()
    project.write({"test_m.py": SLOW.format(seconds=seconds)})
    other, terminal = os.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *PLUGINS, "-q"],
        cwd=project.path,
        env={**os.environ, "PYTHONPATH": str(HERE), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
        check=False,
        timeout=120,
    )
    os.write(terminal, b"|")
    os.close(terminal)
    sent = os.read(other, 1 << 16).decode()
    os.close(other)
    return done.returncode, done.stdout, sent


def test_a_long_recording_tells_on_the_terminal_and_is_not_captured(project: Project) -> None:
    code, text, sent = on_terminal(project, 2.3)
    assert code == 0, text
    assert "recording: 1 operation, 2 s" in sent
    assert "recording" not in text


def test_a_short_recording_says_nothing(project: Project) -> None:
    code, text, sent = on_terminal(project, 0)
    assert (code, sent) == (0, "|"), text
