"""Folding shortens what repeats and loses nothing."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_torchgraph.snapshot import repeats, slots
from pytest_torchgraph.snapshot.allowance import Allowance
from pytest_torchgraph.snapshot.folding import fold
from pytest_torchgraph.snapshot.tree import Node, lines_of, nodes_of
from pytest_torchgraph.snapshot.unfolding import unfold

relaxed = settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))


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


COUNTING = [
    "layer{a}: L(%x)",
    "{a}: L(%{b}, {b})",
    "call#{a}: L(%call#{b}, %y)",
    "add(%add_{a}, {b}) f32[1,{a}]",
    "mul(%x[:,{a}:{b}], 0.{a}, 1.5) f32[2]",
    "cat([{list}], 1) f32[{b}]",
    "cat([%y, {list}]) f32[{b}] f32[{b}]",
    "norm: N(%in{a})",
    "relu(%x) f32[2]",
    "input p.{a}.k f32[{b}]",
    "odd({{i}}, '|', ×{a})",
    "bernoulli_(%x, 0.{c})",
]


def counting(at: int, slope: int, offset: int) -> dict[str, object]:
    """What the words of a line are in repetition *at*."""
    listed = ", ".join(f"%in{index}" for index in range(abs(slope * at + offset) % 12 + 1))
    return {"a": abs(slope * at + offset), "b": at + offset, "c": at * at + 3, "list": listed}


def counted_tree(chance: random.Random, depth: int = 0) -> tuple[str, int, int, list[object]]:
    """A line that counts, and those beneath it."""
    beneath = [counted_tree(chance, depth + 1) for _ in range(chance.randrange(4))] if depth < 3 else []
    return chance.choice(COUNTING), chance.choice([0, 0, 1, 1, 2, -1]), chance.randrange(3), list(beneath)


def written_out(tree: tuple[str, int, int, list[object]], at: int, chance: random.Random) -> Node:
    text, slope, offset, beneath = tree
    words = counting(at if chance.random() < 0.995 else at + 1, slope, offset)
    return Node(text.format(**words), tuple([written_out(one, at, chance) for one in beneath]))  # type: ignore[arg-type]


@relaxed
@given(st.randoms(use_true_random=False))
def test_unfolding_gives_back_what_counts_throughout(chance: random.Random) -> None:
    period = [counted_tree(chance) for _ in range(chance.randint(1, 3))]
    before, after = [counted_tree(chance) for _ in range(chance.randrange(2))], [counted_tree(chance)]
    repeated = [written_out(one, at, chance) for at in range(chance.randint(3, 7)) for one in period]
    alone = [written_out(one, 0, chance) for one in before], [written_out(one, 0, chance) for one in after]
    nodes = (*alone[0], *repeated, *alone[1])
    within = (Node("outer: O(%x)", nodes), *(Node(f"outer#{call}: O(%x)", nodes) for call in (2, 3)), *nodes)
    assert unfold(fold(within), allowance()) == within


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
    assert folded(f"albert: A(%x){body}\n{calls}").splitlines() == [
        "repeat ×12, i = 1-12",
        "  albert{#i}: A(%x | %albert{#i-1})",
        *["    a", "    b", "    c"],
    ]


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


def test_bodies_that_differ_by_counting_sizes_are_one() -> None:
    layer = "layer{n}: L(%x)\n  cat(%in0) f32[1,{c}]\n  norm: N = norm(%cat, weight:f32[{c}])\n  relu(%norm) f32[1,{c}]"
    text = "\n".join(layer.format(n=n, c=8 + 4 * n) for n in range(1, 6))
    assert folded(text).splitlines() == [
        "repeat ×5, i = 1-5 throughout",
        "  layer{i}: L(%x)",
        "    cat(%in0) f32[1,{4i+8}]",
        "    norm: N = norm(%cat, weight:f32[{4i+8}])",
        "    relu(%norm) f32[1,{4i+8}]",
    ]


def test_two_bodies_are_no_counting() -> None:
    layer = "layer{n}: L(%x)\n  cat(%in0) f32[1,{c}]\n  a\n  b"
    assert "throughout" not in folded("\n".join(layer.format(n=n, c=8 + 4 * n) for n in range(2)))


def test_bodies_whose_sizes_follow_no_rule_are_written() -> None:
    layer = "layer{n}: L(%x)\n  cat(%in0) f32[1,{c}]\n  a\n  b"
    assert "throughout" not in folded("\n".join(layer.format(n=n, c=c) for n, c in enumerate([64, 128, 320, 640])))


def test_a_list_that_grows_with_every_repetition_says_so() -> None:
    layers = []
    for n in range(1, 7):
        listed = ", ".join(["%pool", *(f"%layer{k}" for k in range(1, n))])
        layers.append(
            f"layer{n}: L({listed})\n  cat([{', '.join(f'%in{k}' for k in range(n))}], 1) f32[{n},8]\n  a\n  b"
        )
    lines = folded("\n".join(layers)).splitlines()
    assert lines[:3] == [
        "repeat ×6, i = 1-6 throughout",
        "  layer{i}: L(%pool, {%layer{j+1} ×{i-1}})",
        "    cat([{%in{j} ×{i}}], 1) f32[{i},8]",
    ]


def test_a_constant_that_differs_by_layer_is_told_for_each() -> None:
    rates = ["0.99", "0.97", "0.9125", "0.9"]
    layer = "{n}: L(%x)\n  bernoulli_(%in0, {rate})\n  div_(%in0, {rate})\n  b"
    lines = folded("\n".join(layer.format(n=n, rate=rate) for n, rate in enumerate(rates))).splitlines()
    assert lines[2:4] == [
        "    bernoulli_(%in0, {0.99; 0.97; 0.9125; 0.9})",
        "    div_(%in0, {0.99; 0.97; 0.9125; 0.9})",
    ]


def test_the_digits_behind_the_point_do_not_count() -> None:
    text = "relu(%x)\nmul_(%a, 0.98)\ndiv_(%a, 0.5)\nrelu(%x)\nmul_(%a, 0.96)\ndiv_(%a, 0.5)"
    assert "{" not in folded(text)


def test_what_repeats_in_a_repetition_counts_with_another_letter() -> None:
    step = (
        "model#{n}: M(%x)\n  h.0: B(%in0)\n    cat(%in0) f32[{c}]\n    a\n  h.1: B(%h.0)\n    cat(%in0) f32[{c}]\n    a"
    )
    lines = folded("\n".join(step.format(n=n, c=n + 3) for n in range(2, 7))).splitlines()
    assert lines == [
        "repeat ×5, i = 2-6 throughout",
        "  model#{i}: M(%x)",
        "    h.0-1: B ×2(%in0 || %h.{j-1})",
        "      cat(%in0) f32[{i+3}]",
        "      a",
    ]


@pytest.mark.parametrize("name", ['"/"', "model", "/up.model", "phase backward"])
def test_bodies_are_named_within_what_counts_throughout(name: str) -> None:
    body = ["cat(%in0) f32[{c}]", *(f"{letter}(%x)" for letter in "abcdef")]
    first, second = ("\n".join(f"    {line}" for line in lines) for lines in (body, [*body, "g(%x)"]))
    step = f"{name}#{{n}}: M(%x)\n  x: A\n{first}\n  b(%y)\n  y: A\n{second}"
    lines = folded("\n".join(step.format(n=n, c=n * 2) for n in range(2, 7))).splitlines()
    assert lines[0] == "repeat ×5, i = 2-6 throughout"
    assert "    y: A like " in "\n".join(lines)


def test_three_points_make_a_line_and_two_do_not() -> None:
    levels = [(0, 12), (12, 24), (24, 27)]
    text = "\n".join(
        f"topk(%x[:,{a}:{b}], 2)\nadd(%topk{f'_{n}' if n else ''}, {a})" for n, (a, b) in enumerate(levels)
    )
    assert "{" not in folded(text)
    even = [(0, 12), (12, 24), (24, 36)]
    text = "\n".join(f"topk(%x[:,{a}:{b}], 2)\nadd(%topk{f'_{n}' if n else ''}, {a})" for n, (a, b) in enumerate(even))
    assert folded(text).splitlines() == [
        "repeat ×3, i = 0-2",
        "  topk(%x[:,{12i}:{12i+12}], 2)",
        "  add(%topk{_i}, {12i})",
    ]


def test_the_growth_of_an_operand_needs_a_third_witness() -> None:
    text = "layers.0: L(%x)\nlayers.1: L(%y[0:4])\nlayers.2: L(%y[4:8])"
    assert "[{" not in folded(text)
    assert folded(f"{text}\nlayers.3: L(%y[8:12])") == "layers.0-3: L ×4(%x | %y[{4i-4}:{4i}])"


def test_a_carried_loop_of_five_and_of_six_differ_in_how_often_they_repeat() -> None:
    def loop(count: int) -> list[str]:
        lines = []
        for step in range(count):
            carried = "%x" if not step else "%tanh" if step == 1 else f"%tanh_{step - 1}"
            weight = "w:f32[4,4]" if not step else "w"
            lines += [f"mm({carried}, {weight}) f32[2,4]", f"tanh(%mm{f'_{step}' if step else ''}) f32[2,4]"]
        return folded("\n".join(lines)).splitlines()

    assert loop(5) == [
        "repeat ×5, i = 0-4",
        "  mm(%x | %tanh{_i-1}, w{:f32[4,4]}) f32[2,4]",
        "  tanh(%mm{_i}) f32[2,4]",
    ]
    assert loop(6) == ["repeat ×6, i = 0-5", *loop(5)[1:]]


def test_outputs_that_count_behind_a_point_are_one_line() -> None:
    text = "return 1.0 = %stack\nreturn 1.1 = %stack_1"
    assert folded(text).splitlines() == ["repeat ×2, i = 0-1", "  return 1.{i} = %stack{_i}"]


def test_lines_of_unlike_fractions_are_never_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    cut: list[str] = []
    monkeypatch.setattr(slots, "split", cut.append)
    chance = random.Random(0)
    text = "\n".join(f"mul(%{chance.choice('ab')}_{at}, {chance.random()}) f32[2]" for at in range(200))
    assert folded(text) == text
    assert not cut


def test_modules_that_do_not_count_on_are_looked_at_as_often_as_there_are_periods(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[str] = []

    def nothing(_: object, first: str) -> list[object]:
        looked.append(first)
        return []

    monkeypatch.setattr(repeats, "named_counts", nothing)
    chance = random.Random(0)
    fold(tuple(Node(f"layers.{chance.randrange(10**6)}: L(%x_{at})") for at in range(200)))
    assert len(looked) <= 200 * repeats._CANDIDATES
