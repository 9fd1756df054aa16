"""Values that the host reads from the device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_torchgraph.canonical.program import Work
from pytest_torchgraph.diff.change import Altered, Change, Value
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Come, Seen, is_work, module_of, named_places, packet
from pytest_torchgraph.verdict.title import counts_text, times_done
from pytest_torchgraph.words.counting import listed, times

HINTS = {
    "aten._local_scalar_dense": "a tensor is used as a number or bool (.item(), `if tensor:`)",
    "aten.is_nonzero": "a tensor is used as a Python bool",
    "aten.equal": "torch.equal answers a Python bool",
    "aten.index": "its size depends on the data (a mask as an index)",
    "aten.index_put": "how much is written depends on the data (a mask as an index)",
    "aten.index_put_": "how much is written depends on the data (a mask as an index)",
    "aten.nonzero": "its size depends on the data (nonzero, where, a mask as index)",
    "aten.masked_select": "its size depends on the data (masked_select, a mask as index)",
}
COUNTED = "tensors are read by the host (.item(), `if tensor:`, nonzero)"
WAITS = "on CUDA the host waits"


def sync(seen: Seen) -> Iterator[Claim]:
    """Syncs that came or went, with the operations that are there for nothing else."""
    came = _syncs([*seen.added, *seen.added_within])
    went = _syncs([*seen.removed, *seen.removed_within])
    if came and went:
        yield _both(seen, came, went)
        return
    for changes, found, more in ((seen.added, came, True), (seen.removed, went, False)):
        if found:
            yield _claim(seen, found, _feeding(changes), more=more)


def asked_otherwise(seen: Seen) -> Iterator[Claim]:
    """What nothing but the host reads is computed by other operations, in the modules where it was computed before."""
    sides = [[change for change in side if change.for_host and is_work(change)] for side in (seen.added, seen.removed)]
    modules = {module_of(change) for change in sides[0]} & {module_of(change) for change in sides[1]}
    came, went = ([change for change in side if module_of(change) in modules] for side in sides)
    if not modules:
        return
    signed = [*(f"+{packet(change)}" for change in came), *(f"-{packet(change)}" for change in went)]
    told = listed([*dict.fromkeys(name.replace("aten.", "") for name in signed)], 4)
    title = f"what the host reads is computed otherwise: {told} in {named_places([*came, *went])}"
    altered = [change for change in seen.altered if module_of(change) in modules and _reads_any(change, went)]
    yield Claim(Cause("asked-otherwise", ASKED_OTHERWISE), "operation", title, (*came, *went, *altered))


ASKED_OTHERWISE = "the host waits for it as before"


def _reads_any(change: Altered, gone: Iterable[Come]) -> bool:
    """Whether nothing differs but that it read what is made otherwise now, by what came."""
    makers = {packet(one) for one in gone}
    values = [field.before for field in change.fields if field.kind == "operand"]
    return len(values) == len(change.fields) and all(
        isinstance(value, Value) and packet_of(value.maker) in makers for value in values
    )


def is_sync(change: Come) -> bool:
    """Whether one operation came or went that the host waits for."""
    return isinstance(change.site.item, Work) and change.site.item.is_sync


def _syncs(changes: Iterable[Come]) -> list[Come]:
    return [change for change in changes if is_work(change) and is_sync(change)]


def _feeding(changes: Iterable[Come]) -> list[Come]:
    return [change for change in changes if change.for_host and not is_sync(change)]


def _claim(seen: Seen, found: list[Come], feeding: list[Come], *, more: bool) -> Claim:
    count = sum(map(times_done, found))
    syncs = f"{'+' if more else '-'}{times(count, 'device-to-host sync')}"
    names = [*dict.fromkeys(map(packet, found))]
    title = f"{syncs}, {names[0]}{counts_text(seen.difference, names[0], count if more else -count)}"
    if len(names) > 1:
        each = [f"{sum(times_done(one) for one in found if packet(one) == name)} {name}" for name in names]
        before, after = (number or 0 for number in seen.difference.metric("syncs"))
        all_of_them = f" ({before} -> {after})" if after - before == (count if more else -count) else ""
        title = f"{syncs}{all_of_them}: {', '.join(each)}"
    if more:
        cause = Cause("host-sync", f"{HINTS.get(names[0], COUNTED)}; {WAITS}")
        return Claim(cause, "sync", title, (*found, *feeding), "more")
    return Claim(Cause("sync-removed", ""), "sync", title, (*found, *feeding), "fewer")


def _both(seen: Seen, came: list[Come], went: list[Come]) -> Claim:
    """Some came while others went: what is left of both, and each by name, the new ones first."""
    new, gone = (sum(map(times_done, changes)) for changes in (came, went))
    before, after = seen.difference.metric("syncs")
    counts = f" ({before} -> {after})" if (after or 0) - (before or 0) == new - gone != 0 else ""
    amount = times(abs(new - gone), f"{'more' if new > gone else 'fewer'} device-to-host sync")
    head = f"{amount}{counts}" if new != gone else "device-to-host syncs elsewhere"
    title = f"{head}: {_named(came)} new, {_named(went)} gone"
    changes: tuple[Change, ...] = (*came, *went, *_feeding(seen.added), *_feeding(seen.removed))
    hint = f"new: {HINTS.get(packet(came[0]), COUNTED)}; {WAITS}"
    if new >= gone:
        return Claim(Cause("host-sync", hint), "sync", title, changes, "more")
    return Claim(Cause("sync-removed", hint), "sync", title, changes, "other")


def _named(changes: list[Come]) -> str:
    """``22 aten.nonzero``; of several operations the number of all."""
    names = list(dict.fromkeys(map(packet, changes)))
    return f"{sum(map(times_done, changes))} {names[0] if len(names) == 1 else 'of several operations'}"
