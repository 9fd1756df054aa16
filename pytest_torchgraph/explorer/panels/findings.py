"""What changed from the graph before to the graph after, as a report tells it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_torchgraph.explorer.block import Block, Heading, Line, Role, line
from pytest_torchgraph.explorer.panels.chosen import Chosen
from pytest_torchgraph.report.brief import row_text
from pytest_torchgraph.report.outline import hint_text
from pytest_torchgraph.words.counting import times

if TYPE_CHECKING:
    from pytest_torchgraph.explorer.subject import Subject
    from pytest_torchgraph.report.outline import Outline, Section

STATUS: dict[str, Role] = {"same": "good", "note": "warn", "improved": "good", "drift": "bad", "budget": "bad"}
ROWS = 40


def blocks(subject: Subject, chosen: Chosen) -> tuple[Block, ...]:
    """The panel."""
    if subject.comparison is None:
        text = "Only one graph is open. Open two: torchgraph explore BEFORE AFTER."
        return (line((text, "faint")),)
    outline = subject.comparison.outline(subject.title)
    return tuple(told(outline, chosen))


def told(outline: Outline, chosen: Chosen) -> Iterator[Block]:
    """Everything that changed, that of the chosen module first."""
    yield line((outline.title, STATUS[outline.status]))
    yield from (line((each, "faint")) for each in outline.environment)
    if outline.cost:
        yield line(outline.cost)
    yield from (line(f"at the peak, {each}") for each in outline.alive)
    path = chosen.first.path
    here = [one for one in outline.sections if path and concerns(one, chosen)]
    others = [one for one in outline.sections if one not in here]
    if here:
        yield Heading(f"in {path}", times(len(here), "finding"))
        for section in here:
            yield from lines(section)
    if others:
        yield Heading("elsewhere" if here else "findings", times(len(others), "finding"))
        for section in others:
            yield from lines(section)


def concerns(section: Section, chosen: Chosen) -> bool:
    """Whether a row of *section* is about a chosen module, or what is inside."""
    paths = [module.path for module in chosen.modules]
    return any(meets(row.module, path) for row in section.rows for path in paths)


def meets(scope: str, path: str) -> bool:
    """Whether *scope*, in which ``*`` is any index, is *path* or lies in it."""
    parts, wanted = scope.split("."), path.split(".")
    return len(parts) >= len(wanted) and all(one in ("*", other) for one, other in zip(parts, wanted, strict=False))


def lines(section: Section) -> Iterator[Line]:
    """One finding in full."""
    name: Role = "faint" if section.note else "warn"
    change = "note: " if section.note else f"change {section.change}: " if section.change else ""
    yield line((change, "faint"), (section.title, name), indent=2)
    for row in section.rows[:ROWS]:
        yield line("  ", (row_text(row), ""), indent=6)
    if len(section.rows) > ROWS:
        yield line((f"  and {len(section.rows) - ROWS} more places", "faint"))
    if section.hint:
        yield line(("  hint: ", "accent"), (hint_text(section.hint, section.cause), ""), indent=8)
    for text in section.lines:
        sign = text.lstrip()[:1]
        role: Role = "good" if sign == "+" else "bad" if sign == "-" else "faint"
        yield line((f"    {text}", role), indent=8)
