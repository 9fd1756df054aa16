"""What is told of the machine that recorded a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_torchgraph.snapshot.recorded import recorded_line
from pytest_torchgraph.verdict.environment import differences, same_backend
from tests.plugin.stubs import ADD, graph

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

HERE = "torch 2.13.0, python 3.11, linux x86_64, cpu avx2, flops 12 (not compared)"
CHOSEN = ": kernels are chosen by it"


def test_the_line_names_versions_and_machine_and_owns_up_to_unknown_flops() -> None:
    assert recorded_line(graph(ADD)) == "torch 2.13.0, python 3.11, linux x86_64, cpu avx2, flops ≥0 (not compared)"


@pytest.mark.parametrize(
    ("now", "told", "same"),
    [
        (HERE.replace("flops 12", "flops 13"), (), True),
        (HERE.replace("2.13.0", "2.13.1"), ("recorded with torch 2.13.0, running 2.13.1",), True),
        (HERE.replace("2.13.0", "2.15.0"), ("recorded with torch 2.13.0, running 2.15.0",), False),
        (HERE.replace("x86_64", "arm64"), ("recorded on linux x86_64, running on linux arm64",), False),
        (HERE.replace("linux x86_64", "darwin arm64"), ("recorded on linux x86_64, running on darwin arm64",), False),
        (
            HERE.replace("avx2", "avx512"),
            (f"recorded on a processor with avx2, running on one with avx512{CHOSEN}",),
            True,
        ),
        (HERE.replace("cpu avx2, ", ""), (), True),
        (HERE.replace("3.11", "3.12"), ("recorded with python 3.11, running 3.12",), True),
    ],
)
def test_differences_are_told_and_a_backend_is_the_same_only_with_torch_and_machine(
    now: str, told: tuple[str, ...], *, same: bool
) -> None:
    assert differences(HERE, now) == told
    assert same_backend(HERE, now) is same


def test_a_drift_under_another_pytorch_says_so_first(apart: Project) -> None:
    test = "from stubs import *\n\ndef test_m(torch_graph):\n    torch_graph.check(graph({}))\n"
    apart.write({"test_m.py": test.format("ADD")})
    assert apart.run("--torchgraph-update").code == 0
    apart.write({"test_m.py": test.format("ADD, CLONE, torch='2.15.0'")})
    lines = apart.run().text.splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith("test_m.py::test_m: +1 aten.clone"))
    assert lines[first + 1] == "  recorded with torch 2.13.0, running 2.15.0"
