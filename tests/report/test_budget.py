from __future__ import annotations

from textwrap import dedent

from pytest_torchgraph.report.budget import outline_of
from pytest_torchgraph.report.terminal import render
from pytest_torchgraph.verdict.budget import check_budget
from tests.verdict.graphs import graph


def text(expected: str) -> str:
    return dedent(expected).strip("\n")


def test_one_broken_budget_is_told_with_the_scopes_that_cost_most() -> None:
    assert render(outline_of(check_budget(graph(), {"matmuls": 2}), test="test_m")) == text("""
        test_m: over budget: matmuls 4, budget at most 2
          layers.* ×3: 3
          head: 1
    """)


def test_several_broken_budgets_are_all_told() -> None:
    assert render(outline_of(check_budget(graph(), {"ops": 10, "peak": "6 MiB"}), test="test_m")) == text("""
        test_m: over budget: ops 11, budget at most 10 (and 1 more)
          ops 11, budget at most 10
            layers.* ×3: 10
            head: 1
          peak 7.0 MiB, budget at most 6.0 MiB
            layers.0: 5.0 MiB
            head: 2.0 MiB
    """)
