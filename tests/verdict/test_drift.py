from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_torchgraph.canonical.alive import Place
from pytest_torchgraph.canonical.program import Operand, Program
from pytest_torchgraph.canonical.run import Run
from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.report.spelling import group_text
from pytest_torchgraph.verdict.drift import judge
from pytest_torchgraph.verdict.finding import Verdict
from pytest_torchgraph.verdict.ignoring import IgnoreUnreadable
from tests.diff.programs import Body, attention, f32, layers, leaf, mlp, program, read

CLONE: dict[str, Any] = {"extra": "clone"}


def verdict(before: Program, after: Program, **settings: Any) -> Verdict:
    return judge(compare(before, after), **settings)


def one_op(*arguments: object, name: str = "mul", batch: int = 2, dtype: str = "float32") -> Program:
    def root(body: Body) -> Operand:
        x = body.given("x", f32(batch, 16))
        return body.op(name, x, *arguments, out=f32(batch, 16, dtype=dtype))

    return program(root)


FAILS = {
    "an operation more": (layers(2), layers(2, change=lambda _: CLONE)),
    "another argument": (one_op(2), one_op(3)),
    "another dtype": (one_op(), one_op(dtype="bfloat16")),
    "another shape": (one_op(), one_op(batch=4)),
    "another attention signature": (attention(1), attention(1, is_causal=False)),
    "another mode": (layers(1), replace(layers(1), run=Run("eager", "train", "no_grad", "cpu"))),
    "a sync more by its metric": (layers(1, syncs=0), layers(1, syncs=1)),
    "parameters by one byte": (layers(1, parameters=100), layers(1, parameters=101)),
    "buffers by one byte": (layers(1, buffers=100), layers(1, buffers=101)),
    "the peak beyond one percent": (layers(1, peak=1000), layers(1, peak=1011)),
    "a count that no work line explains": (layers(1, ops=3), layers(1, ops=4)),
    "another width": (layers(1), layers(1, change=lambda _: {"width": 128})),
}


@pytest.mark.parametrize("case", FAILS)
def test_what_fails_by_default(case: str) -> None:
    assert verdict(*FAILS[case]).status == "drift"


def reordered(*order: str, write: bool = False) -> Program:
    def root(body: Body) -> Operand:
        x = body.given("x", f32(2, 16))
        made = {name: body.op(name, x, out=None if write else f32(2, 16)) for name in order}
        return body.op("add", made["exp"], made["sin"], out=f32(2, 16))

    return program(root)


PASSES = {
    "a renamed scope": (layers(2), layers(2, prefix="h")),
    "a renamed input": (
        program(lambda body: body.op("exp", body.given("x", f32(2)), out=f32(2))),
        program(lambda body: body.op("exp", body.given("y", f32(2)), out=f32(2))),
    ),
    "the place of the peak": (layers(1), replace(layers(1), peak_at=Place("mm", "layers.0"))),
    "the peak within one percent": (layers(1, peak=1000), layers(1, peak=1010)),
    "the order of independent operations": (reordered("exp", "sin"), reordered("sin", "exp")),
    "the backend's operations beneath attention": (attention(1), attention(1, backend="_math")),
}


@pytest.mark.parametrize("case", PASSES)
def test_what_never_fails_alone(case: str) -> None:
    assert not verdict(*PASSES[case]).fails


def test_the_order_of_operations_that_write_in_place_fails() -> None:
    assert verdict(reordered("exp", "sin", write=True), reordered("sin", "exp", write=True)).fails


def test_operations_beneath_attention_fail_on_the_same_backend() -> None:
    assert verdict(attention(1), attention(1, backend="_math"), same_backend=True).fails


def test_the_tolerance_of_the_peak_is_of_what_lies_above_parameters_and_buffers() -> None:
    before = layers(1, parameters=900, buffers=50, peak=1000)
    assert not verdict(before, layers(1, parameters=900, buffers=50, peak=1005), tolerance="10%").fails
    assert verdict(before, layers(1, parameters=900, buffers=50, peak=1006), tolerance="10%").fails
    assert not verdict(before, layers(1, parameters=900, buffers=50, peak=2000), tolerance="10% or 1 kB").fails


