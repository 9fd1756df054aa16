"""A report says which values are alive at the peak that were not."""

from __future__ import annotations

from pytest_torchgraph.canonical.alive import OTHERS, Alive, What
from pytest_torchgraph.diff.change import Difference
from pytest_torchgraph.recorded.operation import SourceLine
from pytest_torchgraph.report.alive import alive_texts

LOGITS = Alive(8192, 1, What.read("temporary lm_head: mm bf16[2,256]"), made=7)
SMALL = Alive(8, 2, What.read("saved norm: mul f32[2]"))


def difference(before: tuple[Alive, ...], after: tuple[Alive, ...], *, grown: int = 1) -> Difference:
    return Difference(
        changes=(),
        metrics_before=(("peak", 100),),
        metrics_after=(("peak", 100 + grown),),
        alive_before=before,
        alive_after=after,
    )


def source_of(at: int) -> SourceLine | None:
    return SourceLine("/project/loss.py", 30 + at, "forward") if at == 7 else None


def keeper_of(at: int) -> str:
    return "returned" if at == 7 else ""


def texts(before: tuple[Alive, ...], after: tuple[Alive, ...], *, grown: int = 1) -> tuple[str, ...]:
    return alive_texts(difference(before, after, grown=grown), source_of, keeper_of)


def test_a_value_that_is_kept_is_told_with_the_line_that_made_it_and_what_keeps_it() -> None:
    assert texts((SMALL,), (LOGITS, SMALL)) == (
        "1 more alive, 8.0 KiB: temporary lm_head: mm bf16[2,256] (loss.py:37), returned",
    )


def test_what_moved_as_the_peak_did_comes_first() -> None:
    before = (Alive(9000, 4, What.read("saved a: mm f32[4]")), SMALL)
    more = "1 more alive, 8.0 KiB: temporary lm_head: mm bf16[2,256] (loss.py:37)"
    fewer = "4 fewer alive, 8.8 KiB: saved a: mm f32[4]"
    grown, shrunk = (texts(before, (LOGITS, SMALL), grown=sign) for sign in (1, -1))
    assert grown[0].startswith(more)
    assert grown[1:] == (fewer,)
    assert shrunk[0] == fewer


def test_a_value_of_another_size_is_larger_or_smaller() -> None:
    larger = Alive(16, 2, What.read("saved norm: mul f32[2]"))
    assert texts((SMALL,), (larger,)) == ("larger by 8 B: saved norm: mul f32[2]",)
    assert texts((larger,), (SMALL,)) == ("smaller by 8 B: saved norm: mul f32[2]",)


def test_what_could_be_among_the_others_is_not_said_to_be_new() -> None:
    others = Alive(20, 9, OTHERS)
    assert texts((LOGITS, others), (LOGITS, SMALL)) == ()
    assert len(texts((SMALL, others), (LOGITS, SMALL))) == 1


def test_nothing_is_said_where_the_peak_stays_or_the_recording_does_not_tell() -> None:
    assert texts((SMALL,), (LOGITS, SMALL), grown=0) == ()
    assert texts((), (LOGITS, SMALL)) == ()
