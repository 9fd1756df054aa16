"""What the model returns under other names."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_torchgraph.diff.change import Change, OutputChanged, Value
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Seen

CALLERS = "the values are the same; whoever reads them by name or place must follow"


def renamed(seen: Seen) -> Iterator[Claim]:
    """Outputs that went and came again, the same values in the same order, under other names."""
    moved = [change for change in seen.changes if isinstance(change, OutputChanged)]
    went = [change for change in moved if change.after is None]
    came = [change for change in moved if change.before is None]
    left = [change for change in came if change.after in [each.before for each in went]]
    more_went = [change for change in went if change.before in [each.after for each in came]]
    if not left or [change.before for change in more_went] != [change.after for change in left]:
        return
    went, came = more_went, left
    pairs = [
        f"{old.path or 'the only one'} -> {new.path or 'the only one'}" for old, new in zip(went, came, strict=True)
    ]
    more = ", …" if len(pairs) > 3 else ""
    changes: tuple[Change, ...] = (*went, *came)
    yield Claim(Cause("renamed", CALLERS), "output", f"outputs renamed: {', '.join(pairs[:3])}{more}", changes)


def cast_or_not(seen: Seen) -> Iterator[Claim]:
    """Outputs that are handed out before a cast that is made as before, or behind it."""
    before, after = seen.difference.count(CAST)
    if before != after:
        return
    found = [change for change in seen.changes if isinstance(change, OutputChanged) and _cast(change)]
    for cast in (False, True):
        changes = [change for change in found if _is_cast(change.after) is cast]
        if not changes:
            continue
        place = "behind" if cast else "before"
        outputs = ", ".join(f"output {change.path}".rstrip() for change in changes[:3])
        title = f"{outputs}: handed out {place} the cast, which is made as before: {_dtypes(changes[0])}"
        yield Claim(
            Cause("output-cast", HOLDS) if cast else Cause("output-uncast", HOLDS), "output", title, (*changes,)
        )


CAST = "aten._to_copy"
HOLDS = "the caller holds what is cast, or the copy: as long as it does, both may be in memory"


def _cast(change: OutputChanged) -> bool:
    """Whether one side hands out what a cast made and the other what it is made of, as far as specs tell."""
    before, after = change.before, change.after
    if before is None or after is None or before.spec is None or after.spec is None:
        return False
    same = before.spec.shape == after.spec.shape and before.spec.dtype != after.spec.dtype
    return same and _is_cast(before) is not _is_cast(after)


def _is_cast(value: Value | None) -> bool:
    return value is not None and packet_of(value.maker) == CAST


def _dtypes(change: OutputChanged) -> str:
    return " -> ".join(value.spec.text for value in (change.before, change.after) if value and value.spec)