def test_a_percentage_of_the_peak_is_of_the_peak_beside_it() -> None:
    after = layers(1, parameters=900, buffers=50, peak=1100)
    title = verdict(layers(1, parameters=900, buffers=50, peak=1000), after).headline
    assert title.startswith("peak 1000 B -> 1.1 KiB (+10.0%)")
    assert "above parameters" not in title


def test_a_peak_that_moved_by_less_than_the_tolerance_seems_to_allow_says_what_that_is_taken_of() -> None:
    before, after = (layers(1, parameters=90_000, peak=100_000 + moved) for moved in (0, 500))
    title = verdict(before, after).headline
    assert title.endswith("(+0.5%) with the same ops, beyond 1% of the 9.8 KiB above parameters and buffers")


def test_fewer_operations_are_an_improvement_that_asks_to_be_recorded() -> None:
    judged = verdict(layers(2, change=lambda _: CLONE), layers(2))
    assert (judged.status, judged.fails, judged.headline) == (
        "improved",
        True,
        "improved: -2 aten.clone (2 -> 0); re-record",
    )


def test_a_lower_peak_is_an_improvement() -> None:
    assert verdict(layers(1, peak=1000), layers(1, peak=500)).status == "improved"


def test_fewer_operations_at_a_higher_peak_are_no_improvement() -> None:
    assert verdict(layers(2, change=lambda _: CLONE, peak=1000), layers(2, peak=1010)).status == "drift"


def test_counts_alone_look_at_nothing_but_metrics() -> None:
    before, after = layers(2, ops=6), layers(2, change=lambda _: {"act": "gelu"}, ops=6)
    assert verdict(before, after, compare="counts").status == "same"
    assert verdict(before, replace(after, metrics=(("ops", 7),)), compare="counts").headline == "ops 6 -> 7"


def test_budgets_alone_look_at_nothing() -> None:
    assert verdict(*FAILS["an operation more"], compare="budget").status == "same"


def test_an_unknown_comparison_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of 'graph', 'counts', 'budget'"):
        verdict(layers(1), layers(1), compare="everything")


@pytest.mark.parametrize(
    "pattern", ["aten.clone", "aten.clone.default", "aten.clo*", "layers.*", "layers.1", "op:*", "scope:layers.1"]
)
def test_ignored_operations_and_scopes_do_not_fail(pattern: str) -> None:
    after = layers(2, change=lambda n: CLONE if n == 1 else {})
    assert verdict(layers(2), after, ignore=(pattern,)).status == "same"


def test_a_pattern_ignores_only_what_it_matches() -> None:
    after = layers(2, change=lambda _: CLONE)
    assert [group.scope for group in verdict(layers(2), after, ignore="layers.1").findings[0].groups] == ["layers.0"]
    assert verdict(layers(2), after, ignore="aten.mm").fails
    assert verdict(layers(2), after, ignore="layer").fails


def test_an_ignored_metric_does_not_fail() -> None:
    assert not verdict(layers(1, peak=1000), layers(1, peak=2000), ignore="peak").fails


def test_ignored_operations_are_left_out_of_counts_too() -> None:
    before, after = layers(2, ops=6, copies=0), layers(2, change=lambda _: CLONE, ops=8, copies=2)
    assert not verdict(before, after, compare="counts", ignore="aten.clone").fails
    assert verdict(before, after, compare="counts", ignore="aten.mm").fails


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("aten.clone", "copies"),
        ("aten._local_scalar_dense", "syncs"),
        ("_c10d_functional.all_reduce", "collectives"),
        ("aten.sin", "ops"),
        ("aten.sin", "forward.ops"),
    ],
)
def test_an_ignored_operation_explains_the_count_of_its_group_and_of_no_other(name: str, metric: str) -> None:
    def counting(of: str) -> tuple[Program, Program]:
        more = layers(2, change=lambda _: {"extra": f"{name}.default"})
        return replace(layers(2), metrics=((of, 3),)), replace(more, metrics=((of, 5),))

    before, after = counting(metric)
    assert not verdict(before, after, compare="counts", ignore=name).fails
    assert verdict(before, after, compare="counts", ignore="aten.mm").fails
    for other in {"copies", "syncs", "collectives"} - {metric}:
        assert verdict(*counting(other), compare="counts", ignore=name).fails, other


