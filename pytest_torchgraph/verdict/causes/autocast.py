"""Work that is done in a narrower float between casts, as under ``torch.autocast``."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_torchgraph.analysis.traffic import width_of
from pytest_torchgraph.diff.change import Altered, Change
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Come, Seen, Side, both_ways, distinct
from pytest_torchgraph.verdict.causes.precision import Dtypes, by_dtypes, dtypes_of, follows_dtype, is_cast, short
from pytest_torchgraph.words.counting import times

FEW = 4
"""Operations that are done in the other type before it is told so: a single one is told as the cast that it is."""


@both_ways
def between_casts(side: Side) -> Iterator[Claim]:
    """Work that casts down and up again lie around, or lie around no longer; not where the other side has such casts.

    Wrong where some operations are autocast beside others that were rewritten in a narrower type: both are told as one.
    """
    casts, others = by_dtypes(side.changes), by_dtypes(side.others)
    for wide, narrow in [pair for pair in casts if width_of(pair[0]) > width_of(pair[1])]:
        both = (wide, narrow), (narrow, wide)
        if both[1] not in casts or both[0] in others or both[1] in others:
            continue
        now = both[not side.more]
        work = [change for change in side.seen.altered if now in dtypes_of(change) and not is_cast(change.after)]
        if len(work) >= FEW:
            yield _claim(side.seen, [casts[pair] for pair in both], work, now)


def _claim(seen: Seen, casts: list[list[Come]], work: list[Altered], now: Dtypes) -> Claim:
    down, up = map(len, casts)
    narrower = width_of(now[0]) > width_of(now[1])
    forward = [cast for cast in casts[0] if phase_of(cast) == FORWARD]
    done = f"{times(len(work), 'operation')} done in {short(now[1])} instead of {short(now[0])}"
    around = f"{times(down, 'downcast')} and {times(up, 'upcast')} around them{'' if narrower else ' no longer'}"
    followers = [change for change in seen.changes if follows_dtype(change)]
    changes: tuple[Change, ...] = distinct((*forward, *work, *casts[0], *casts[1], *followers))
    cause = Cause("downcast", NARROWER) if narrower else Cause("upcast", WIDER)
    return Claim(cause, "cast", f"{done}: {around}", changes)


NARROWER = "values are narrowed for the work and widened after it, as torch.autocast does"
WIDER = "values are no longer narrowed for the work, as torch.autocast does"
