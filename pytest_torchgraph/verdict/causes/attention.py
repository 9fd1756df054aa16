"""Attention: another signature, another path, and the masks, keys and values that are made for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_torchgraph.canonical.program import Block, Operand, Result, Semantic, Work
from pytest_torchgraph.diff.change import Added, Altered, Change, Field, Removed, Value
from pytest_torchgraph.recorded.kinds import ATTENTION, ATTENTION_CALLS
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import (
    Claim,
    Come,
    Seen,
    Side,
    both_ways,
    bytes_of,
    distinct,
    expanded_at,
    is_expanded,
    is_work,
    made,
    module_of,
    packet,
    work_names,
)
from pytest_torchgraph.verdict.causes.masks import built_for_attention
from pytest_torchgraph.verdict.finding import Direction
from pytest_torchgraph.verdict.quantity import bytes_text
from pytest_torchgraph.verdict.wording import field_text
from pytest_torchgraph.words.counting import times

SIGNATURE = frozenset({"attn_mask", "is_causal", "dropout_p", "scale", "enable_gqa"})
MASK_DTYPE = "dtype of attn_mask"
PARTS = frozenset({"aten.bmm", "aten.baddbmm", "aten._softmax", "aten._safe_softmax", "aten._softmax_backward_data"})
CALL = "scaled_dot_product_attention"
DIMENSIONS = 3
"""More than these has a tensor of keys or values: batch, heads, length, size."""
REPEATS = frozenset({"aten.repeat", "aten.repeat_interleave", "aten.index_select"})
MASK_HINT = "a mask rules out the flash kernel on CUDA, and grows with query x key length"
NO_DROPOUT = "kernels that have no dropout can run now"
DROPOUT_HINT = "dropout inside attention is for training, and restricts which kernel can run"
REPEATED_HINT = "keys and values are repeated before the call, not shared by the kernel"
SHARED = "keys and values are no longer written out for every head"
SHARED_HINT = "for some head sizes CUDA falls back to the math kernel"


CONVERTED = "a bool mask is converted to float in each call; kernels differ in the masks they take"
MATH = "computed step by step: mask with grad, dropout or layout rules the kernel out"
LARGE = "CUDA has no fused kernel that shares heads of {size}: it takes the math kernel"
WIDEST_HEAD = 256
"""Widest head for which CUDA's fused attention kernels exist."""


def unfused(seen: Seen) -> Iterator[Claim]:
    """The attention call gave way to separate operations, or the other way round."""
    calls: list[Come] = [change for change in seen.came_and_went if change.site.name in ATTENTION_CALLS]
    if not calls or len({type(change) for change in calls}) > 1:
        return
    gone = isinstance(calls[0], Removed)
    others = seen.added if gone else seen.removed
    modules = _with_wrappers(set(map(module_of, calls)), others)
    parts = [change for change in others if module_of(change) in modules and is_work(change)]
    if not any(packet(change) in PARTS for change in parts):
        return
    leading = [*calls, *(change for change in parts if packet(change) in PARTS)]
    rest = [change for change in seen.changes if _belongs(change, modules)]
    masks = built_for_attention(seen.came_and_went)
    beside = masks if any(change in others for change in masks) else []
    steps = [change for change in others if _is_step(change, modules)]
    changes = distinct((*leading, *rest, *steps, *beside))
    yield _unfused_claim(seen, changes, parts, calls=len(calls), gone=gone)


def _is_step(change: Come, modules: set[str]) -> bool:
    """Whether it is a module right inside one of *modules* that does a step of attention, a softmax say."""
    inside = isinstance(change.site.item, Block) and _parent(module_of(change)) in modules
    return inside and bool(names := set(work_names(change.site))) and names <= PARTS


def _with_wrappers(modules: set[str], others: Iterable[Come]) -> set[str]:
    """*modules*, and those right inside or around them in which attention is computed step by step."""
    around = {_parent(module) for module in modules} - {""}
    stepwise = {module_of(change) for change in others if is_work(change) and packet(change) in PARTS}
    return modules | {each for each in stepwise if _parent(each) in modules or each in around}


