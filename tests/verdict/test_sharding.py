"""Planted changes of sharded models, found and named whatever the number of ranks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_torchgraph import compare
from tests.verdict.sharded import gathered, gathering, in_halves, split, step

# Said of a function that PyTorch renamed.
pytestmark = pytest.mark.filterwarnings("ignore:.*all_gather_tensor_autograd.*:FutureWarning")

PLANTED: dict[str, tuple[Callable[[], Any], Callable[[], Any], str, str, str, str]] = {
    "reduction": (
        gathered,
        lambda: gathered(summed=True),
        "reduction",
        "reduction",
        "reduction avg -> sum in 4 operations between ranks",
        "backward",
    ),
    "group": (
        gathered,
        in_halves,
        "other-ranks",
        "other-ranks",
        "operations between ranks in another group: {size} ranks, group(0-{last}) -> {half} rank",
        "layers.*",
    ),
    "redistribution": (
        split,
        lambda: split(extra=True),
        "redistribution",
        "redistribution-removed",
        "+2 operations between ranks to redistribute S(2) -> R, as the code asks: ",
        "layers.1.up",
    ),
    "unsharded head, tensor parallel": (
        split,
        lambda: split(head=False),
        "unsharded",
        "sharded",
        "head is sharded no longer: each rank holds the parameters whole, {shard} -> 512.0 KiB",
        "head",
    ),
    "unsharded head, FSDP": (
        gathered,
        lambda: gathered(head=False),
        "unsharded",
        "sharded",
        "head is sharded no longer: each rank holds the parameters whole, {shard} -> 512.0 KiB",
        "head",
    ),
    "unsharded head and norm, FSDP": (
        lambda: gathered(normed=True),
        lambda: gathered(normed=True, head=False),
        "unsharded",
        "sharded",
        "head, norm are sharded no longer: each rank holds the parameters whole, ",
        "head",
    ),
    "gathered inside a checkpoint": (
        lambda: gathering(inside=False),
        lambda: gathering(inside=True),
        "gathered-again",
        "gathered-once",
        "parameters are gathered again in the backward pass: +3 operations between ranks, ",
        "*.out",
    ),
    "let go of after the forward pass": (
        lambda: gathered(again=False),
        gathered,
        "gathered-again",
        "gathered-once",
        "parameters are gathered again in the backward pass: +4 operations between ranks, ",
        "backward",
    ),
}


@pytest.mark.parametrize("size", [4, 256])
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_change_is_named_first_with_its_module_and_line(name: str, size: int) -> None:
    before, after, cause, opposite, title, module = PLANTED[name]
    graphs = step(before, size), step(after, size)
    forth, back = compare(*graphs), compare(*reversed(graphs))
    assert (forth.verdict.findings[0].cause, back.verdict.findings[0].cause) == (cause, opposite)
    shard = f"{512 / size:.1f} KiB"
    told = title.format(size=size, last=size - 1, half=size // 2, shard=shard)
    assert told in forth.verdict.findings[0].title
    text = str(forth)
    assert module in text
    assert "sharded.py:" in text
    assert "sharded.py:" in str(back)


@pytest.mark.parametrize("size", [4, 256])
def test_a_sharded_model_that_stays_the_same_is_told_so(size: int) -> None:
    for build in (gathered, split):
        assert compare(step(build, size), step(build, size)).verdict.findings == ()