@pytest.mark.parametrize("pattern", ["", "a b", "what:aten.x", "metric:speed", "layers/1", 3])
def test_an_ignore_pattern_in_no_known_form_is_refused(pattern: Any) -> None:
    with pytest.raises(IgnoreUnreadable, match=r"Accepted forms|Metrics"):
        verdict(layers(1), layers(1), ignore=(pattern,))


def test_one_changed_attention_call_outranks_many_new_operations() -> None:
    judged = verdict(attention(4), attention(4, mask=True, is_causal=False))
    (first,) = judged.failing
    assert first.title == (
        "attention no longer takes the causal path (4 of 4 calls): attn_mask None -> bool[2,2], is_causal True -> False"
    )
    assert first.cause == "attention-path"
    assert first.hint.startswith("a mask rules out the flash kernel")


def test_a_mode_outranks_everything() -> None:
    after = replace(layers(2, change=lambda _: CLONE), run=Run("eager", "train", "no_grad", "cpu"))
    judged = verdict(layers(2), after)
    assert judged.headline == "run: eval -> train"
    assert "training mode" in judged.findings[0].hint


def test_other_input_shapes_are_said_once() -> None:
    judged = verdict(one_op(), one_op(batch=4))
    assert [finding.title for finding in judged.failing] == [
        "shape-only change: %x: f32[2,16] -> f32[4,16]; 1 operation follows, the work is the same"
    ]


def test_other_input_shapes_do_not_hide_another_operation() -> None:
    judged = verdict(one_op(), one_op(batch=4, name="exp"))
    assert [finding.title for finding in judged.failing] == [
        "input %x: f32[2,16] -> f32[4,16]",
        "+1 aten.exp (0 -> 1)",
        "-1 aten.mul (1 -> 0)",
        "output: %mul f32[2,16] -> %exp f32[4,16]",
    ]


def test_memory_that_moves_alone_says_so() -> None:
    assert verdict(layers(1, peak=2**20), layers(1, peak=2**21)).headline == (
        "peak 1.0 MiB -> 2.0 MiB (+100.0%) with the same ops"
    )


def inserted(name: str, out: str, operand_of: Any = lambda x: x) -> tuple[Program, Program]:
    def root(extra: bool) -> Program:
        def body_of(body: Body) -> Operand:
            x = body.given("x", f32(4, 4, dtype="bfloat16"))
            y = body.op("exp", x, out=f32(4, 4, dtype="bfloat16"))
            read_next = body.op(name, operand_of(y), out=f32(4, 4, dtype=out)) if extra else y
            return body.op("sqrt", read_next, out=f32(4, 4, dtype=out if name == "_to_copy" and extra else "bfloat16"))

        return program(body_of)

    return root(False), root(True)


def called_again() -> tuple[Program, Program]:
    def root(calls: int) -> Program:
        def body_of(body: Body) -> Operand:
            x = body.given("x", f32(2, 16))
            for number in range(calls):
                x = body.scope("block", "Mlp", x, of=mlp, call=number + 1)
            return x

        return program(body_of)

    return root(1), root(2)


def one_argument(number: float) -> Program:
    return program(lambda body: body.op("mul", body.given("x", f32(2, 16)), number, out=f32(2, 16)))


def batch_norms() -> tuple[Program, Program]:
    def root(training: bool) -> Program:
        def body_of(body: Body) -> Operand:
            x = body.given("x", f32(2, 16))
            return body.op("native_batch_norm", x, None, None, None, None, training, 0.1, 1e-5, out=f32(2, 16))

        return program(body_of)

    return root(False), root(True)


