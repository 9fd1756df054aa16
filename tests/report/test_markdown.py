"""The Markdown report: what a pull request shows, within GitHub's limits, with nothing of a model read as markup."""

from __future__ import annotations

import re
from dataclasses import replace
from textwrap import dedent

import pytest

from pytest_torchgraph.report.case import Report, report_of
from pytest_torchgraph.report.markdown import COMMENT, NOTE_BYTES, render
from tests.report.cases import HOSTILE, case, drift


def test_one_row_for_each_test_and_the_words_folded() -> None:
    report = report_of(
        [case("t.py::same", "same"), drift("t.py::one"), drift("t.py::two"), case("t.py::new", "missing")]
    )
    assert render(report) == dedent("""\
        ### ❌ torchgraph: 4 graphs: 2 drifted, 1 without a snapshot, 1 unchanged

        |  | test | ops | copies | peak | what |
        | --- | --- | ---: | ---: | ---: | --- |
        | drifted | `t.py::one` | 91 → 107 ▲ | 0 → 1 ▲ | 2.00&nbsp;KiB → 1.00&nbsp;KiB ▼ | `+1 aten.clone (0 -> 1)` |
        | drifted | `t.py::two` | 91 → 107 ▲ | 0 → 1 ▲ | 2.00&nbsp;KiB → 1.00&nbsp;KiB ▼ | `+1 aten.clone (0 -> 1)` |
        | without a snapshot | `t.py::new` |  |  |  | `what happened` |

        <details><summary>change <code>3f2a0000</code>: <code>+1 aten.clone (0 -&gt; 1)</code> (2 tests)</summary>

        ```text
        t.py::one: +1 aten.clone (0 -> 1)
          layers.0  +clone of %mm   m.py:3

          change 3f2a0000: +1 aten.clone (0 -> 1)
            layers.0  +clone of %mm   m.py:3
                + clone

        and the same in 1 more:
          t.py::two
        ```

        </details>

        <details><summary><code>what happened</code> in <code>t.py::new</code></summary>

        ```text
        t.py::new: what happened
        ```

        </details>
    """)


def test_of_several_changes_the_first_id_can_be_copied_and_the_rest_is_counted() -> None:
    found = drift("t.py::one", "3f2a0000")
    several = replace(found, outline=replace(found.outline, changes=("3f2a0000", "beef0000", "cafe0000")))
    assert "<summary>change <code>3f2a0000</code> and 2 more: <code>+1 aten.clone" in render(report_of([several]))


def test_a_session_in_which_nothing_changed_is_one_line() -> None:
    cases = [case(f"t{number}", "same") for number in range(12)]
    assert render(report_of(cases)) == "### ✅ torchgraph: all 12 graphs unchanged\n"
    assert render(report_of(cases[:1])) == "### ✅ torchgraph: the graph is unchanged\n"
    assert render(Report(())) == "### ✅ torchgraph: no graph was checked\n"


@pytest.mark.parametrize("limit", [COMMENT, 4000])
@pytest.mark.parametrize(("count", "lines"), [(3000, 1), (40, 400), (2, 20_000)])
def test_a_report_of_any_size_stays_below_the_limit_and_says_what_was_cut(limit: int, count: int, lines: int) -> None:
    report = report_of(drift(f"tests/é/t.py::test[{number}]", f"{number:08x}", lines) for number in range(count))
    text = render(report, limit)
    assert len(text.encode()) <= limit
    rows, folded = text.count("\n| drifted "), text.count("<details>")
    assert text.count("</details>") == folded
    cut = re.search(r"^Cut to what GitHub shows: (.*) left out", text, re.MULTILINE)
    told = {noun: int(number) for number, noun in re.findall(r"(\d+) (rows|changes)", cut[1])} if cut else {}
    assert rows + told.get("rows", 0) == count
    assert folded + told.get("changes", 0) == count


def test_words_that_do_not_fit_in_full_are_told_shortly() -> None:
    text = render(report_of([drift("t", lines=5000)]), 4000)
    assert "<details>" in text
    assert "+clone of %mm" in text
    assert "  + clone" not in text


def test_the_note_on_what_was_cut_fits_what_is_kept_for_it() -> None:
    assert len("\nCut to what GitHub shows: 1000000 rows and 1000000 changes left out. " * 2) < NOTE_BYTES


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_a_model_ends_no_cell_no_code_and_no_block(text: str) -> None:
    lines = render(report_of([case(text, "drift", title=text)])).split("\n")
    row = next(line for line in lines if line.startswith("| drifted"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 6
    for cell in re.split(r"(?<!\\)\|", row)[2:6:3]:
        fence = re.match(r" (`+)", cell)
        assert fence
        assert cell.rstrip().endswith(fence[1])
        assert fence[1] not in re.findall(r"`+", cell.strip()[len(fence[1]) : -len(fence[1])])
    summary = next(line for line in lines if line.startswith("<details>"))
    assert set(re.findall(r"<[^>]*>", summary)) == {"<details>", "<summary>", "<code>", "</code>", "</summary>"}
    fences = [line for line in lines if re.fullmatch(r"`{3,}(text)?", line)]
    assert len(fences) == 2
    assert len(fences[1]) > max(map(len, re.findall(r"`+", text)), default=0)
