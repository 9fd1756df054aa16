"""Whatever two graphs are compared: every change is told once, and the numbers that are told add up."""

from __future__ import annotations

import re
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_torchgraph.canonical.program import Program
from pytest_torchgraph.diff.change import Added, Change, MetricChanged, Removed
from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.report.drift import outline_of
from pytest_torchgraph.report.terminal import render
from pytest_torchgraph.verdict.causes.cause import CAUSES
from pytest_torchgraph.verdict.compared import Compared
from pytest_torchgraph.verdict.drift import judge
from pytest_torchgraph.verdict.finding import Finding
from tests.diff.programs import attention, layers
from tests.snapshot.strategies import programs

TOLD = re.compile(r"^([+-]\d+) (aten\.\w+) \((\d+) -> (\d+)\)$")
MORE = re.compile(r"(\d+) more(?=;| \(-vv)")
NOTES = re.compile(r"(\d+) notes?(?= \(-vv)")


def changes_of(finding: Finding) -> list[Change]:
    return [change for group in finding.groups for change in group.changes]


def adds_up(before: Program, after: Program) -> None:
    difference = compare(before, after)
    verdict = judge(difference, tolerance="0%", same_backend=True)
    told = Counter(id(change) for finding in verdict.findings for change in changes_of(finding))
    assert set(told.values()) <= {1}
    left_out = [change for change in difference.changes if id(change) not in told]
    assert all(isinstance(change, MetricChanged) for change in left_out)
    assert sum(told.values()) + len(left_out) == len(difference.changes)
    for finding in verdict.findings:
        assert not finding.cause or finding.cause in CAUSES
        title_adds_up(finding)
    outline = outline_of(Compared(difference=difference, verdict=verdict), test="t")
    short = render(outline)
    titles = [section for section in outline.sections[1:] if not section.note and not section.in_cost]
    others = short.rpartition("  also: ")[2]
    if found := MORE.search(others):
        shown = len(titles) - int(found[1])
        assert 0 <= shown <= 3
        assert not shown or others.startswith(titles[0].title[:10])
    if found := NOTES.search(short):
        assert int(found[1]) == sum(section.note for section in outline.sections[1:])
    assert render(outline, 2)


def title_adds_up(finding: Finding) -> None:
    found = TOLD.match(finding.title)
    if found is None:
        return
    counts = Counter(type(change) for change in changes_of(finding))
    assert int(found[1]) == counts[Added] - counts[Removed]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(programs(), programs())
def test_any_two_graphs(before: Program, after: Program) -> None:
    adds_up(before, after)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 4),
    st.integers(0, 4),
    st.dictionaries(st.integers(0, 3), st.sampled_from(["clone", "relu", "_to_copy", "bernoulli_"])),
    st.sampled_from(["relu", "relu_", "silu", "gelu"]),
)
def test_two_graphs_of_one_model(first: int, second: int, extras: dict[int, str], activation: str) -> None:
    def change(number: int) -> dict[str, str]:
        return {"act": activation, **({"extra": extras[number]} if number in extras else {})}

    adds_up(layers(first), layers(second, change=change))
    adds_up(layers(second, change=change), layers(first))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3), st.integers(1, 3), st.booleans(), st.booleans(), st.sampled_from(["_flash", "_other"]))
def test_two_graphs_with_attention(first: int, second: int, mask: bool, causal: bool, backend: str) -> None:
    adds_up(attention(first), attention(second, mask=mask, is_causal=causal, backend=backend))
