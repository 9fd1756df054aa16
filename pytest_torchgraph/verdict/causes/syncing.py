"""Values that the host reads from the device."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from pytest_torchgraph.diff.change import Added
from pytest_torchgraph.graph.counting import times
from pytest_torchgraph.graph.program import Work
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Come, Seen, is_work, packet
from pytest_torchgraph.verdict.title import times_done

HINTS = {
    "aten._local_scalar_dense": "a tensor is used as a Python number or bool (.item(), `if tensor:`, `.all()`)",
    "aten.is_nonzero": "a tensor is used as a Python bool",
    "aten.equal": "torch.equal answers a Python bool",
    "aten.index": "the size of the result depends on the data (a mask as an index)",
    "aten.index_put": "how many values are written depends on the data (a mask as an index)",
    "aten.index_put_": "how many values are written depends on the data (a mask as an index)",
    "aten.nonzero": "the size of the result depends on the data (nonzero, one-argument where, indexing with a mask)",
    "aten.masked_select": "the size of the result depends on the data (masked_select, indexing with a mask)",
}
COUNTED = "tensors are read by the host (.item(), `if tensor:`, nonzero)"
WAITS = "free on a CPU, on CUDA the host waits for the device"


def sync(seen: Seen) -> Iterator[Claim]:
    """Syncs that came or went, with the operations that are there for nothing else."""
    for changes, more in ((seen.added, True), (seen.removed, False)):
        by_name: dict[str, list[Come]] = defaultdict(list)
        for change in changes:
            if is_work(change) and is_sync(change):
                by_name[packet(change)].append(change)
        feeding: list[Come] = [change for change in changes if change.for_host and not is_sync(change)]
        for name, found in by_name.items():
            yield _claim(seen, name, found, feeding, more=more)
            feeding = []


def is_sync(change: Come) -> bool:
    """Whether one operation came or went that the host waits for."""
    return isinstance(change.site.item, Work) and change.site.item.is_sync


def _claim(seen: Seen, name: str, found: list[Come], feeding: list[Come], *, more: bool) -> Claim:
    before, after = seen.difference.count(name)
    sign = "+" if isinstance(found[0], Added) else "-"
    title = f"{sign}{times(sum(map(times_done, found)), 'device-to-host sync')}, {name} ({before} -> {after})"
    if more:
        cause = Cause("host-sync", f"{HINTS.get(name, COUNTED)}; {WAITS}")
        return Claim(cause, "sync", title, (*found, *feeding), "more")
    return Claim(Cause("sync-removed", ""), "sync", title, (*found, *feeding), "fewer")
