"""Dtypes: what was widened or narrowed, and how far that travels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from pytest_torchgraph.analysis.traffic import width_of
from pytest_torchgraph.canonical.program import Given
from pytest_torchgraph.diff.change import Altered, Change, LeafChanged, OutputChanged, Site, Value
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.tensor import SHORT_DTYPES, TensorSpec
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import (
    Claim,
    Come,
    Seen,
    bytes_of,
    distinct,
    made,
    module_of,
    packet,
    read,
)
from pytest_torchgraph.verdict.quantity import bytes_text
from pytest_torchgraph.verdict.title import counts_text
from pytest_torchgraph.words.counting import listed, times

FLOATS = frozenset({"float64", "float32", "float16", "bfloat16"})


def held(seen: Seen) -> Iterator[Claim]:
    """Parameters or buffers are held in another dtype, which all that reads them follows."""
    changed = [change for change in seen.changes if isinstance(change, LeafChanged)]
    leaves = [change for change in changed if change.before.dtype != change.after.dtype]
    if not leaves:
        return
    wider = width_of(leaves[0].after.dtype) > width_of(leaves[0].before.dtype)
    followers = [change for change in seen.changes if follows_dtype(change)]
    cause = Cause("upcast" if wider else "downcast", HELD if _are_most(leaves, seen) else HELD_IN_PART)
    names = f"{short(leaves[0].before.dtype)} -> {short(leaves[0].after.dtype)}"
    first = leaves[0]
    if len(leaves) == 1:
        title = f"{first.path} {first.before.text} -> {first.after.text}"
    else:
        title = f"{len(leaves)} parameters or buffers {names}: {first.path}, …"
    yield Claim(cause, "state", f"{title}{_travel(followers)}", (*leaves, *followers))


HELD = "the model is held in another dtype (.half(), .to(dtype), the dtype it is loaded in)"


HELD_IN_PART = "these are held in another dtype, most of the model is not"


def _are_most(leaves: list[LeafChanged], seen: Seen) -> bool:
    """Whether *leaves* are half of the bytes of the model or more, as far as those are known."""
    sizes = {leaf.path: bytes_of(leaf.before) for leaf in leaves}
    held_before = sum(seen.difference.metric(name)[0] or 0 for name in ("parameters", "buffers"))
    return 2 * sum(sizes.values()) >= held_before


def exchanged(seen: Seen) -> Iterator[Claim]:
    """The same operation in another float: what it reads is cast before it, instead of its result after it."""
    pairs = list(_exchanges(seen))
    if not pairs:
        return
    went, came = pairs[0]
    wider = _width(came) > _width(went)
    alike = [pair for pair in pairs if (_width(pair[1]) > _width(pair[0])) is wider]
    modules = {module_of(change) for pair in alike for change in pair}
    both: list[Come] = [*seen.added, *seen.removed]
    casts = [each for each in both if module_of(each) in modules and _direction(each.site)]
    dtypes = f"{_short_of(made(went.site))} -> {_short_of(made(came.site))}"
    title = f"{packet(came)}: dtype {dtypes} ({times(len(alike), 'operation')})"
    changes: tuple[Change, ...] = (*(pair[1] for pair in alike), *(pair[0] for pair in alike), *casts)
    cause = Cause("upcast" if wider else "downcast", WIDER if wider else NARROWER)
    yield Claim(cause, "cast", title, distinct(changes), "more" if wider else "fewer")


def _exchanges(seen: Seen) -> Iterator[tuple[Come, Come]]:
    """What went with what came in its place, in the same module and of the same shape."""
    gone: dict[object, list[Come]] = {}
    for went in seen.removed:
        gone.setdefault(_but_for_dtype(went), []).append(went)
    for came in seen.added:
        places = gone.get(_but_for_dtype(came), [])
        other = next((each for each in places if _width(each) and _width(each) != _width(came)), None)
        if other is not None and _width(came):
            places.remove(other)
            yield other, came


def _but_for_dtype(change: Come) -> object:
    shapes = tuple(spec and spec.shape for spec in (made(change.site), read(change.site)))
    return phase_of(change), module_of(change), packet(change), shapes


def _width(change: Come) -> int:
    """Bytes of a number that *change* makes; 0 where that is no float, or where it only casts."""
    spec = made(change.site)
    return width_of(spec.dtype) if spec and spec.dtype in FLOATS and not _direction(change.site) else 0


def cast(seen: Seen) -> Iterator[Claim]:
    """Casts between floats that came or went, with what follows them; those of one pair of types belong together."""
    came, went = by_dtypes(seen.added), by_dtypes(seen.removed)
    for dtypes in [each for each in came if each in went]:
        yield from _moved(seen, dtypes, came.pop(dtypes), went.pop(dtypes))
    if came:
        yield _cast_claim(seen, [change for changes in came.values() for change in changes], more=True)
    if went:
        yield _cast_claim(seen, [change for changes in went.values() for change in changes], more=False)


Dtypes: TypeAlias = "tuple[str, str]"


def by_dtypes(changes: Iterable[Come]) -> dict[Dtypes, list[Come]]:
    """Casts between floats among *changes*, by the types before and after."""
    found: dict[Dtypes, list[Come]] = {}
    for change in changes:
        before, after = read(change.site), made(change.site)
        if _direction(change.site) and before and after:
            found.setdefault((before.dtype, after.dtype), []).append(change)
    return found


def _moved(seen: Seen, dtypes: Dtypes, came: list[Come], went: list[Come]) -> Iterator[Claim]:
    """Casts of the same kind in other places: the work in between is done in the other type."""
    between = [change for change in seen.altered if works_in(change, dtypes)]
    outputs = [change for change in seen.changes if isinstance(change, OutputChanged) and follows_dtype(change)]
    leading = max(came, key=lambda change: bytes_of(made(change.site)))
    changes: tuple[Change, ...] = (leading, *(each for each in came if each is not leading), *went, *between, *outputs)
    if between:
        yield _worked_otherwise(dtypes, between, changes)
        return
    what = _cast_text(dtypes)
    net = len(came) - len(went)
    where = f" ({net:+d})" if net else ""
    hint = "the same kind of cast is made of other values, or at another place"
    yield Claim(
        Cause("cast-moved", hint),
        "cast",
        f"{what} elsewhere: {times(len(came), 'cast')} for {len(went)}{where}",
        changes,
    )


def _worked_otherwise(dtypes: Dtypes, between: list[Altered], changes: tuple[Change, ...]) -> Claim:
    """A cast that changed places with the work *between*."""
    done = dtypes_of(between[0])[0][1]
    place = "before work instead of after it" if done == dtypes[1] else "after work instead of before it"
    names = [*dict.fromkeys(packet_text(change).removeprefix("aten.") for change in between)]
    title = f"{_cast_text(dtypes)} {place}: {listed(names, 3)} done in {short(done)}"
    hint = f"what lies between the old place and the new one is computed in {short(done)}"
    wider = width_of(done) > width_of(next(dtype for dtype in dtypes if dtype != done))
    return Claim(Cause("upcast" if wider else "downcast", hint), "cast", title, distinct((*changes, *between)))


def _cast_text(dtypes: Dtypes) -> str:
    way = "up" if width_of(dtypes[1]) > width_of(dtypes[0]) else "down"
    return f"{way}cast {short(dtypes[0])} -> {short(dtypes[1])}"


def _cast_dtypes(site: Site) -> Dtypes:
    before, after = read(site), made(site)
    return (before.dtype if before else "?", after.dtype if after else "?")


def works_in(change: Altered, dtypes: Dtypes) -> bool:
    """Whether the operation is done in one of the types and was done in the other."""
    return any(set(pair) == set(dtypes) for pair in dtypes_of(change)) and not _direction(change.after)


def _cast_claim(seen: Seen, casts: Sequence[Come], *, more: bool) -> Claim:
    """One finding for all casts; an upcast that is cast back is told as an upcast."""
    wide = [change for change in casts if _direction(change.site) == "up"]
    leading = max(wide or casts, key=lambda change: bytes_of(made(change.site)))
    followers = [change for change in seen.changes if follows_dtype(change)]
    net = len(casts) if more else -len(casts)
    dtypes = f"{_short_of(read(leading.site))} -> {_short_of(made(leading.site))}"
    counts = counts_text(seen.difference, "aten._to_copy", net)
    title = f"{net:+d} aten._to_copy{counts}: {'up' if wide else 'down'}cast {dtypes}"
    changes: tuple[Change, ...] = (leading, *(each for each in casts if each is not leading), *followers)
    cause = Cause(_name(more=more, wide=bool(wide)), _hint(leading, more=more, wide=bool(wide)))
    if _go_there_and_back(casts):
        title = f"{net:+d} aten._to_copy{counts}: narrowed to {_short_of(read(leading.site))} and widened again"
        cause = Cause(_name(more=more, wide=False), ROUNDED if more else "")
    title = f"{title}{' no longer' if not more else ''}{_travel(followers)}"
    return Claim(cause, "cast", title, changes, "more" if more else "fewer" if not followers else "other")


ROUNDED = "the values lose digits, and are as wide as before in the end"


def _go_there_and_back(casts: Sequence[Come]) -> bool:
    """Whether each value that is narrowed is what is widened again, with no work in between."""
    down = [change for change in casts if _direction(change.site) == "down"]
    up = [change for change in casts if _direction(change.site) == "up"]
    pairs = zip(down, up, strict=False)
    return len(down) == len(up) > 0 and all(_takes_back(*pair) for pair in pairs)


def _takes_back(down: Come, up: Come) -> bool:
    """Whether *up* reads what *down* makes, and makes what that read."""
    first = up.site.reads[0]
    is_next = up.site.scope == down.site.scope and packet_of(first.maker) == packet(down) and first.reading is None
    return is_next and made(down.site) == read(up.site) and _dtype_of(read(down.site)) == _dtype_of(made(up.site))


def _dtype_of(spec: TensorSpec | None) -> str:
    return spec.dtype if spec else ""


def _name(*, more: bool, wide: bool) -> str:
    return f"{'up' if wide else 'down'}cast{'' if more else '-removed'}"


def _hint(leading: Come, *, more: bool, wide: bool) -> str:
    spec, source = made(leading.site), read(leading.site)
    assert spec is not None
    assert source is not None
    size = f"{bytes_text(bytes_of(spec))} beside the {bytes_text(bytes_of(source))} of its source"
    if more and wide:
        return f"an upcast (.float(), autocast, a wider operand): {size}"
    if more:
        return f"narrower values (.half(), .bfloat16(), autocast): {size}"
    return f"the cast to {spec.text} is made no longer"


def is_cast(site: Site) -> bool:
    """Whether the operation at *site* casts one float to another."""
    return bool(_direction(site))


def _direction(site: Site) -> str:
    """``up`` or ``down`` where the operation at *site* casts one float to a wider or narrower one; else nothing."""
    before, after = read(site), made(site)
    if site.name.startswith("aten._to_copy") and before and after and {before.dtype, after.dtype} <= FLOATS:
        widths = width_of(before.dtype), width_of(after.dtype)
        return "up" if widths[0] < widths[1] else "down" if widths[0] > widths[1] else ""
    return ""


def larger(seen: Seen) -> Iterator[Claim]:
    """Casts of more or fewer values than before."""
    found = [change for change in seen.altered if not change.follows and _direction(change.after)]
    moved = [change for change in found if bytes_of(made(change.before)) != bytes_of(made(change.after))]
    if not moved:
        return
    before, after = made(moved[0].before), made(moved[0].after)
    assert before is not None
    assert after is not None
    between = [change for change in seen.altered if works_in(change, _cast_dtypes(moved[0].after))]
    if between:
        yield _worked_otherwise(_cast_dtypes(moved[0].after), between, tuple(moved))
        return
    more = bytes_of(after) > bytes_of(before)
    wide = _direction(moved[0].after) == "up"
    outputs = [change for change in seen.changes if isinstance(change, OutputChanged)]
    title = f"{'up' if wide else 'down'}cast of {'more' if more else 'fewer'} values: {before.text} -> {after.text}"
    hint = f"{after.text} takes {bytes_text(bytes_of(after))}, {before.text} took {bytes_text(bytes_of(before))}"
    yield Claim(Cause(_name(more=more, wide=wide), hint), "cast", title, (*moved, *outputs))


def altered(seen: Seen) -> Iterator[Claim]:
    """Operations that make another float of their own accord."""
    found = [change for change in seen.altered if not change.follows and dtypes_of(change)]
    if not found:
        return
    before, after = dtypes_of(found[0])[0]
    wider = width_of(after) > width_of(before)
    followers = [change for change in seen.changes if follows_dtype(change)]
    name = f"{packet_text(found[0])}: dtype {short(before)} -> {short(after)}"
    hint = WIDER if wider else NARROWER
    title = f"{name} ({times(len(found), 'operation')}){_travel(followers)}"
    yield Claim(Cause("upcast" if wider else "downcast", hint), "cast", title, (*found, *followers))


NARROWER = "what was done in a wider type is done in a narrower one"
WIDER = "work that was done in a narrower type is done in a wider one (.float(), autocast, a wider operand)"


def packet_text(change: Altered) -> str:
    """``aten.add`` of what changed."""
    return change.after.name.rpartition(".")[0] if change.after.name.count(".") > 1 else change.after.name


def dtypes_of(change: Altered) -> list[tuple[str, str]]:
    """The floats before and after of all in *change* that is of another one."""
    if isinstance(change.after.item, Given):
        return []
    pairs = [(field.before, field.after) for field in change.fields if field.kind == "dtype"]
    return [
        (before, after)
        for before, after in pairs
        if isinstance(before, str) and isinstance(after, str) and {before, after} <= FLOATS
    ]


def follows_dtype(change: Change) -> bool:
    """Whether nothing but a dtype was handed on, to an operation or to the caller."""
    if isinstance(change, Altered):
        handed_on = change.follows or change.after.beneath is not None
        kinds = {field.kind for field in change.fields}
        return handed_on and "dtype" in kinds and kinds <= {"dtype", "stride", "geometry"}
    if isinstance(change, OutputChanged):
        return _other_dtype(change.before, change.after)
    return False


def _other_dtype(before: Value | None, after: Value | None) -> bool:
    if before is None or after is None or before.spec is None or after.spec is None:
        return False
    return before.spec.dtype != after.spec.dtype and before.spec.shape == after.spec.shape


def _travel(followers: list[Change]) -> str:
    """``; 12 operations and the output follow``: how far it goes."""
    operations = sum(isinstance(change, Altered) for change in followers)
    outputs = len(followers) - operations
    parts = [times(operations, "operation")] if operations else []
    parts += ["the output" if outputs == 1 else f"{outputs} outputs"] if outputs else []
    follow = "follows" if len(followers) == 1 else "follow"
    return f"; {' and '.join(parts)} {follow}" if parts else ""


def short(dtype: str) -> str:
    """``bf16`` of ``bfloat16``."""
    return SHORT_DTYPES.get(dtype, dtype)


def _short_of(spec: object) -> str:
    return short(getattr(spec, "dtype", "?"))
