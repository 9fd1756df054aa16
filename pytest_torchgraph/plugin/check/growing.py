"""How a model grows, held to its budgets and to the file that was recorded of it."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.plugin.check import comparison
from pytest_torchgraph.plugin.check.failing import fail
from pytest_torchgraph.plugin.location import GROWTH
from pytest_torchgraph.plugin.session import events
from pytest_torchgraph.words.counting import times

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_torchgraph.analysis.scaling import Scaling
    from pytest_torchgraph.plugin.check.slot import Slot

MOST_LINES = 12
"""Lines that differ, as far as a report shows them."""


def check_growth(slot: Slot, scaling: Scaling, budget: Mapping[str, Any]) -> None:
    """Compare *scaling* with its file, or write that where it may be written; fail for what differs or is over."""
    __tracebackhide__ = True
    from pytest_torchgraph.report.budget import outline_of
    from pytest_torchgraph.verdict.order import check_orders

    item = slot.item
    over = check_orders(scaling, budget)
    texts = [comparison.shown(outline_of(over, test=slot.base.test), item.config)] if over else []
    texts += filter(None, [compared(slot, scaling)])
    if texts:
        fail(item, "\n\n".join(texts))


def compared(slot: Slot, scaling: Scaling) -> str:
    """The report of what differs; empty where nothing does, or the file was written."""
    from pytest_torchgraph.snapshot.scaling import write_scaling

    path = slot.base.path.with_suffix(GROWTH)
    label = slot.base.label.removesuffix(slot.base.path.suffix) + GROWTH
    text = write_scaling(scaling, test=slot.base.test)
    stored = path.read_text("utf-8") if path.is_file() else None
    if stored == text:
        events.note(slot.item, slot.base, "same")
        return ""
    does = slot.settings
    if does.updating or (stored is None and does.recording):
        write(path, text)
        events.note(slot.item, slot.base, "recorded" if stored is None else "updated", text="how it grows")
        return ""
    if stored is None:
        events.note(slot.item, slot.base, "missing", text="how it grows")
        return (
            f"torchgraph: {slot.base.test} has no record of how it grows\n"
            f"  {label} does not exist.\n  accept: {slot.accept}"
        )
    events.note(slot.item, slot.base, "drift", text="grows otherwise")
    return f"torchgraph: {slot.base.test} grows otherwise\n{changes(stored, text)}\n  accept: {slot.accept}"


def changes(before: str, after: str) -> str:
    """The lines that differ, orders before formulas: those are what a reviewer asks about first."""
    lines = [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[:1] in "+-"]
    ordered = [line for line in lines if " = " not in line] + [line for line in lines if " = " in line]
    more = len(ordered) - MOST_LINES
    shown = [f"  {line}" for line in ordered[:MOST_LINES]]
    return "\n".join([*shown, *([f"  and {times(more, 'line')} more"] if more > 0 else [])])


def require_unused(name: str | None, used: set[str]) -> None:
    """Raise ``ValueError`` for a *name* that an earlier call of the test has; *used* are those."""
    if name in used:
        raise ValueError(f"two calls of torch_graph.scaling have name={name!r}, and so one file: rename one.")


def write(path: Path, text: str) -> None:
    """Write the file, all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.part")
    beside.write_text(text, "utf-8", newline="\n")
    beside.replace(path)