def _parent(path: str) -> str:
    return path.rpartition(".")[0]


def _unfused_claim(seen: Seen, changes: tuple[Change, ...], parts: list[Come], *, calls: int, gone: bool) -> Claim:
    total = max(seen.difference.count(CALL))
    which = f"{calls} of {times(total, 'call')}"
    if not gone:
        cause = Cause("attention-fused", MATH_PATH if _on_math_path(changes) else "the scores are written no longer")
        return Claim(cause, "attention", f"attention is computed by {CALL} now ({which})", changes)
    scores = max((made(change.site) for change in parts if packet(change) in PARTS), key=bytes_of)
    size = f"{scores.text}, {bytes_text(bytes_of(scores))} a call" if scores else "batch x heads x query x key length"
    hint = f"every score is written to memory ({size})"
    title = f"attention is computed by separate operations, no longer by {CALL} ({which})"
    return Claim(Cause("attention-unfused", hint), "attention", title, changes)


def _on_math_path(changes: tuple[Change, ...]) -> bool:
    """Whether an attention call among *changes* is computed by separate operations."""
    calls = [each for each in changes if isinstance(each, (Added, Removed)) and each.site.name in ATTENTION_CALLS]
    return any(set(work_names(call.site)) & PARTS for call in calls)


MATH_PATH = "one call, which this machine still computes by separate operations"


def _belongs(change: Change, modules: set[str]) -> bool:
    """Whether an operation came, went or changed in one of the modules, and is no module call itself."""
    match change:
        case Added(site) | Removed(site):
            return not isinstance(site.item, Block) and module_of(change) in modules
        case Altered():
            return module_of(change) in modules
        case _:
            return False


def path(seen: Seen) -> Iterator[Claim]:
    """The attention call has other arguments; masks and copies that are made for it belong to it."""
    altered = [change for change in seen.altered if _signature(change)]
    by_edit: dict[tuple[Field, ...], list[Altered]] = {}
    for change in altered:
        by_edit.setdefault(tuple(map(_plain, _signature(change))), []).append(change)
    claimed: set[int] = set()
    for changes in by_edit.values():
        others = tuple(each for each in _around(seen, changes) if id(each) not in claimed)
        claimed.update(map(id, others))
        yield _path_claim(seen, changes, others)


def _plain(field: Field) -> Field:
    """The field without the name of a mask, which may differ from layer to layer."""
    before, after = (value.spec if isinstance(value, Value) else value for value in (field.before, field.after))
    return Field(field.kind, field.name, before, after)


def _signature(change: Altered) -> list[Field]:
    if change.after.name not in ATTENTION_CALLS or not isinstance(change.after.item, Semantic):
        return []
    return [field for field in change.fields if field.name in SIGNATURE or field.name == MASK_DTYPE]


def _around(seen: Seen, changes: list[Altered]) -> Iterator[Change]:
    """What the change of the call brought: other operations beneath it and behind it, a mask, repeated keys."""
    modules, claimed = set(map(module_of, changes)), set(map(id, changes))
    names = {field.name for change in changes for field in change.fields}
    masks = set(map(id, built_for_attention(seen.came_and_went) if names & {"attn_mask", MASK_DTYPE} else ()))
    for each in seen.changes:
        match each:
            case Added(site) | Removed(site) if site.beneath:
                if module_of(each) in modules:
                    yield each
            case Added() | Removed():
                for_keys = "enable_gqa" in names and is_repeat(each)
                if id(each) in masks or (module_of(each) in modules and (for_keys or _copies_result(each))):
                    yield each
            case Altered(_, after) if after.beneath or "scaled_dot_product" in after.name:
                if module_of(each) in modules and id(each) not in claimed:
                    yield each
            case _:
                pass


def _copies_result(change: Come) -> bool:
    """Whether what attention returned is copied: backends give it other strides."""
    reads = change.site.reads
    return packet(change) == "aten.clone" and bool(reads) and reads[0].maker == CALL


