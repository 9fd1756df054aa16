from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import HealthCheck, given, settings

from pytest_torchgraph.canonical.alive import Place
from pytest_torchgraph.canonical.program import Inner, Operand, Program
from pytest_torchgraph.canonical.run import Run
from pytest_torchgraph.canonical.scope import ScopePath
from pytest_torchgraph.diff.change import (
    Added,
    Altered,
    LeafChanged,
    MetricChanged,
    Moved,
    OutputChanged,
    PeakMoved,
    Redeclared,
    Removed,
    Renamed,
    RunChanged,
)
from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.verdict.wording import field_text
from tests.diff.programs import Body, attention, f32, layers, leaf, mlp, program, read
from tests.snapshot.strategies import programs


def test_equal_graphs_have_no_difference() -> None:
    assert compare(layers(3), layers(3)).same


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(programs())
def test_any_graph_equals_itself_read_again(one: Program) -> None:
    assert compare(one, replace(one)).same


def test_an_operation_inserted_into_one_of_32_layers_is_found_in_that_layer_only() -> None:
    (change,) = compare(layers(32), layers(32, change=lambda n: {"extra": "clone"} if n == 17 else {})).changes
    assert isinstance(change, Added)
    assert (str(change.site.scope), change.site.name, change.site.reads[0].name) == (
        "layers.17",
        "aten.clone.default",
        "%mm",
    )


def test_an_operation_inserted_into_every_layer_is_found_in_every_layer() -> None:
    changes = compare(layers(32), layers(32, change=lambda _: {"extra": "clone"})).changes
    assert [str(change.site.scope) for change in changes if isinstance(change, Added)] == [
        f"layers.{n}" for n in range(32)
    ]
    assert len(changes) == 32


def test_a_removed_operation_is_one_removal() -> None:
    (change,) = compare(layers(4, change=lambda n: {"extra": "clone"} if n == 2 else {}), layers(4)).changes
    assert isinstance(change, Removed)
    assert str(change.site.scope) == "layers.2"


def test_a_swapped_activation_is_one_altered_operation() -> None:
    (change,) = compare(layers(1), layers(1, change=lambda _: {"act": "gelu"})).changes
    assert isinstance(change, Altered)
    assert [(field.kind, field.before, field.after) for field in change.fields] == [
        ("name", "aten.relu.default", "aten.gelu.default")
    ]


def test_a_renamed_list_of_layers_is_only_renamed() -> None:
    changes = compare(layers(3), layers(3, prefix="h")).changes
    assert changes == tuple(Renamed("scope", f"layers.{n}", f"h.{n}") for n in range(3))


def test_a_whole_layer_that_is_gone_is_one_change_with_its_operations() -> None:
    (change,) = compare(layers(4), layers(3)).changes
    assert isinstance(change, Removed)
    assert (change.site.name, change.operations) == ("layers.3", 3)


def test_a_layer_inserted_among_numbered_ones_renames_the_rest_instead_of_altering_it() -> None:
    def before(body: Body) -> Operand:
        x = body.given("x", f32(2, 16))
        for number, act in enumerate(("relu", "gelu", "tanh")):
            x = body.scope(str(number), "Mlp", x, of=lambda b, i, a=act: mlp(b, i, act=a))
        return x

    def after(body: Body) -> Operand:
        x = body.given("x", f32(2, 16))
        for number, act in enumerate(("relu", "sigmoid", "gelu", "tanh")):
            name = "Norm" if act == "sigmoid" else "Mlp"
            x = body.scope(str(number), name, x, of=lambda b, i, a=act: mlp(b, i, act=a))
        return x

    changes = compare(program(before), program(after)).changes
    assert [change for change in changes if isinstance(change, Renamed)] == [
        Renamed("scope", "1", "2"),
        Renamed("scope", "2", "3"),
    ]
    assert Counter(type(change) for change in changes) == {Added: 1, Renamed: 2}


def test_another_width_changes_the_parameters_and_what_follows_from_them() -> None:
    changes = compare(layers(1), layers(1, change=lambda _: {"width": 128})).changes
    assert [change.path for change in changes if isinstance(change, LeafChanged)] == [
        "layers.0.fc1.weight",
        "layers.0.fc2.weight",
    ]
    assert all(change.follows for change in changes if isinstance(change, Altered))


