from __future__ import annotations

from dataclasses import replace
from textwrap import dedent

from pytest_torchgraph.canonical.program import Operand, Program
from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.recorded.operation import SourceLine
from pytest_torchgraph.report.drift import outline_of
from pytest_torchgraph.report.outline import Outline, Row, Section
from pytest_torchgraph.report.terminal import render
from pytest_torchgraph.verdict.compared import Compared
from pytest_torchgraph.verdict.drift import judge
from tests.diff.programs import Body, attention, f32, layers, leaf, program, read

ACCEPT = "pytest tests/test_m.py::test_m --torchgraph-update"


class Numbered(Compared):
    """A comparison with a run whose lines are its operations' numbers: from 100, API calls from 200."""

    def source_of(self, operation: int) -> SourceLine | None:
        return SourceLine("models/attention.py", operation, "forward")


def report(
    before: Program,
    after: Program,
    verbosity: int = 0,
    *,
    accept: str = ACCEPT,
    environment: tuple[str, ...] = (),
    kind: type[Compared] = Numbered,
) -> str:
    difference = compare(before, after)
    compared = kind(difference=difference, verdict=judge(difference), environment=environment)
    return render(outline_of(compared, test="test_m", accept=accept), verbosity)


def text(expected: str) -> str:
    return dedent(expected).strip("\n")


def copies(count: int, *, extra: bool, **metrics: int) -> Program:
    """Attention layers in whose calls the transposed heads are copied or not."""

    def layer(body: Body, x: Operand) -> None:
        qkv = body.op("mm", x, leaf("qkv.weight"), out=f32(2, 48))
        heads = [read(qkv, 16, 2, stride=(1, 48), offset=16 * number) for number in range(3)]
        if extra:
            heads = [body.op("clone", head, out=f32(16, 2)) for head in heads]
        body.sdpa(*heads, out=f32(2, 16), is_causal=True)

    def root(body: Body) -> Operand:
        x = body.given("x", f32(2, 16))
        for number in range(count):
            x = body.scope(f"transformer.h.{number}.attn", "Attention", x, of=layer)
        return x

    return replace(program(root, peak_at="transformer.h.3.attn: clone"), metrics=tuple(metrics.items()))


BEFORE = copies(4, extra=False, ops=100, copies=6, parameters=4 * 2**20, peak=19_084_083)
AFTER = copies(4, extra=True, ops=112, copies=18, parameters=4 * 2**20, peak=21_286_093)


def test_copies_in_every_layer_take_five_lines() -> None:
    assert report(BEFORE, AFTER) == text("""
        test_m: +12 aten.clone (0 -> 12)
          transformer.h.*.attn ×4  +3 clone of %mm f32[16,2]   attention.py:101,102,103
          peak 18.2 MiB -> 20.3 MiB (+11.5%) \
at transformer.h.3.attn: clone; ops 100 -> 112; copies 6 -> 18
          hint: a transposed or sliced view is copied (.contiguous(), .reshape()) [extra-copy]
          accept: pytest tests/test_m.py::test_m --torchgraph-update
    """)


def test_a_win_has_the_same_form() -> None:
    assert report(AFTER, BEFORE) == text("""
        test_m: improved: -12 aten.clone (12 -> 0); re-record
          transformer.h.*.attn ×4  -3 clone of %mm f32[16,2]   near attention.py:201
          peak 20.3 MiB -> 18.2 MiB (-10.3%) \
at transformer.h.3.attn: clone; ops 112 -> 100; copies 18 -> 6
          hint: a copy is made no longer [copy-removed]
          accept: pytest tests/test_m.py::test_m --torchgraph-update
    """)


def test_a_changed_attention_call_comes_before_the_mask_operations() -> None:
    assert report(attention(4), attention(4, mask=True, is_causal=False)) == text("""
        test_m: attention no longer takes the causal path (4 of 4 calls): attn_mask None -> bool[2,2], \
is_causal True -> False
          layers.*.attn ×4  sdpa: attn_mask None -> bool[2,2], +ones bool[2,2], …   attention.py:202,101,100
          hint: a mask rules out the flash kernel on CUDA, and grows with query x key length [attention-path]
          accept: pytest tests/test_m.py::test_m --torchgraph-update
    """)


