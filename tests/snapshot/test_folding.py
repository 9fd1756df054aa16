"""Folding shortens what repeats and loses nothing."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_torchgraph.snapshot.allowance import Allowance
from pytest_torchgraph.snapshot.folding import fold
from pytest_torchgraph.snapshot.tree import Node, lines_of, nodes_of
from pytest_torchgraph.snapshot.unfolding import unfold

relaxed = settings(deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))


def allowance() -> Allowance:
    """Enough for everything here."""
    return Allowance(100_000, 1_000_000)


WORDS = [
    "a: A",
    "layers.{}: L(%x)",
    "layers.{}: L(%layers.{})",
    "add(%add_{}, {})",
    "mul(%x[{},2], 0{})",
    "input p.{}.k f32[2]",
]
ODD = [
    "repeat ×3, i = 0-2",
    "... [0:2]",
    "\\x",
    "a.0-3: A ×4(%x)",
    "b: B as a",
    "b: B like a",
    "{{i}} | {i+1}",
    "f('x | y', %a | %b)",
    "x: {",
    "} as",
    "a: A as layers.0",
    "%a.{i}: A",
]


def lines() -> st.SearchStrategy[str]:
    """Lines of which many repeat with counting numbers, and some look folded."""
    numbers = st.integers(0, 4)
    counting = st.builds(lambda word, a, b: word.format(a, b), st.sampled_from(WORDS), numbers, numbers)
    anything = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), min_size=1).filter(
        lambda text: text[0] != " "
    )
    return st.one_of(counting, counting, counting, st.sampled_from(ODD), anything)


def trees() -> st.SearchStrategy[tuple[Node, ...]]:
    """Forests of such lines in which whole bodies repeat."""
    leaves = st.lists(st.builds(Node, lines()), max_size=8).map(tuple)

    def above(bodies: st.SearchStrategy[tuple[Node, ...]]) -> st.SearchStrategy[tuple[Node, ...]]:
        shared = st.lists(bodies, min_size=1, max_size=3)
        return shared.flatmap(
            lambda few: st.lists(st.builds(Node, lines(), st.sampled_from([(), *few])), max_size=10).map(tuple)
        )

    return st.recursive(leaves, above, max_leaves=20)


@relaxed
@given(trees())
def test_unfolding_gives_back_what_was_folded(nodes: tuple[Node, ...]) -> None:
    assert unfold(fold(nodes), allowance()) == nodes


@relaxed
@given(trees(), st.integers(2, 6), st.lists(st.tuples(st.integers(0, 50), lines()), max_size=2))
def test_unfolding_gives_back_layers_of_which_some_deviate(
    body: tuple[Node, ...], count: int, changes: list[tuple[int, str]]
) -> None:
    layers = [
        Node(f"layers.{index}: L(%x_{index})", (*body, Node("add(%a)"), Node("end(%b)"))) for index in range(count)
    ]
    for place, line in changes:
        index = place % count
        children = list(layers[index].children)
        children.insert(place % (len(children) + 1), Node(line))
        layers[index] = Node(layers[index].text, tuple(children))
    assert unfold(fold(tuple(layers)), allowance()) == tuple(layers)


@relaxed
@given(trees())
def test_a_folded_tree_is_never_longer(nodes: tuple[Node, ...]) -> None:
    assert len(lines_of(fold(nodes))) <= len(lines_of(nodes))


@relaxed
@given(trees())
def test_indented_lines_are_read_back_as_the_same_tree(nodes: tuple[Node, ...]) -> None:
    assert nodes_of(lines_of(nodes), 1, "x") == nodes


def folded(text: str) -> str:
    """*text* folded, after checking that it unfolds again."""
    nodes = nodes_of(text.strip("\n").split("\n"), 1, "x")
    assert unfold(fold(nodes), allowance()) == nodes
    return "\n".join(lines_of(fold(nodes)))


def test_layers_that_carry_a_value_are_one() -> None:
    text = "\n".join(f"layers.{i}: L(%{f'layers.{i - 1}' if i else 'x'}, %y.{i}.k)" for i in range(4))
    assert folded(text) == "layers.0-3: L ×4(%x | %layers.{i-1}, %y.{i}.k)"


def test_second_calls_count_from_two() -> None:
    body = "\n  a\n  b\n  c"
    calls = "\n".join(f"albert#{i}: A(%albert{f'#{i - 1}' if i > 2 else ''}){body}" for i in range(2, 13))
    assert folded(f"albert: A(%x){body}\n{calls}").splitlines()[-1] == (
        "albert#2-12: A ×11(%albert | %albert#{i-1}) as albert"
    )


def test_blocks_that_alternate_are_one_period() -> None:
    parts = []
    for i in range(4):
        before = f"%add_{2 * i - 1}" if i > 1 else "%add" if i == 0 else "%add_1"
        parts.append(
            f"layers.{2 * i}: Attention({before})\n  a\nadd(%layers.{2 * i})\nlayers.{2 * i + 1}: FeedForward\n  f"
        )
    lines = folded("\n".join(parts)).splitlines()
    assert lines[0] == "repeat ×4, i = 0-3"
    assert "  layers.{2i+1}: FeedForward" in lines
    assert len(lines) == 6


def test_a_body_that_stood_before_is_named() -> None:
    body = "\n  a\n  b\n  c"
    assert folded(f"x: A(%p){body}\nmul(%x)\ny: A(%x){body}").splitlines()[-1] == "y: A(%x) as x"


def test_a_short_body_and_one_of_another_class_are_written() -> None:
    assert "as x" not in folded("x: A\n  a\n  b\nmul(%x)\ny: A\n  a\n  b")
    assert "as x" not in folded("x: A\n  a\n  b\n  c\nmul(%x)\ny: B\n  a\n  b\n  c")


def test_a_deviating_body_costs_the_lines_in_which_it_deviates() -> None:
    body = [f"op{letter}(%x)" for letter in "abcdefgh"]
    other = [*body[:4], "clone(%x)", *body[4:]]
    text = "x: A\n  " + "\n  ".join(body) + "\nmul(%x)\ny: A\n  " + "\n  ".join(other)
    assert folded(text).splitlines()[-4:] == ["y: A like x", "  ... [0:4]", "  clone(%x)", "  ... [4:8]"]


def test_a_hundred_thousand_lines_fold_and_unfold() -> None:
    chance = random.Random(0)
    nodes = tuple(
        Node(f"{'abcdefgh'[chance.randrange(8)]}op(%x_{chance.randrange(i + 1)}, {i % 5}) f32[2,16]")
        for i in range(100_000)
    )
    assert unfold(fold(nodes), allowance()) == nodes