def chain(*names: str, dtype: str = "float32", stride: tuple[int, ...] | None = None) -> Program:
    """Operations one after another; the first makes *dtype* and *stride*, which the others keep."""

    def root(body: Body) -> Operand:
        x = body.given("x", f32(2, 16))
        for name in names:
            x = body.op(name, x, out=f32(2, 16, dtype=dtype, stride=stride))
        return x

    return program(root)


def test_another_dtype_is_altered_where_it_begins_and_followed_downstream() -> None:
    changes = [
        change
        for change in compare(chain("mm", "relu", "neg"), chain("mm", "relu", "neg", dtype="bfloat16")).changes
        if isinstance(change, Altered)
    ]
    assert [(change.after.name, change.follows) for change in changes] == [
        ("aten.mm.default", False),
        ("aten.relu.default", True),
        ("aten.neg.default", True),
    ]
    assert [field.name for field in changes[0].fields] == ["dtype"]


def test_another_stride_of_a_result_is_a_change_of_stride() -> None:
    (change, output) = compare(chain("mm"), chain("mm", stride=(1, 2))).changes
    assert isinstance(change, Altered)
    assert isinstance(output, OutputChanged)
    assert [(field.kind, field.before, field.after) for field in change.fields] == [("stride", (16, 1), (1, 2))]


def test_another_value_handed_to_the_caller_from_inside_a_layer_is_an_output_that_changed() -> None:
    def root(item: int) -> Program:
        return replace(layers(2), outputs=(("hidden", Operand(Inner((2, item)))),))

    (change,) = compare(root(0), root(1)).changes
    assert isinstance(change, OutputChanged)
    assert [value.name for value in (change.before, change.after) if value] == ["%layers.1>mm", "%layers.1>relu"]
    assert [value.spec for value in (change.before, change.after) if value] == [f32(2, 64), f32(2, 64)]


def test_a_value_handed_to_the_caller_is_the_same_behind_an_added_operation() -> None:
    def root(item: int, **change: str) -> Program:
        found = layers(1, change=lambda _: change)
        return replace(found, outputs=(("hidden", Operand(Inner((1, item)))),))

    changes = compare(root(1), root(2, extra="clone")).changes
    assert [type(change) for change in changes] == [Added]


def test_a_stride_that_no_kernel_can_see_is_only_bookkeeping() -> None:
    def root(stride: tuple[int, int]) -> Program:
        return program(lambda body: body.op("relu", body.given("x", f32(1, 16)), out=f32(1, 16, stride=stride)))

    assert compare(root((16, 1)), root((99, 1))).changes == (Redeclared(ScopePath()),)


def test_one_is_not_one_point_zero_and_not_true() -> None:
    def root(value: object) -> Program:
        return program(lambda body: body.op("mul", body.given("x", f32(2)), value, out=f32(2)))

    assert not compare(root(1), root(1.0)).same
    assert not compare(root(1), root(True)).same
    assert not compare(root(-1), root(-2)).same
    assert compare(root(float("nan")), root(float("nan"))).same


def test_an_operand_that_reads_another_value_is_reported() -> None:
    def root(which: int) -> Program:
        def body_of(body: Body) -> Operand:
            x = body.given("x", f32(2, 16))
            one, two = body.op("exp", x, out=f32(2, 16)), body.op("sin", x, out=f32(2, 16))
            return body.op("mul", one, (one, two)[which], out=f32(2, 16))

        return program(body_of)

    (change,) = compare(root(0), root(1)).changes
    assert isinstance(change, Altered)
    assert [(field.kind, field.name) for field in change.fields] == [("operand", "argument 1")]


def test_an_operand_read_through_another_geometry_is_reported() -> None:
    def root(transposed: bool) -> Program:
        def body_of(body: Body) -> Operand:
            x = body.given("x", f32(16, 16))
            operand = read(x, 16, 16, stride=(1, 16)) if transposed else x
            return body.op("exp", operand, out=f32(16, 16))

        return program(body_of)

    (change,) = compare(root(False), root(True)).changes
    assert isinstance(change, Altered)
    assert [field_text(field) for field in change.fields] == ["self %x f32[16,16] -> %x.T f32[16,16]"]