def test_one_layer_of_many_is_named_by_its_index() -> None:
    after = layers(32, change=lambda n: {"extra": "clone"} if n == 17 else {})
    assert report(layers(32), after).splitlines()[1] == "  layers.17  +clone of %mm f32[2,64]   attention.py:101"


def test_differences_of_the_machine_follow_the_title() -> None:
    notes = ("recorded with torch 2.13, running 2.15", "recorded on arm64")
    assert report(layers(1), layers(1, change=lambda _: {"act": "gelu"}), environment=notes) == text("""
        test_m: 1 operation swapped: aten.relu -> aten.gelu
          recorded with torch 2.13, running 2.15
          recorded on arm64
          layers.0  relu -> gelu of %mm   attention.py:101
          accept: pytest tests/test_m.py::test_m --torchgraph-update
    """)


def test_two_files_are_compared_without_source_lines_and_without_a_command() -> None:
    lines = report(layers(1), layers(1, change=lambda _: {"extra": "clone"}), kind=Compared, accept="")
    assert lines == text("""
        test_m: +1 aten.clone (0 -> 1)
          layers.0  +clone of %mm f32[2,64]
          hint: the same values are written to other memory (.clone(), copy_); is the copy needed? [extra-copy]
    """)


def test_very_verbose_shows_each_operation_before_and_after() -> None:
    def change(number: int) -> dict[str, str]:
        return {"act": "gelu", "extra": "clone"} if number else {"act": "gelu"}

    assert report(layers(3), layers(3, change=change), 2) == text("""
        test_m: +2 aten.clone (0 -> 2)
          change 02b09a01: +2 aten.clone (0 -> 2)
            layers.* ×2  +clone of %mm f32[2,64]   attention.py:101
            hint: the same values are written to other memory (.clone(), copy_); is the copy needed? [extra-copy]
              layers.1
                + clone(%mm) f32[2,64]
              and the same in layers.2
          change 33f65ea3: 3 operations swapped: aten.relu -> aten.gelu
            layers.* ×3  relu -> gelu of %mm   attention.py:101,102
              layers.0
                - relu(%mm) f32[2,64]
                + gelu(%mm) f32[2,64]
              and the same in layers.1, layers.2
          accept: pytest tests/test_m.py::test_m --torchgraph-update
    """)


def test_one_layer_more_is_one_row() -> None:
    assert report(layers(3), layers(4)) == text("""
        test_m: +1 Mlp (3 operations)
          layers.3  +Mlp (3 operations)   attention.py:100
          hint: a new layer, one that is switched on, or one that only returned views before [module-added]
          accept: pytest tests/test_m.py::test_m --torchgraph-update
    """)


def test_nothing_is_coloured_unless_asked_for() -> None:
    outline = Outline(status="drift", title="test_m: drift", sections=(Section("drift"),))
    assert "\033" not in render(outline)
    assert render(outline, colour=True) == "\033[31mtest_m: drift\033[0m"


def test_control_characters_in_names_are_shown_escaped() -> None:
    outline = Outline(status="drift", title="test_m", sections=(Section("x", (Row("a\033[2Jb", "c\nd"),)),))
    assert render(outline) == "test_m\n  a\\x1b[2Jb  c\\nd"


def test_lines_before_and_after_are_never_alike() -> None:
    def root(*, transposed: bool) -> Program:
        def body_of(body: Body) -> Operand:
            x = body.given("x", f32(16, 16))
            return body.op("exp", x, out=f32(16, 16, stride=(1, 16) if transposed else None))

        return program(body_of)

    text_of = report(root(transposed=False), root(transposed=True), 2)
    assert "~ exp(%x)" in text_of or "+ exp(%x)" in text_of
    signed = [line.strip() for line in text_of.splitlines() if line.strip()[:2] in ("- ", "+ ")]
    assert len({line[2:] for line in signed}) == len(signed)


def test_a_long_hint_ends_after_a_clause() -> None:
    first, second = (
        "every score is written to memory",
        "an option that is named at such length that nobody reads to its end",
    )
    section = Section(
        "a title", (Row("layers.0", "+clone", "m.py:3"),), f"{first}; {second}", cause="attention-unfused"
    )
    outline = Outline(status="drift", title="test_m: a title", sections=(section,))
    assert f"  hint: {first}… [attention-unfused]" in render(outline).splitlines()
    whole = replace(outline, sections=(replace(section, hint=f"{first}; an option"),))
    assert f"  hint: {first}; an option [attention-unfused]" in render(whole).splitlines()