def _path_claim(seen: Seen, changes: list[Altered], others: tuple[Change, ...]) -> Claim:
    fields = {field.name: field for field in _signature(changes[0])}
    total = max(seen.difference.count(CALL))
    which = f"{len(changes)} of {times(total, 'call')}"
    cause, what = _cause_of(fields, others)
    head = changes[0].after.reads[0].spec if changes[0].after.reads else None
    if cause.name == "keys-shared" and head is not None and head.shape[-1] > WIDEST_HEAD:
        cause = Cause("attention-path", LARGE.format(size=head.shape[-1]))
    if cause.name == "repeated-keys" and head is not None and head.shape[-1] > WIDEST_HEAD:
        cause = Cause("attention-path", REPEATED_HINT)
    edits = ", ".join(field_text(field) for field in fields.values())
    return Claim(cause, "attention", f"{what} ({which}): {edits}", (*changes, *others), _cost_direction(fields))


def _cost_direction(fields: dict[str, Field]) -> Direction:
    """``more`` where a mask is given that was not, or dropout; ``fewer`` the other way round."""
    for name in ("attn_mask", "dropout_p"):
        if name in fields:
            before, after = bool(fields[name].before), bool(fields[name].after)
            return "other" if before is after else "more" if after else "fewer"
    return "other"


def _cause_of(fields: dict[str, Field], others: tuple[Change, ...]) -> tuple[Cause, str]:
    mask, causal = fields.get("attn_mask"), fields.get("is_causal")
    if mask and mask.before is None:
        what = "attention no longer takes the causal path" if causal else "attention is given a mask"
        return Cause("attention-path", MASK_HINT), what
    if mask and mask.after is None:
        what = "attention takes the causal path now" if causal and causal.after else "attention is given no mask"
        return Cause("attention-path", "without a mask the flash kernel of CUDA can be used"), what
    if MASK_DTYPE in fields:
        return Cause("attention-path", CONVERTED), "attention is given a mask of another type"
    if gqa := fields.get("enable_gqa"):
        return _grouped(others, shares=bool(gqa.after))
    if dropout := fields.get("dropout_p"):
        return Cause("attention-path", DROPOUT_HINT if dropout.after else NO_DROPOUT), "attention call changed"
    return Cause("attention-path", "which kernel can run depends on these arguments"), "attention call changed"


def _grouped(others: tuple[Change, ...], *, shares: bool) -> tuple[Cause, str]:
    """Keys and values that the call shares among heads, or no longer: that they are repeated is seen, or not told."""
    if not any(isinstance(change, (Added, Removed)) and is_repeat(change) for change in others):
        return Cause("attention-path", SHARED_HINT if shares else ""), "attention call changed"
    if shares:
        return Cause("keys-shared", SHARED_HINT), "keys and values are shared by attention"
    return Cause("repeated-keys", REPEATED_HINT), "keys and values are repeated for attention"


@both_ways
def kernel(side: Side) -> Iterator[Claim]:
    """The same call runs on another kernel, or by separate operations: a fact of the machine that recorded it."""
    found = [change for change in side.others if change.site.beneath in ATTENTION_CALLS and _is_kernel(change)]
    if not found:
        return
    modules = set(map(module_of, found))
    rest = [change for change in side.seen.changes if _is_beneath(change, modules, copies=side.seen.same_backend)]
    name = ", ".join(sorted({packet(change) for change in found}))
    which = f"{len(found)} of {times(max(side.seen.difference.count(CALL)), 'call')}"
    title = f"attention {'no longer runs' if side.more else 'runs'} on {name} ({which})"
    cause = Cause("attention-path", MATH if side.more else "one kernel computes it")
    yield Claim(cause, "attention", title, distinct((*found, *rest)), beneath=True)


def _is_kernel(change: Come) -> bool:
    return "_scaled_dot_product" in change.site.name


