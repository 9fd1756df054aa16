"""What a report says, before it is lowered to a terminal, a page or a file."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.words.status import Outlined


@dataclass(frozen=True, slots=True)
class Row:
    """One edit at one place: the scope (repeated layers as ``layers.* ×32``), what was done, the source line.

    ``short`` says what was done in few words and ``word`` in one, ``+3 clone``; empty where *text* is as short.
    ``module`` is the path of the module, with ``*`` as in the scope, whichever phase and call it is.
    """

    scope: str
    text: str
    source: str = ""
    short: str = ""
    module: str = ""
    word: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One finding in full: its title, rows, likely cause, and further lines (operations before and after).

    ``note`` marks what never fails alone, ``in_cost`` what the line of costs says too. ``cause`` is the stable name of
    the likely cause, empty where none is known. ``change`` is the id that ``torchgraph accept --change`` takes, empty
    for what only follows from other changes.
    """

    title: str
    rows: tuple[Row, ...] = ()
    hint: str = ""
    lines: tuple[str, ...] = ()
    note: bool = False
    in_cost: bool = False
    cause: str = ""
    change: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A whole report.

    ``title`` is verdict and test; ``environment`` are differences between the recording's machine and this one;
    ``sections`` are ranked, the first being the one change that matters; ``cost`` is what it costs and where;
    ``alive`` says of each kind of value how many more or fewer are alive at the peak, the most bytes first; ``accept``
    is the command that takes it all as it is; ``changes`` are the ids of the changes, that of the first section first.
    ``brief`` are the lines beneath the title of a short report, cut once for every format.
    """

    status: Outlined
    title: str
    environment: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    cost: str = ""
    alive: tuple[str, ...] = ()
    accept: str = ""
    changes: tuple[str, ...] = ()
    brief: tuple[str, ...] = ()


def hint_text(hint: str, cause: str) -> str:
    """``a view is copied [extra-copy]``: the likely cause, and the name that the documentation has it under."""
    return f"{hint} [{cause}]" if hint and cause else hint


def ids_text(changes: Sequence[str]) -> str:
    """``3f2a91c0``, or ``3f2a91c0 and 2 more``; empty where there is none."""
    return f"{changes[0]}{more_text(changes)}" if changes else ""


def more_text(changes: Sequence[str]) -> str:
    """`` and 2 more``: how many there are beside the first."""
    return f" and {len(changes) - 1} more" if len(changes) > 1 else ""
