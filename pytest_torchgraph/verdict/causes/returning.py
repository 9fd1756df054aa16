"""What the model returns under other names."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_torchgraph.diff.change import Change, OutputChanged
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Seen

CALLERS = "the values are the same; whoever reads them by name or place must follow"


def renamed(seen: Seen) -> Iterator[Claim]:
    """Outputs that went and came again, the same values in the same order, under other names."""
    moved = [change for change in seen.changes if isinstance(change, OutputChanged)]
    went = [change for change in moved if change.after is None]
    came = [change for change in moved if change.before is None]
    if not went or [change.before for change in went] != [change.after for change in came]:
        return
    pairs = [
        f"{old.path or 'the only one'} -> {new.path or 'the only one'}" for old, new in zip(went, came, strict=True)
    ]
    more = ", …" if len(pairs) > 3 else ""
    changes: tuple[Change, ...] = (*went, *came)
    yield Claim(Cause("renamed", CALLERS), "output", f"outputs renamed: {', '.join(pairs[:3])}{more}", changes)
