"""What a person says is the same: those calls are compared, whatever they are called and wherever they stand."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_torchgraph.canonical.program import Operand, Program
from pytest_torchgraph.diff.change import Added, Altered, Called, Change, Moved, Removed, Renamed
from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.diff.same import SameUnreadable, parse_same, require_known
from tests.diff.programs import Body, f32, layers, leaf, mlp, program

PLACES = (Added, Removed, Moved, Called)


def rebuilt(
    name: str = "layers", child: str = "", *, renewed: bool = False, count: int = 2, **keywords: Any
) -> Program:
    """Layers of two heads each; *renewed* ones are so rebuilt that nothing tells that their head is the old one."""

    def head(body: Body, x: Operand) -> None:
        if renewed:
            body.leaves.append(("proj.weight", f32(16, 16)))
            hidden = body.op("clone", body.op("sin", x, out=f32(2, 16)), out=f32(2, 16))
            body.op("mm", body.op("relu", hidden, out=f32(2, 16)), leaf("proj.weight"), out=f32(2, 16))
        else:
            mlp(body, x, **keywords)

    def layer(body: Body, x: Operand) -> None:
        side = body.scope("side", "Mlp", x, of=mlp)
        new = body.scope(child or "head", "Fresh" if renewed else "Mlp", x, of=head)
        body.op("add", side, new, out=f32(2, 16))

    def root(body: Body) -> Operand:
        x = body.given("x", f32(2, 16))
        for number in range(count):
            x = body.scope(f"{name}.{number}", "Layer", x, of=layer)
        return x

    return program(root)


def wrapped(*, inside: bool, name: str, act: str = "relu") -> Program:
    """A module that is called by the model itself, or from within another module that works around it."""

    def around(body: Body, x: Operand) -> None:
        inner = body.scope(name, "Mlp", body.op("sin", x, out=f32(2, 16)), of=lambda b, i: mlp(b, i, act=act))
        body.op("cos", inner, out=f32(2, 16))

    def root(body: Body) -> Operand:
        x = body.given("x", f32(2, 16))
        if inside:
            return body.scope("wrap", "Wrap", x, of=around)
        return body.scope(name, "Mlp", x, of=lambda b, i: mlp(b, i, act=act))

    return program(root)


def whole_modules(changes: tuple[Change, ...], *, kinds: tuple[type, ...] = PLACES) -> list[str]:
    """Scopes that came, went or moved as a whole."""
    return [
        type(change).__name__
        for change in changes
        if isinstance(change, kinds) and getattr(change, "operations", 1) > 1
    ]


def renames(changes: tuple[Change, ...]) -> set[tuple[str, str]]:
    return {
        (change.before, change.after) for change in changes if isinstance(change, Renamed) and change.kind == "scope"
    }


def test_a_module_that_nothing_tells_is_compared_with_the_one_that_it_is_said_to_be() -> None:
    before, after = rebuilt(), rebuilt(child="tail", renewed=True)
    told = compare(before, after, {"layers.*.head": "layers.*.tail"}).changes
    assert renames(told) == {(f"layers.{n}.head", f"layers.{n}.tail") for n in range(2)}
    assert sorted(whole_modules(compare(before, after).changes)) == ["Added", "Added", "Removed", "Removed"]
    assert not whole_modules(told)
    added = [change.site.name for change in told if isinstance(change, Added)]
    assert added.count("aten.clone.default") == 2


def test_the_reverse_is_matched_like_the_edit() -> None:
    before, after = rebuilt(), rebuilt(child="tail", renewed=True)
    told = compare(after, before, {"layers.*.head": "layers.*.tail"}).changes
    assert renames(told) == {(f"layers.{n}.tail", f"layers.{n}.head") for n in range(2)}


def test_what_is_said_goes_before_the_likeness_of_others() -> None:
    def pair(first: str, second: str) -> Program:
        def root(body: Body) -> Operand:
            x = body.given("x", f32(2, 16))
            one = body.scope(first, "Mlp", x, of=mlp)
            two = body.scope(second, "Mlp", x, of=lambda b, i: mlp(b, i, act="gelu"))
            return body.op("add", one, two, out=f32(2, 16))

        return program(root)

    before, after = pair("a", "b"), pair("c", "d")
    assert renames(compare(before, after).changes) == {("a", "c"), ("b", "d")}
    told = compare(before, after, {"a": "d", "b": "c"}).changes
    assert renames(told) == {("a", "d"), ("b", "c")}
    assert any(isinstance(change, Altered) for change in told)


def test_a_module_that_stands_inside_another_now_is_compared_there() -> None:
    before, after = wrapped(inside=False, name="mlp"), wrapped(inside=True, name="body", act="gelu")
    same = {"mlp": "wrap.body"}
    told = compare(before, after, same).changes
    assert renames(told) == {("mlp", "wrap.body")}
    assert [change.after.name for change in told if isinstance(change, Altered)] == ["aten.gelu.default"]
    assert not whole_modules(told)


def test_a_list_of_layers_stands_for_its_layers() -> None:
    # The last layer does what the first did, and would be taken for it.
    before = layers(2, change=lambda n: {"act": "gelu"} if n else {})
    after = layers(3, prefix="blocks", change=lambda n: {"act": "relu" if n == 2 else "gelu"})
    told = compare(before, after, {"layers": "blocks"}).changes
    assert renames(told) == {(f"layers.{n}", f"blocks.{n}") for n in range(2)}
    assert [str(change.site.scope) for change in told if isinstance(change, Added)] == [""]
    assert [change.after.name for change in told if isinstance(change, Altered)] == ["aten.gelu.default"]


def test_equal_graphs_stay_equal_and_names_of_neither_pair_nothing() -> None:
    assert compare(layers(2), layers(2), {"layers.0": "layers.1"}).same
    after = layers(2, change=lambda _: {"act": "gelu"})
    assert compare(layers(2), after, {"encoder": "decoder"}) == compare(layers(2), after)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["a"], "expected 'OLD=NEW'"),
        (["a="], "expected 'OLD=NEW'"),
        (["=a"], "expected 'OLD=NEW'"),
        (["a=b", "a=c"], "'a' is said to be 'b' too"),
        (["a.*=b"], "both sides take as many '*'"),
    ],
)
def test_what_cannot_be_meant_is_refused(lines: list[str], words: str) -> None:
    with pytest.raises(SameUnreadable, match=words.replace("*", r"\*")):
        parse_same(lines)


def test_two_modules_are_not_one() -> None:
    with pytest.raises(SameUnreadable, match="one of the two is said to be another module as well"):
        compare(layers(2), layers(2, prefix="blocks"), {"layers.0": "blocks.0", "layers.1": "blocks.0"})


def test_a_name_that_neither_graph_has_is_refused_with_what_is_near() -> None:
    graphs = layers(2), layers(2, prefix="blocks")
    require_known({"layers.*": "blocks.*"}, graphs)
    require_known({"blocks": "layers"}, graphs)
    with pytest.raises(SameUnreadable, match=r"neither graph has a module 'block\.\*'; did you mean 'blocks\.\*'\?"):
        require_known({"layers.*": "block.*"}, graphs)
