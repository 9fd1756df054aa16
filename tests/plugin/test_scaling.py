"""``torch_graph.scaling`` in a test: a file of its own, budgets by order, a changed exponent named with its module."""

from __future__ import annotations

from tests.plugin.conftest import Project

TEST = """
    import torch
    from torch import nn

    class Rows(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x):
            return BODY

    def test_growth(torch_graph):
        found = torch_graph.scaling(
            Rows, lambda batch: torch.zeros(batch, 4), budget=BUDGET, backward=True, batch=[1, 2, 4]
        )
        assert found.names == ("batch",)
"""
WHOLE = "self.layer(x).relu()"
LOOP = "torch.stack([self.layer(row).relu() for row in x])"
LIMITS = '{"ops": "O(1)", "saved": "O(batch)"}'
FILE = "test_x/test_growth[scaling].scaling"


def test_growth_is_recorded_passes_and_tells_what_moved(live: Project) -> None:
    live.write({"test_x.py": TEST.replace("BODY", WHOLE).replace("BUDGET", LIMITS)})
    assert live.run().code == 1
    assert live.run("--torchgraph-update").code == 0
    (name,) = (name for name in live.snapshots() if name.endswith(".scaling"))
    text = live.snapshots()[name]
    assert "\nops O(1)\n" in text
    assert live.run().code == 0
    assert live.snapshots()[name] == text
    live.write({"test_x.py": TEST.replace("BODY", LOOP).replace("BUDGET", LIMITS)})
    result = live.run()
    assert result.code == 1
    assert "ops grows O(batch), budget O(1)" in result.text
    assert "layer: O(batch)" in result.text
    assert "grows otherwise" in result.text
    assert "- ops O(1)" in result.text
    assert "+ ops O(batch)" in result.text
    live.write({"test_x.py": TEST.replace("BODY", LOOP).replace("BUDGET", "None")})
    assert live.run("--torchgraph-update").code == 0
    assert live.run().code == 0


def test_a_limit_that_is_no_order_is_one_line(live: Project) -> None:
    live.write({"test_x.py": TEST.replace("BODY", WHOLE).replace("BUDGET", '{"saved": "24 MiB"}')})
    result = live.run("--torchgraph-update")
    assert result.code == 1
    assert "limit '24 MiB': how an amount grows is limited by an order" in result.text
    assert live.snapshots() == {}


def test_an_order_of_a_marker_or_the_ini_file_is_held_by_scaling_and_left_out_by_check(live: Project) -> None:
    text = """
        import pytest
        import torch
        from torch import nn

        @pytest.mark.torchgraph_budget(ops="O(1)", copies=0)
        def test_both(torch_graph):
            torch_graph.check(nn.Linear(4, 4), torch.zeros(2, 4))
            torch_graph.scaling(lambda x: torch.stack([row.relu() for row in x]), lambda batch: torch.zeros(batch, 4),
                                batch=[1, 2, 4])
    """
    live.write({"test_x.py": text, "pytest.ini": "[pytest]\ntorchgraph_budget = peak: O(batch)\n"})
    result = live.run("--torchgraph-update")
    assert result.code == 1
    assert "ops grows O(batch), budget O(1)" in result.text
    assert "peak" not in result.text.partition("ops grows")[2].partition("torchgraph:")[0]
    live.write({"test_x.py": text.replace('ops="O(1)"', 'saved="O(bach)"')})
    assert "'bach' is no size of this call" in live.run("--torchgraph-update").text