CAUSES = {
    "a transposed copy": (
        inserted("clone", "bfloat16", lambda y: read(y, 4, 4, stride=(1, 4))),
        "transposed or sliced view",
    ),
    "an expanded copy": (inserted("clone", "bfloat16", lambda y: read(y, 4, 4, stride=(0, 1))), "expanded tensor"),
    "an upcast": (inserted("_to_copy", "float32"), "an upcast (.float(), autocast, a wider operand)"),
    "a sync": (inserted("_local_scalar_dense", "float32"), "used as a number or bool"),
    "boolean indexing": (inserted("nonzero", "int64"), "depends on the data"),
    "a plain copy": (inserted("clone", "bfloat16"), "the same values are written to other memory"),
    "a copy into a value": (inserted("copy_", "bfloat16"), "the same values are written to other memory"),
    "one layer more": ((layers(2), layers(3)), "a new layer, one that is switched on"),
    "a second call of a module": (called_again(), "called once more in the same scope"),
    "wider layers": ((layers(1), layers(1, change=lambda _: {"width": 32})), "built with other sizes"),
    "parameters beside the work": (
        (layers(1, parameters=64), layers(1, parameters=128)),
        "no operation of this run reads",
    ),
    "smaller buffers beside the work": (
        (layers(1, buffers=64), layers(1, buffers=48)),
        "no operation of this run read",
    ),
    "a float for an int": ((one_argument(2), one_argument(2.0)), "the same number of another type"),
    "batch statistics": (batch_norms(), "the statistics of the batch are used"),
    "values that live longer": ((layers(1, peak=2**20), layers(1, peak=2**21)), "kept alive longer"),
    "values that live shorter": ((layers(1, peak=2**21), layers(1, peak=2**20)), "let go of sooner"),
}
SILENT = {
    "another number": (one_argument(2), one_argument(3)),
    "another sign of nought": (one_argument(0.0), one_argument(-0.0)),
    "a module less": (layers(3), layers(2)),
    "a copy less": inserted("clone", "bfloat16")[::-1],
}


@pytest.mark.parametrize("case", CAUSES)
def test_a_likely_cause_is_named(case: str) -> None:
    programs, words = CAUSES[case]
    assert words in verdict(*programs).findings[0].hint


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({"parameters": (64, 128)}, "more or larger layers"),
        ({"parameters": (64, 96)}, "no longer tied"),
        ({"buffers": (64, 48)}, "fewer or smaller buffers"),
    ],
)
def test_bytes_that_are_held_beside_other_work_are_explained(held: dict[str, tuple[int, int]], words: str) -> None:
    sides: list[dict[str, Any]] = [{name: pair[side] for name, pair in held.items()} for side in (0, 1)]
    before, after = sides
    judged = verdict(layers(1, **before), layers(1, change=lambda _: CLONE, **after))
    assert words in judged.findings[1].hint


@pytest.mark.parametrize("case", SILENT)
def test_no_cause_is_made_up(case: str) -> None:
    assert verdict(*SILENT[case]).findings[0].hint == ""


def test_a_peak_that_moved_with_the_parameters_is_not_called_longer_lives() -> None:
    judged = verdict(layers(1, peak=2**20, parameters=64), layers(1, peak=2**21, parameters=64 + 2**20))
    assert not any("alive" in finding.hint for finding in judged.findings)


def test_a_peak_that_moved_further_than_what_is_held_is_called_longer_lives_and_leads() -> None:
    judged = verdict(layers(1, peak=2**20, buffers=64), layers(1, peak=2**21, buffers=140))
    assert [finding.cause for finding in judged.findings] == ["kept-alive", "state-bytes"]


