"""A compiled model is checked: recorded, passed, and failed with the line at which its graph breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

MODELS = """
    import torch
    from torch import nn


    class Mlp(nn.Module):
        def __init__(self):
            super().__init__()
            self.up, self.down = nn.Linear(8, 16), nn.Linear(16, 8)

        def forward(self, x):
            wide = self.up(x).relu()
            return self.down(wide)
"""
BROKEN = MODELS.replace("            return self.down", '            print("hi")\n            return self.down')
TESTS = """
    import torch

    from models import Mlp


    def test_mlp(torch_graph):
        torch.manual_seed(0)
        graph = torch_graph.check_compiled(Mlp(), torch.ones(4, 8), torch.ones(6, 8), budget=BUDGET)
        assert len(graph.compilation.recompiles) in (1, 2)


    def test_eager(torch_graph):
        torch_graph.check(Mlp(), torch.ones(4, 8), budget={"graph_breaks": 0})
"""


def test_a_break_fails_with_its_line_and_a_budget_with_file_and_line(live: Project) -> None:
    loose, tight = (TESTS.replace("BUDGET", text) for text in ("None", "{'graph_breaks': 0}"))
    live.write({"models.py": MODELS, "test_m.py": loose})
    first = live.run("--torchgraph-update", "test_m.py::test_mlp")
    assert first.outcomes() == {"passed": 1}, first.text
    (path,) = live.path.rglob("*.torchgraph")
    text = path.read_text(encoding="utf-8")
    assert "\nrun compiled-by-aot_eager, train, grad, cpu\n" in text
    assert "\ngraphs 2\ngraph_breaks 0\nrecompiles 1\nuncompiled 0\n" in text
    assert '\ngraph 2 forward 3 ×0 in "" at forward models.py dynamic "x[0]"\n' in text
    live.write({"models.py": BROKEN, "test_m.py": tight})
    broken = live.run()
    assert broken.outcomes() == {"failed": 2}, broken.text
    lines = broken.text.splitlines()
    assert any(line.endswith("1 new graph break: Failed to trace builtin operator (GB0059)") for line in lines)
    assert any(line.strip().startswith('`print("hi")` in forward   models.py:13') for line in lines), broken.text
    assert any("models.py:13 in forward `print(" in line and "GB0059" in line for line in lines), broken.text
    assert any("test_eager" in line and "check_compiled" in line for line in lines), broken.text
