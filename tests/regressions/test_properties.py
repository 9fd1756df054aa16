"""What a report says of a pair adds up, contradicts nothing, and reads the same on the way back."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from pytest_torchgraph.comparison import Comparison
from pytest_torchgraph.report.brief import WIDTH
from pytest_torchgraph.report.case import case_of, report_of
from pytest_torchgraph.report.formats import rendered
from pytest_torchgraph.report.terminal import render
from pytest_torchgraph.verdict.causes.cause import MEANINGS, tone_of
from pytest_torchgraph.verdict.ranking import EDIT, LOSS
from tests.regressions.pair import Pair, pairs_in
from tests.regressions.variants import variants

PAIRS = {**pairs_in("drift"), **pairs_in("harmless")}
EVERY = {**PAIRS, **variants()}
OFTEN = [*PAIRS, *[*variants()][::2]]
NAMES = [*OFTEN, *(pytest.param(name, marks=pytest.mark.long) for name in EVERY if name not in OFTEN)]
"""Every pair and every second variant; the others take too long for each change."""
CHANGED = re.compile(r"([+-]\d+) ([\w.]+(?: \w+)?) \((\d+) -> (\d+)\)")
OPERATION = re.compile(r"[+-]\d+ (aten\.\w+) \((\d+) -> (\d+)\)")
UNSAFE = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&"})
OPPOSITES = (
    ("is written to memory:", "is written to memory no longer"),
    ("is done again", "is done less often"),
    ("is computed by separate operations", "is computed by scaled_dot_product_attention now"),
    ("takes the causal path now", "no longer takes the causal path"),
)


def both_ways(pair: Pair) -> tuple[Comparison, Comparison]:
    return pair.comparison, pair.reverse


def causes_of(comparison: Comparison) -> Counter[str]:
    return Counter(finding.cause for finding in comparison.verdict.failing if finding.cause)


@pytest.mark.parametrize("name", NAMES)
def test_a_number_that_is_told_is_the_difference_of_both_counts(name: str) -> None:
    for comparison in both_ways(EVERY[name]):
        text = render(comparison.outline("t"), 1)
        for number, _, before, after in CHANGED.findall(text):
            assert int(after) - int(before) == int(number)
        for operation, before, after in OPERATION.findall(text):
            assert comparison.difference.count(operation) == (int(before), int(after))


@pytest.mark.parametrize("name", NAMES)
def test_no_two_sentences_of_a_report_contradict_each_other(name: str) -> None:
    for comparison in both_ways(EVERY[name]):
        text = render(comparison.outline("t"), 1)
        assert not [pair for pair in OPPOSITES if all(words in text for words in pair)]


@pytest.mark.parametrize("name", NAMES)
def test_the_reverse_of_an_edit_has_the_mirrored_causes(name: str) -> None:
    there, back = map(causes_of, both_ways(EVERY[name]))
    for cause in there:
        assert set(MEANINGS[cause].mirrors) & set(back), f"{cause} has no counterpart in {sorted(back)}"
    assert there.total() == back.total()


@pytest.mark.parametrize("name", NAMES)
def test_no_saving_is_told_before_a_loss_that_is_not_slight(name: str) -> None:
    assert LOSS < EDIT
    for comparison in both_ways(EVERY[name]):
        tones = [tone_of(finding.cause) for finding in comparison.verdict.failing if finding.kind in ("copy", "sync")]
        assert "loss" not in tones[tones.index("win") :] if "win" in tones else True


@pytest.mark.parametrize("name", NAMES)
def test_the_lines_of_a_short_report_are_cut_at_one_width(name: str) -> None:
    for comparison in both_ways(EVERY[name]):
        outline = comparison.outline("t")
        assert all(len(line) <= WIDTH for line in outline.brief)
        assert len(outline.title) <= WIDTH + len("t: ")


@pytest.mark.parametrize("name", PAIRS)
def test_every_format_holds_the_same_lines(name: str) -> None:
    case = case_of(EVERY[name].comparison, test="t")
    outline, report = case.outline, report_of([case])
    short = render(outline).splitlines()
    assert short == [outline.title, *(f"  {line}" for line in outline.environment), *outline.brief]
    if not EVERY[name].comparison.verdict.fails:
        return
    assert json.loads(rendered(report, "json"))["cases"][0]["outline"]["brief"] == list(outline.brief)
    assert [line for line in rendered(report, "md").splitlines() if line in short] == short
    assert json.dumps(outline.brief, separators=(",", ":"))[1:-1].translate(UNSAFE) in rendered(report, "html")