def test_one_edit_has_one_fingerprint_in_any_model() -> None:
    here = verdict(layers(2), layers(2, change=lambda _: CLONE))
    wider = verdict(
        layers(5, prefix="encoder.block", change=lambda _: {"width": 32}),
        layers(5, prefix="encoder.block", change=lambda n: {"width": 32, **(CLONE if n == 3 else {})}),
    )
    assert here.fingerprint == wider.fingerprint
    assert len(here.fingerprint) == 8


def test_another_edit_has_another_fingerprint() -> None:
    edits = [verdict(*programs).fingerprint for programs in FAILS.values()]
    assert len(set(edits)) == len(edits)


def test_a_parameter_of_another_dtype_comes_before_the_casts_that_it_brings() -> None:
    def root(dtype: str) -> Program:
        def body_of(body: Body) -> Operand:
            body.leaves.append(("weight", f32(16, 16, dtype=dtype)))
            x = body.given("x", f32(2, 16))
            if dtype != "float32":
                x = body.op("_to_copy", x, out=f32(2, 16, dtype=dtype))
            return body.op("mm", x, leaf("weight"), out=f32(2, 16, dtype=dtype))

        return program(body_of)

    titles = [finding.title for finding in verdict(root("float32"), root("bfloat16")).failing]
    assert titles == [
        "weight f32[16,16] -> bf16[16,16]; 1 operation and the output follow",
        "+1 aten._to_copy (0 -> 1): downcast f32 -> bf16",
    ]


def test_a_constant_is_no_input() -> None:
    def root(dtype: str) -> Program:
        def body_of(body: Body) -> Operand:
            made = body.constant(f32(3, dtype=dtype))
            return body.op("exp", made, out=f32(3))

        return program(body_of)

    assert verdict(root("float32"), root("int64")).headline == "constant f32[3] -> i64[3]"


def test_a_dropped_operation_that_others_read_is_no_improvement() -> None:
    def root(*, activated: bool) -> Program:
        def body_of(body: Body) -> Operand:
            made = body.given("x", f32(4, 4))
            if activated:
                made = body.op("relu", made, out=f32(4, 4))
            return body.op("exp", made, out=f32(4, 4))

        return program(body_of)

    assert judge(compare(root(activated=True), root(activated=False))).status == "drift"


def test_an_operation_that_nothing_read_is_an_improvement_when_it_goes() -> None:
    def root(*, idle: bool) -> Program:
        def body_of(body: Body) -> Operand:
            x = body.given("x", f32(4, 4))
            if idle:
                body.op("relu", x, out=f32(4, 4))
            return body.op("exp", x, out=f32(4, 4))

        return program(body_of)

    assert judge(compare(root(idle=True), root(idle=False))).status == "improved"


def test_arguments_have_their_names() -> None:
    def root(eps: float) -> Program:
        def body_of(body: Body) -> Operand:
            x = body.given("x", f32(2, 16))
            return body.op("native_layer_norm", x, (16,), None, None, eps, out=f32(2, 16))

        return program(body_of)

    verdict = judge(compare(root(1e-5), root(1e-6)))
    assert verdict.headline == "aten.native_layer_norm: eps 1e-05 -> 1e-06 (1 operation)"


def test_another_overload_is_told_by_its_full_name() -> None:
    before, after = (one_op(name=name) for name in ("aten.fill.Tensor", "aten.fill.Scalar"))
    judged = verdict(before, after)
    assert judged.headline == "1 operation swapped: aten.fill.Tensor -> aten.fill.Scalar"
    assert group_text(judged.findings[0].groups[0]) == "fill.Tensor -> fill.Scalar of %x"


def test_a_peak_that_moved_with_other_operations_beneath_a_call_did_not_move_with_the_same_ops() -> None:
    flash, by_hand = attention(1, backend="_flash"), attention(1, backend="_math")
    judged = verdict(
        replace(flash, metrics=(("ops", 1), ("peak", 2**20))), replace(by_hand, metrics=(("ops", 8), ("peak", 2**19)))
    )
    assert judged.findings[0].kind == "memory"
    assert "same ops" not in judged.headline
