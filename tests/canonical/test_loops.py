"""Work that a phase does for each parameter: written once, and written out again to what it was."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_torchgraph.canonical.parameter_loops import gathered
from pytest_torchgraph.canonical.program import (
    Argument,
    Item,
    Leaf,
    ModuleCall,
    Operand,
    Outcome,
    ParameterLoop,
    PhaseBlock,
    Reading,
    Result,
    Saved,
    Work,
)
from pytest_torchgraph.canonical.unrolled_loops import scattered
from pytest_torchgraph.recorded.tensor import Geometry
from tests.diff.programs import f32

PARAMETERS = {"a": f32(2, 3), "b": f32(4), "c": f32(5, 5)}
BUFFERS = {"scale": f32(1)}
SCALAR = f32()


def leaf(path: str) -> Operand:
    return Operand(Leaf(path))


def leaves(key: str = "", names: str = "abc") -> tuple[Operand, ...]:
    return tuple(leaf(f"{name}.{key}" if key else name) for name in names)


def result(item: int, position: int = 0) -> Operand:
    return Operand(Result(item, position))


def work(
    name: str,
    *arguments: Argument,
    out: Sequence[Outcome] = (),
    becomes: tuple[tuple[int, str], ...] = (),
    **keywords: Argument,
) -> Work:
    return Work(f"aten.{name}.default", arguments, tuple(keywords.items()), tuple(out), becomes)


def phase(items: Sequence[Item], exports: tuple[Result, ...] = ()) -> PhaseBlock:
    specs = {**PARAMETERS, **{f"{name}.{key}": spec for name, spec in PARAMETERS.items() for key in ("grad", "step")}}
    leaves = tuple({**specs, **BUFFERS}.items())
    return PhaseBlock(name="optimizer", class_name="Sgd", leaves=leaves, items=tuple(items), exports=exports)


def loops(items: Sequence[Item], exports: tuple[Result, ...] = ()) -> list[str]:
    """What the loops are, after it was checked that written out again they are *items*."""
    block = phase(items, exports)
    found = gathered(block, PARAMETERS)
    root = ModuleCall(name="", class_name="Model", leaves=(*PARAMETERS.items(), *BUFFERS.items()), items=(found,))
    (again,) = scattered(root).items
    assert isinstance(again, PhaseBlock)
    assert again.items == block.items
    assert again.exports == exports
    return [
        f"{one.name} {' '.join(one.parameters)}" if isinstance(one, ParameterLoop) else one.name.split(".")[1]
        for one in found.items
    ]


def each(*names: str, of: str = "abc") -> list[Work]:
    """One operation of each of *names*, all for one parameter after those for the other."""
    return [work(name, leaf(parameter), leaf(f"{parameter}.grad")) for parameter in of for name in names]


def each_with(name: str, of: str = "abc", /, *, start: int = 0) -> list[Work]:
    """For each parameter, one operation that makes a value and one that reads it."""
    made = [
        (
            work("mul", leaf(parameter), out=[PARAMETERS[parameter]]),
            work(name, leaf(parameter), result(start + 2 * place)),
        )
        for place, parameter in enumerate(of)
    ]
    return [one for pair in made for one in pair]


def test_what_is_done_alike_for_each_parameter_is_one_loop() -> None:
    assert loops(each("mul_", "add_")) == ["each a b c"]
    assert loops(each_with("add_")) == ["each a b c"]
    assert loops([*each("mul_"), work("mul_", leaf("scale"), 2), *each("add_")]) == ["each a b c", "mul_", "each a b c"]


def test_what_is_done_otherwise_for_one_parameter_is_a_loop_of_its_own() -> None:
    assert loops([*each("mul_", of="a"), *each("add_", of="bc")]) == ["each a", "each b c"]


def test_what_is_done_for_all_parameters_at_once_is_one_operation() -> None:
    assert loops([work("_foreach_add_", leaves(), leaves("grad"), 0.5)]) == ["all a b c"]
    made = work("_foreach_mul", leaves("grad"), 0.5, out=tuple(PARAMETERS.values()))
    read = work("_foreach_add_", leaves(), tuple(result(0, place) for place in range(3)))
    assert loops([made, read]) == ["all a b c"]


def test_a_value_that_is_handed_out_of_a_turn_keeps_all_as_it_is() -> None:
    items = each_with("add_")
    assert loops(items, (Result(2),)) == [one.name.split(".")[1] for one in items]
    assert loops([NORMS], (Result(0, 1),)) == ["_foreach_norm"]


def test_values_of_all_that_are_read_in_another_order_are_told_one_by_one() -> None:
    made = work("_foreach_mul", leaves("grad"), 0.5, out=tuple(PARAMETERS.values()))
    for order in ((1, 0, 2), (0, 2, 1), (0, 0, 0)):
        values = tuple(result(0, place) for place in order)
        assert loops([made, work("_foreach_add_", leaves(), values)]) == ["_foreach_mul", "_foreach_add_"]
        assert loops([made, work("_foreach_add_", leaves(), other=values)]) == ["_foreach_mul", "_foreach_add_"]
    assert loops([made, work("_foreach_add_", leaves(), result(0, 1))]) == ["_foreach_mul", "_foreach_add_"]


def test_what_becomes_the_state_of_each_parameter_is_told_in_the_loop() -> None:
    own = [work("zeros_like", leaf(name), out=[PARAMETERS[name]], becomes=((0, f"{name}.step"),)) for name in "abc"]
    assert loops(own) == ["each a b c"]
    places = tuple((place, f"{name}.step") for place, name in enumerate("abc"))
    whole = work("_foreach_zero", leaves(), out=tuple(PARAMETERS.values()), becomes=places)
    assert loops([whole]) == ["all a b c"]
    for wrong in (places[:2], tuple((2 - place, path) for place, path in places), ((0, "scale"), *places[1:])):
        other = work("_foreach_zero", leaves(), out=tuple(PARAMETERS.values()), becomes=wrong)
        assert loops([other]) == ["_foreach_zero"]


def view(operand: Operand, *shape: int, offset: int = 0) -> Operand:
    return Operand(operand.reference, Reading(Geometry(shape, tuple(1 for _ in shape), offset)))


NORMS = work("_foreach_norm", leaves(), out=[SCALAR] * 3)
READ_LATER = [
    pytest.param(
        [*each_with("add_"), work("dot", result(0), result(2), out=[SCALAR])],
        id="values of the turns are read after it",
    ),
    pytest.param([NORMS, work("dot", result(0, 1), result(0, 2), out=[SCALAR])], id="values of all are read after it"),
    pytest.param([NORMS, work("dot", result(0), result(0, 1), out=[SCALAR])], id="the first of them is read after it"),
]
NOT_ALIKE = [
    pytest.param(
        [work("_foreach_mul_", leaves(), (0.1, 0.2, 0.3))], id="a number of a list is another for each parameter"
    ),
    pytest.param([work("_foreach_mul_", leaves(), (1, 1.0, True))], id="a number of a list is of another type"),
    pytest.param(
        [work("mul", leaf(name), Operand(Saved(0, (), 0)), out=[PARAMETERS[name]]) for name in "abc"],
        id="a value of the forward pass is read",
    ),
    pytest.param([work("mul_", leaf(name), leaf("scale")) for name in "abc"], id="a buffer is read"),
    pytest.param(
        [work("_foreach_addcmul_", leaves(), leaves("grad"), (leaf("scale"),) * 3)], id="a list of buffers is read"
    ),
    pytest.param(
        [
            one
            for place, name in enumerate("abc")
            for one in (
                work("mul", leaf(name), out=[PARAMETERS[name]]),
                work("add_", leaf(name), view(result(2 * place), 1)),
            )
        ],
        id="a value of the turn is read through a view",
    ),
    pytest.param(
        [work("mul_", Operand(Leaf(name), Reading(Geometry((1,), (1,), 1)))) for name in "abc"],
        id="a parameter is read from behind its start",
    ),
    pytest.param(
        [one for name in "abc" for one in (work("mul_", leaf(name)), work("add_", view(leaf(name), 2)))],
        id="a part of a parameter is read, and all of it",
    ),
    pytest.param([work("split", leaf(name), out=[(SCALAR, SCALAR)]) for name in "abc"], id="a list of values is made"),
    pytest.param([work("_foreach_max", leaves(), out=[SCALAR, f32(2), SCALAR])], id="the values of all are not alike"),
    pytest.param([work("_fused", leaves(), out=[SCALAR, SCALAR])], id="all make two values"),
]


@pytest.mark.parametrize("items", [*READ_LATER, *NOT_ALIKE])
def test_what_no_loop_can_tell_is_kept_as_it_is(items: list[Work]) -> None:
    assert not any(" " in told for told in loops(items))


def test_the_value_of_what_is_done_for_all_is_read_after_it() -> None:
    norm = work("_fused_norm", leaves(), out=[SCALAR])
    assert loops([norm, work("sqrt", result(0), out=[SCALAR])]) == ["all a b c", "sqrt"]
    assert loops([norm], (Result(0),)) == ["all a b c"]


def test_what_stands_alone_in_a_loop_is_kept_beside_it() -> None:
    odd = work("mul_", leaf("a"), leaf("scale"))
    assert loops([*each("add_", of="b"), *each("add_", of="c"), odd]) == ["each b c", "mul_"]