def test_another_parameter_is_a_change_of_leaf() -> None:
    def root(path: str) -> Program:
        return program(lambda body: body.op("mm", body.given("x", f32(2, 16)), leaf(path), out=f32(2, 16)))

    (change,) = compare(root("a.weight"), root("b.weight")).changes
    assert isinstance(change, Altered)
    assert change.fields[0].kind == "leaf"


def two_branches(*order: str) -> Program:
    def root(body: Body) -> Operand:
        x = body.given("x", f32(2, 16))
        made = {name: body.op(name, x, out=f32(2, 16)) for name in order}
        return body.op("add", made["exp"], made["sin"], out=f32(2, 16))

    return program(root)


def test_reordered_independent_operations_moved_and_nothing_else() -> None:
    (change,) = compare(two_branches("exp", "sin"), two_branches("sin", "exp")).changes
    assert isinstance(change, Moved)
    assert not change.writes


def write_and_read(*order: str) -> Program:
    def root(body: Body) -> Operand:
        x = body.given("x", f32(2, 16))
        made = {name: body.op(name, x, out=None if name == "relu_" else f32(2, 16)) for name in order}
        return body.op("add", made["cos"], made["sin"], out=f32(2, 16))

    return program(root)


def test_a_read_that_passed_a_write_of_the_same_value_is_no_independent_operation() -> None:
    (change,) = compare(write_and_read("sin", "relu_", "cos"), write_and_read("sin", "cos", "relu_")).changes
    assert isinstance(change, Moved)
    assert change.writes
    (change,) = compare(write_and_read("sin", "cos", "relu_"), write_and_read("cos", "sin", "relu_")).changes
    assert isinstance(change, Moved)
    assert not change.writes


def factors(*, exchanged: bool, name: str = "aten.mul.Tensor") -> Program:
    def root(body: Body) -> Operand:
        x, y = body.given("x", f32(2, 16)), body.given("y", f32(2, 16))
        return body.op(name, *((y, x) if exchanged else (x, y)), out=f32(2, 16))

    return program(root)


def test_factors_that_changed_places_are_another_spelling() -> None:
    (change,) = compare(factors(exchanged=False), factors(exchanged=True)).changes
    assert isinstance(change, Altered)
    assert {field.kind for field in change.fields} == {"spelling"}
    before, after = (factors(exchanged=one, name="aten.sub.Tensor") for one in (False, True))
    (change,) = compare(before, after).changes
    assert isinstance(change, Altered)
    assert "spelling" not in {field.kind for field in change.fields}


def test_a_mask_given_to_attention_is_one_altered_call() -> None:
    changes = compare(attention(2), attention(2, mask=True, is_causal=False)).changes
    calls = [
        change
        for change in changes
        if isinstance(change, Altered) and change.after.name == "scaled_dot_product_attention"
    ]
    assert [[field.name for field in change.fields] for change in calls] == [["attn_mask", "is_causal"]] * 2


def test_a_default_argument_of_attention_may_be_spelt_out() -> None:
    assert compare(attention(1), attention(1, dropout_p=0.0)).changes == (Redeclared(ScopePath()),)


def test_operations_beneath_an_attention_call_are_marked() -> None:
    (change,) = compare(attention(1), attention(1, backend="_math")).changes
    assert isinstance(change, Altered)
    assert change.after.beneath == "scaled_dot_product_attention"


def test_modes_metrics_and_the_place_of_the_peak_are_facts_of_their_own() -> None:
    before, after = layers(1, ops=3, peak=100), layers(1, ops=3, peak=120)
    after = replace(after, run=Run("eager", "train", "no_grad", "cpu"), peak_at=Place("mm", "layers.0"))
    assert compare(before, after).changes == (
        RunChanged("eval", "train"),
        MetricChanged("peak", 100, 120),
        PeakMoved(None, Place("mm", "layers.0")),
    )


def test_a_head_that_does_not_count_operations_is_compared_with_one_of_a_step() -> None:
    uncounted = layers(1, copies=0)
    step = replace(uncounted, metrics=(("forward.ops", 3), ("backward.ops", 2), ("ops", 5), ("copies", 0)))
    assert compare(uncounted, step).metrics_before == (("copies", 0),)


def test_another_input_shape_is_a_change_of_the_input() -> None:
    def root(batch: int) -> Program:
        return program(lambda body: body.op("relu", body.given("x", f32(batch, 16)), out=f32(batch, 16)))

    changes = compare(root(2), root(4)).changes
    assert [(type(change), getattr(change, "follows", None)) for change in changes] == [
        (Altered, False),
        (Altered, True),
        (OutputChanged, None),
    ]


