"""Names and defaults of arguments, so that a call means the same however it was written."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pytest_torchgraph.canonical.program import Argument, Semantic, Work
from pytest_torchgraph.recorded.operation import packet_of

ATTENTION = "scaled_dot_product_attention"
TABLE = Path(__file__).with_name("signatures.txt")
"""Arguments of the operations of ``aten``, one operation a line: ``gelu.default self approximate='none'``.

PyTorch 2.13's own schemas, kept beside the code because comparing files must not load PyTorch.
"""


class Signature(NamedTuple):
    """Names of the arguments in order, and the defaults of those that have one."""

    order: tuple[str, ...] = ()
    defaults: Mapping[str, Argument] = {}


CALLS: Mapping[str, Signature] = {
    ATTENTION: Signature(
        ("query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa"),
        {"attn_mask": None, "dropout_p": 0.0, "is_causal": False, "scale": None, "enable_gqa": False},
    ),
}

SOURCE, DESTINATION = "source rank", "destination rank"
"""What ``root_rank``, ``src`` and ``dst`` of a collective are."""
COLLECTIVES: Mapping[str, Signature] = {
    "c10d.broadcast_": Signature(("tensors", "group", SOURCE)),
    "c10d.reduce_": Signature(("tensors", "group", "reduction", DESTINATION)),
    "c10d.gather_": Signature(("outputs", "inputs", "group", DESTINATION)),
    "c10d.scatter_": Signature(("outputs", "inputs", "group", SOURCE)),
    "c10d.send": Signature(("tensors", "group", DESTINATION, "tag")),
    "c10d.recv_": Signature(("tensors", "group", SOURCE, "tag")),
    "_c10d_functional.broadcast": Signature(("input", SOURCE, "group")),
    "_c10d_functional.broadcast_": Signature(("input", SOURCE, "group")),
    "_c10d_functional.isend": Signature(("tensor", DESTINATION, "tag", "group")),
    "_c10d_functional.irecv": Signature(("tensor", SOURCE, "tag", "group")),
}
"""The first arguments of the collectives that have a rank among them, as PyTorch 2.13 has them."""


def signature_of(item: Work | Semantic) -> Signature:
    """The signature of the operation or API call; empty where it is not known."""
    if isinstance(item, Semantic):
        return CALLS.get(item.name, Signature())
    namespace, _, name = item.name.partition(".")
    if namespace != "aten":
        return COLLECTIVES.get(packet_of(item.name), Signature())
    return _signature(name)


@cache
def _signature(name: str) -> Signature:
    parts = [part.partition("=") for part in _lines().get(name, "").split()]
    defaults = {argument: _value(ast.literal_eval(text)) for argument, equals, text in parts if equals}
    return Signature(tuple(argument for argument, _, _ in parts), defaults)


@cache
def _lines() -> dict[str, str]:
    lines = (line.partition(" ") for line in TABLE.read_text(encoding="utf-8").splitlines())
    return {name: arguments for name, _, arguments in lines}


def _value(value: object) -> Argument:
    return tuple(map(_value, value)) if isinstance(value, list) else value  # type: ignore[return-value]


def named_arguments(item: Work | Semantic) -> dict[str, Argument]:
    """The arguments given, by name; of operations that are not known ``argument 0``, ``argument 1``."""
    order = signature_of(item).order
    found: dict[str, Argument] = {}
    for position, argument in enumerate(item.arguments):
        found[order[position] if position < len(order) else f"argument {position}"] = argument
    found.update(item.keywords)
    return found
