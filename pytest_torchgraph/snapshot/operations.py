"""Operation names: ``aten.`` and the usual overload are left out, and every name can be had back."""

from __future__ import annotations

import re
from functools import lru_cache

from pytest_torchgraph.canonical.naming import SHORT_CALLS
from pytest_torchgraph.words.quoting import QUOTED, quote, unquote

# Packets whose usual overload is not `default`. A part of the format: never read from torch.
_PACKETS_BY_OVERLOAD = {
    "Tensor": """
        __and__ __iand__ __ilshift__ __ior__ __irshift__ __ixor__ __lshift__ __or__ __rshift__ __xor__ _add_relu
        _add_relu_ _unsafe_index add add_ bernoulli_ bitwise_and bitwise_and_ bitwise_left_shift
        bitwise_left_shift_ bitwise_or bitwise_or_ bitwise_right_shift bitwise_right_shift_ bitwise_xor
        bitwise_xor_ bucketize copysign copysign_ div div_ divide divide_ eq eq_ fill fill_ floor_divide_ fmod
        fmod_ ge ge_ greater greater_ greater_equal greater_equal_ gt gt_ index ldexp le le_ less less_
        less_equal less_equal_ lt lt_ masked_fill masked_fill_ mul mul_ multiply multiply_ ne ne_ not_equal
        not_equal_ remainder remainder_ repeat_interleave rsub searchsorted slice slice_copy split split_copy
        sub sub_ subtract subtract_ true_divide true_divide_ unsafe_split xlogy xlogy_
    """,
    "int": """
        select select_copy transpose transpose_copy unbind unbind_copy softmax log_softmax
    """,
    "Scalar": """
        lerp lerp_ pow_ float_power_
    """,
    "self": """
        where
    """,
    "Tensor_Scalar": """
        pow float_power
    """,
    "src": """
        scatter scatter_
    """,
    "memory_format": """
        empty
    """,
    "Tensor_Tensor": """
        isin
    """,
    "two": """
        scatter_reduce scatter_reduce_
    """,
}
USUAL_OVERLOADS = {packet: overload for overload, packets in _PACKETS_BY_OVERLOAD.items() for packet in packets.split()}

OPERATION = rf"@{QUOTED}|\w+(?:\.\w+)*"
_SEMANTIC_LONG = {short: long for long, short in SHORT_CALLS.items()}
_is_dotted = re.compile(r"\w+(?:\.\w+)*", re.ASCII).fullmatch


@lru_cache(maxsize=4096)
def operation_text(name: str) -> str:
    """``aten.add.Tensor`` is ``add``, ``aten.add.Scalar`` is ``add.Scalar``, any other namespace stays."""
    parts = name.split(".")
    if len(parts) < 3 or not _is_dotted(name):
        return "@" + quote(name)
    if parts[0] != "aten" or len(parts) != 3:
        return name
    _, packet, overload = parts
    return packet if overload == USUAL_OVERLOADS.get(packet, "default") else f"{packet}.{overload}"


@lru_cache(maxsize=4096)
def operation_of(text: str) -> str:
    """The full name that :func:`operation_text` wrote."""
    if text.startswith("@"):
        return unquote(text[1:])
    dots = text.count(".")
    if dots > 1:
        return text
    return f"aten.{text}" if dots else f"aten.{text}.{USUAL_OVERLOADS.get(text, 'default')}"


def semantic_text(name: str) -> str:
    """The name of an API call; ``scaled_dot_product_attention`` is ``sdpa``."""
    if name in _SEMANTIC_LONG or not _is_dotted(name):
        return "@" + quote(name)
    return SHORT_CALLS.get(name, name)


def semantic_of(text: str) -> str:
    """The name that :func:`semantic_text` wrote."""
    return unquote(text[1:]) if text.startswith("@") else _SEMANTIC_LONG.get(text, text)
