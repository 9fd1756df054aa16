"""Numbers and names as the explorer writes them."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_torchgraph.analysis.cost import BINARY, STEPS, scaled
from pytest_torchgraph.analysis.tally import Total

BARS = " ▏▎▍▌▋▊▉█"


def format_shape(shape: Iterable[int] | None) -> str:
    """``3×224×224``; empty for a scalar."""
    return "×".join(str(size) for size in shape) if shape else ""


def format_param_count(count: int) -> str:
    """``999``, ``1.7K``, ``25.6M``, ``5.4B``."""
    for step, unit in ((1_000_000_000, "B"), (1_000_000, "M"), (1000, "K")):
        if count >= step:
            return f"{count / step:.1f}{unit}"
    return f"{count}"


def format_time(seconds: float) -> str:
    """``850.0ns``, ``12.30μs``, ``1.23ms``, ``1.2346s``, ``12.35s``, ``2.5min``, ``1.1h``."""
    for limit, factor, form, unit in (
        (1e-6, 1e9, ".1f", "ns"),
        (1e-3, 1e6, ".2f", "μs"),
        (1.0, 1e3, ".2f", "ms"),
        (10.0, 1.0, ".4f", "s"),
        (60.0, 1.0, ".2f", "s"),
        (3600.0, 1 / 60.0, ".1f", "min"),
    ):
        if seconds < limit:
            value = seconds / 60.0 if unit == "min" else seconds * factor
            return f"{value:{form}}{unit}"
    return f"{seconds / 60.0 / 60.0:.1f}h"


def count_text(total: Total) -> str:
    """A number of parameters: ``25.6M``, ``≥25.6M``, ``?`` where nothing is known."""
    if total.unknown and not total.at_least:
        return "?"
    return f"{'≥' if total.unknown else ''}{format_param_count(total.at_least)}"


def bytes_text(count: int | Total | None) -> str:
    """``1.3 MiB``; ``?`` where it is not known."""
    if count is None:
        return "?"
    return scaled(count if isinstance(count, Total) else Total(count), BINARY, 1024)


def flops_text(count: int | Total | None) -> str:
    """``1.3 GFLOPs``; ``?`` where it is not known."""
    if count is None:
        return "?"
    text = scaled(count if isinstance(count, Total) else Total(count), STEPS, 1000)
    return f"{text} FLOPs" if text[-1].isdigit() or text == "?" else f"{text}FLOPs"


def time_text(seconds: float | None) -> str:
    """``1.23ms``; ``?`` where it is not known."""
    return "?" if seconds is None else format_time(seconds)


def share_text(share: float | None) -> str:
    """``12 %``, ``<1 %``; ``?`` where it is not known."""
    if share is None:
        return "?"
    return "<1 %" if 0 < share < 0.01 else f"{share:.0%}".replace("%", " %")


def bar(share: float, width: int) -> str:
    """*share* of *width* columns, in eighths of a column; something is seen of everything that is not nothing."""
    eighths = round(max(0.0, min(share, 1.0)) * width * 8)
    eighths = max(eighths, 1) if share > 0 else eighths
    full, rest = divmod(eighths, 8)
    return ("█" * full + (BARS[rest] if rest else "")).ljust(width)