def _is_beneath(change: Change, modules: set[str], *, copies: bool) -> bool:
    """Whether *change* is beneath or behind an attention call of *modules*, or copies what it returns."""
    if module_of(change) not in modules:
        return False
    match change:
        case Added(site) | Removed(site):
            return site.beneath is not None or _is_kernel(change) or (copies and _copies_result(change))
        case Altered(_, after):
            return after.beneath is not None
        case _:
            return False


@both_ways
def whole_layer(side: Side) -> Iterator[Claim]:
    """PyTorch's fast path of a whole encoder layer or attention module, taken or no longer."""
    found = [change for change in side.others if packet(change) in ATTENTION]
    if not found or not side.changes:
        return
    modules = tuple(f"{module}." for module in map(module_of, found))
    inside = [each for each in side.seen.changes if f"{module_of(each)}.".startswith(modules)]
    name = packet(found[0])
    verb = "no longer take" if side.more else "take"
    title = f"{times(len(found), 'module')} {verb} the fast path {name}"
    cause = Cause("attention-path", FAST_PATH if side.more else "one operation does the work of the whole module")
    yield Claim(cause, "attention", title, distinct((*found, *inside)))


FAST_PATH = "the fast path is for evaluation without autograd, with certain masks and settings only"


def repeated_keys(seen: Seen) -> Iterator[Claim]:
    """Keys and values are written out for every head, before attention of either kind."""
    for changes, cause, verb, sign in (
        (seen.added, Cause("repeated-keys", REPEATED_HINT), "are repeated", "+"),
        (seen.removed, Cause("keys-shared", SHARED), "are repeated no longer", "-"),
    ):
        found = [change for change in changes if is_repeat(change) and _is_of_heads(change) and _attends(change)]
        found = [change for change in found if not _is_mask(change)]
        if found:
            count = f"{sign}{len(found)} {', '.join(sorted({packet(change) for change in found}))}"
            yield Claim(cause, "copy", f"keys and values {verb} before attention ({count})", tuple(found))


def is_repeat(change: Come) -> bool:
    """Whether a tensor is written out several times over."""
    if not is_work(change):
        return False
    if packet(change) in REPEATS:
        return True
    spec = made(change.site)
    return (
        packet(change) == "aten.clone"
        and spec is not None
        and len(spec.shape) > DIMENSIONS
        and is_expanded(change.site)
    )


def _is_of_heads(change: Come) -> bool:
    """Whether heads are repeated, which are the last or last but one dimension before the values of each.

    Of ``repeat_interleave`` with tensors nothing is known; it is taken for one of heads.
    """
    spec, item = made(change.site), change.site.item
    if spec is None or not isinstance(item, Work):
        return False
    heads = {len(spec.shape) - 2, len(spec.shape) - 3}
    if packet(change) == "aten.repeat":
        counts = item.arguments[1] if len(item.arguments) > 1 else ()
        repeated = {at for at, count in enumerate(counts) if count != 1} if isinstance(counts, tuple) else set()
        return bool(repeated) and repeated <= heads
    if packet(change) == "aten.index_select":
        return bool(item.arguments[1:]) and item.arguments[1] in heads
    return expanded_at(change.site) <= heads


def _is_mask(change: Come) -> bool:
    """Whether an attention call beside it takes what *change* made as its mask."""
    items = change.site.body.items if change.site.body else ()
    calls = [item for item in items if isinstance(item, Semantic) and packet_of(item.name) in ATTENTION_CALLS]
    masks = [argument for call in calls for argument in (*call.arguments[3:4], dict(call.keywords).get("attn_mask"))]
    made_at = {
        mask.reference.item for mask in masks if isinstance(mask, Operand) and isinstance(mask.reference, Result)
    }
    return any(at < len(items) and items[at] is change.site.item for at in made_at)


def _attends(change: Come) -> bool:
    """Whether the module in which the change happened computes attention."""
    body = change.site.body
    names = {item.name.rpartition(".")[0] or item.name for item in body.items} if body else set()
    return bool(names & ATTENTION_CALLS) or {"aten.bmm", "aten._softmax"} <= names
