"""Names and defaults of the arguments of API calls, so that a call means the same however it was written."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_torchgraph.graph.program import Argument, Semantic, Work

ATTENTION = "scaled_dot_product_attention"
ORDER: Mapping[str, tuple[str, ...]] = {
    ATTENTION: ("query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa"),
}
DEFAULTS: Mapping[str, Mapping[str, Argument]] = {
    ATTENTION: {"attn_mask": None, "dropout_p": 0.0, "is_causal": False, "scale": None, "enable_gqa": False},
}


def named_arguments(item: Work | Semantic) -> dict[str, Argument]:
    """Arguments by name: those of known API calls with defaults filled in, others as ``argument 0``, ``argument 1``."""
    order = ORDER.get(item.name, ()) if isinstance(item, Semantic) else ()
    found: dict[str, Argument] = dict(DEFAULTS.get(item.name, {})) if order else {}
    for position, argument in enumerate(item.arguments):
        found[order[position] if position < len(order) else f"argument {position}"] = argument
    found.update(item.keywords)
    return found