def test_operations_moved_into_a_new_wrapper_only_moved() -> None:
    def flat(body: Body) -> Operand:
        x = body.given("x", f32(2, 16))
        return body.op("exp", body.op("sin", x, out=f32(2, 16)), out=f32(2, 16))

    def wrapped(body: Body) -> Operand:
        x = body.given("x", f32(2, 16))

        def inner(b: Body, i: Operand) -> None:
            b.op("exp", b.op("sin", i, out=f32(2, 16)), out=f32(2, 16))

        return body.scope("module", "Wrapper", x, of=inner)

    changes = compare(program(flat), program(wrapped)).changes
    assert [type(change) for change in changes] == [Moved, Moved]


def test_counts_look_up_operations_with_and_without_overload() -> None:
    difference = compare(layers(2), layers(2, change=lambda _: {"extra": "clone"}))
    assert difference.count("aten.clone") == difference.count("aten.clone.default") == (0, 2)


def test_what_reads_the_last_of_many_new_layers_did_not_change() -> None:
    def root(count: int) -> Program:
        def body_of(body: Body) -> Operand:
            x = body.given("x", f32(2, 16))
            for number in range(count):
                x = body.scope(f"layers.{number}", "Mlp", x, of=mlp)
            return body.op("exp", x, out=f32(2, 16))

        return program(body_of)

    assert {type(change) for change in compare(root(2), root(80)).changes} == {Added}


def test_a_parameter_under_another_name_is_a_rename() -> None:
    def root(name: str) -> Program:
        def body_of(body: Body) -> Operand:
            body.leaves = [(name, f32(16, 16))]
            return body.op("mm", body.given("x", f32(16, 16)), leaf(name), out=f32(16, 16))

        return program(body_of)

    assert compare(root("weight"), root("kernel")).changes == (Renamed("leaf", "weight", "kernel"),)


def test_an_operation_done_in_place_is_one_operation_swapped() -> None:
    def root(in_place: bool) -> Program:
        def body_of(body: Body) -> Operand:
            x = body.given("x", f32(16, 16))
            made = body.op("mm", x, x, out=f32(16, 16))
            active = body.op("relu_", made) if in_place else body.op("relu", made, out=f32(16, 16))
            return body.op("exp", made if in_place else active, out=f32(16, 16))

        return program(body_of)

    (change,) = compare(root(True), root(False)).changes
    assert isinstance(change, Altered)
    assert [(field.kind, field.before, field.after) for field in change.fields] == [
        ("name", "aten.relu_.default", "aten.relu.default")
    ]


def pooled(at: int) -> Program:
    """A head that is given one position of what a layer made."""

    def head(body: Body, x: Operand) -> None:
        body.op("exp", x, out=f32(2, 16))

    def root(body: Body) -> Operand:
        x = body.scope("layer", "Layer", body.given("x", f32(2, 8, 16)), of=layer_of_exp)
        return body.scope("head", "Head", read(x, 2, 16, stride=(128, 1), offset=16 * at), of=head)

    return program(root)


def layer_of_exp(body: Body, x: Operand) -> None:
    body.op("exp", x, out=f32(2, 8, 16))


def test_a_module_that_is_given_another_part_of_a_value_is_told() -> None:
    (change,) = compare(pooled(0), pooled(7)).changes
    assert isinstance(change, Altered)
    assert (change.follows, [(field.kind, field_text(field)) for field in change.fields]) == (
        False,
        [("part", "self %layer[:,0] f32[2,16] -> %layer[:,7] f32[2,16]")],
    )


def test_the_same_part_cut_within_the_module_or_before_it_is_no_change_of_work() -> None:
    def cut(*, within: bool) -> Program:
        def head(body: Body, x: Operand) -> None:
            body.op("exp", read(x, 2, 16, stride=(128, 1)) if within else x, out=f32(2, 16))

        def root(body: Body) -> Operand:
            x = body.scope("layer", "Layer", body.given("x", f32(2, 8, 16)), of=layer_of_exp)
            return body.scope("head", "Head", x if within else read(x, 2, 16, stride=(128, 1)), of=head)

        return program(root)

    assert compare(cut(within=True), cut(within=False)).changes == (Redeclared(ScopePath()),)
