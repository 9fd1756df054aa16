"""One operation that became several doing the same, or several that became one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_torchgraph.canonical.operands import operands_given
from pytest_torchgraph.canonical.program import Block, Item, ParameterLoop, Result, Work
from pytest_torchgraph.diff.change import Added, Altered, Change, Removed, Replaced, Site
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.phase import OPTIMIZER
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import (
    Claim,
    Come,
    Seen,
    Side,
    both_ways,
    distinct,
    is_view,
    is_work,
    module_of,
    packet,
    work_names,
)
from pytest_torchgraph.words.counting import times


def _parts(*names: str) -> frozenset[str]:
    return frozenset(f"aten.{name}" for name in names)


NORM = _parts("mean", "pow", "rsqrt", "sub", "var", "var_mean", "sqrt", "div", "mul", "add", "square", "_to_copy")
FUSED: Mapping[str, frozenset[str]] = {
    "aten._fused_rms_norm": NORM,
    "aten.native_layer_norm": NORM,
    "aten.native_group_norm": NORM,
    "aten.native_batch_norm": NORM,
    "aten.silu": _parts("sigmoid", "mul"),
    "aten.gelu": _parts("tanh", "erf", "pow", "mul", "add", "div"),
    "aten.hardswish": _parts("clamp", "hardtanh", "relu6", "add", "mul", "div"),
    "aten.mish": _parts("softplus", "tanh", "mul", "exp", "log1p"),
    "aten.softplus": _parts("exp", "log1p", "log", "add"),
    "aten._softmax": _parts("exp", "amax", "max", "sum", "div", "sub", "logsumexp"),
    "aten._log_softmax": _parts("exp", "log", "logsumexp", "sub", "_softmax"),
    "aten.logsumexp": _parts("exp", "log", "sum", "amax"),
    "aten.mm": _parts("mul", "sum"),
    "aten.bmm": _parts("mul", "sum"),
    "aten.addmm": _parts("mm", "add", "add_", "bmm"),
    "aten.baddbmm": _parts("bmm", "add", "mul", "div"),
    "aten.addcmul": _parts("mul", "add"),
    "aten.addcdiv": _parts("div", "add", "mul"),
    "aten.lerp": _parts("sub", "mul", "add"),
    "aten.mse_loss": _parts("sub", "pow", "mean", "mul"),
    "aten.nll_loss_forward": _parts("gather", "neg", "mean", "sum", "index", "div"),
    "aten.glu": _parts("sigmoid", "mul"),
    "aten.cdist": _parts("sub", "pow", "sum", "sqrt", "mm", "norm"),
}
"""What an operation becomes when it is written out by hand: at least two of these."""
PRODUCTS = frozenset({"aten.mm", "aten.bmm"})
BEHIND = _parts("sum", "neg", "rsub", "where", "sigmoid_backward", "tanh_backward", "mul", "add", "div", "pow")
"""What is behind the parts in the backward pass."""


@both_ways
def unfused(side: Side) -> Iterator[Claim]:
    """A known operation gave way to at least two of its parts in the same modules, or the other way round."""
    fused: dict[str, list[Come]] = defaultdict(list)
    for change in side.others:
        if is_work(change) and packet(change) in FUSED and phase_of(change) == "forward":
            fused[packet(change)].append(change)
    near: dict[str, list[Come]] = defaultdict(list)
    for change in side.changes if fused else ():
        if is_work(change):
            near[module_of(change)].append(change)
    for name, changes in fused.items():
        yield from _written_out(side, name, changes, near)


def _written_out(side: Side, name: str, changes: list[Come], near: dict[str, list[Come]]) -> Iterator[Claim]:
    in_order = dict.fromkeys(map(module_of, changes))
    modules = set(in_order)
    parts = [change for module in in_order for change in near.get(module, ()) if _is_part(change, name)]
    parts += [change for change in _beneath(near, modules) if packet(change) == "aten.add"]
    kinds = {packet(change) for change in parts if phase_of(change) == "forward"}
    forward = sum(phase_of(change) == "forward" for change in parts)
    if len(kinds) < 2 or forward < 2 * len(changes):
        return
    within = [change for change in side.changes if _does_within(change, name, modules)]
    kinds |= {name} if within else set()
    behind = [change for change in side.seen.came_and_went if _is_behind(change, name, modules)]
    each = forward // len(changes) + bool(within)
    told = ", ".join(kind.removeprefix("aten.") for kind in sorted(kinds))
    claimed = Written(name, told, each, len(changes), distinct((*changes, *parts, *within, *behind)))
    copies = [change for module in in_order for change in near.get(module, ()) if _copies_a_view(change)]
    if name == "aten.addmm" and set(map(module_of, copies)) == modules:
        yield _by_layout(f"clone, {told} ({claimed.places})", distinct((*claimed.changes, *copies)), more=side.more)
    elif name in PRODUCTS and (own := _copied_for(changes, side)):
        yield _product_with_copies(claimed, own, more=side.more)
    else:
        yield _in_parts(claimed, within=bool(within), more=side.more)


@dataclass(frozen=True, slots=True)
class Written:
    """An operation that is written out, or was: what does *told* instead of it, *each* of them *count* times."""

    name: str
    told: str
    each: int
    count: int
    changes: tuple[Change, ...]

    @property
    def places(self) -> str:
        """How often."""
        return _places(self.count)


def _in_parts(of: Written, *, within: bool, more: bool) -> Claim:
    if more:
        what = f"{of.name} did alone what {of.told} do" if within else f"{of.name} is written out: {of.told}"
        title = f"{what} ({times(of.each, 'operation')} in place of 1, {of.places})"
        hint = "one kernel became several, each of which reads and writes memory"
        return Claim(Cause("unfused", hint), "operation", title, of.changes)
    title = f"{of.name} does what {of.told} did (1 operation in place of {of.each}, {of.places})"
    return Claim(Cause("fused", "several kernels became one"), "operation", title, of.changes)


def _copied_for(products: Sequence[Come], side: Side) -> list[Come]:
    """The copies that came or went with *products*, which read them."""
    made = {(product.site.scope, id(item)) for product in products for item in _makers(product.site)}
    copies = [change for change in side.others if packet(change) == "aten.clone"]
    return [change for change in copies if (change.site.scope, id(change.site.item)) in made]


def _makers(site: Site) -> Iterator[Item]:
    """The items beside *site* that made what the operation there reads."""
    items = site.body.items if site.body is not None else ()
    operands = operands_given(site.item) if isinstance(site.item, Work) else ()
    for operand in operands:
        if isinstance(operand.reference, Result):
            yield items[operand.reference.item]


def _product_with_copies(of: Written, copies: Sequence[Come], *, more: bool) -> Claim:
    """A product of matrices, for which operands are copied into the order that it takes, as ``einsum`` does."""
    made, changes = times(len(copies), "copy"), distinct((*of.changes, *copies))
    if more:
        title = f"{of.name} and {made} for it gave way to {of.told} ({of.places})"
        return Claim(Cause("unfused", MULTIPLIED), "operation", title, changes)
    title = f"{of.name} does what {of.told} did, with {made} made for it ({of.places})"
    return Claim(Cause("fused", SUMMED), "operation", title, changes)


MULTIPLIED = "values are multiplied and summed; no operand is copied into the order that a product takes"
SUMMED = "a product of matrices (einsum, @), whose operands are copied into the order that it takes"


def _does_within(change: Come, name: str, modules: set[str]) -> bool:
    """Whether a module call came or went right inside one of *modules* that does operation *name*, too."""
    inside = isinstance(change.site.item, Block) and module_of(change).rpartition(".")[0] in modules
    return inside and any(work == name or work.startswith(_behind(name)) for work in work_names(change.site))


def _copies_a_view(change: Come) -> bool:
    """Whether a tensor is copied that does not lie in one piece, as ``linear`` does before the product."""
    return packet(change) == "aten.clone" and phase_of(change) == "forward" and is_view(change.site)


def _by_layout(told: str, changes: tuple[Change, ...], *, more: bool) -> Claim:
    """What ``linear`` does with its bias, by how its input lies in memory (``aten/src/ATen/native/Linear.cpp``)."""
    hint = "a linear layer adds its bias within the product only if its input is contiguous"
    cause = Cause("bias-apart" if more else "bias-within", hint)
    return Claim(cause, "operation", f"aten.addmm {'gave way to' if more else 'took the place of'} {told}", changes)


def _beneath(near: dict[str, list[Come]], modules: set[str]) -> Iterator[Come]:
    """What happened in the backward pass of modules inside *modules*: there, gradients are summed."""
    for path, changes in near.items():
        if path not in modules and path.rpartition(".")[0] in modules:
            yield from (change for change in changes if phase_of(change) != "forward")


def _places(count: int) -> str:
    return f"{count} times" if count > 1 else "once"


def _is_part(change: Come, name: str) -> bool:
    if phase_of(change) == "forward":
        return packet(change) in FUSED[name]
    return packet(change) in FUSED[name] | BEHIND


def _is_behind(change: Come, name: str, modules: set[str]) -> bool:
    """Whether the backward operation of *name* came or went in one of the modules, or its whole backward call."""
    if isinstance(change.site.item, Block):
        return phase_of(change) != "forward" and module_of(change) in modules
    return packet(change).startswith(_behind(name)) and module_of(change) in modules


def _behind(name: str) -> str:
    """What the operation behind *name* in the backward pass is called, or begins with."""
    return f"{name.removesuffix('_forward')}_backward"


def rms_norm(seen: Seen) -> Iterator[Claim]:
    """The operations of ``F.rms_norm``, which PyTorch writes out on a CPU, are those of a hand-written one."""
    for written, back in ((True, False), (False, True)):
        found = [change for change in seen.altered if _is_norm_step(change, written=written)]
        if not found:
            continue
        modules = set(map(module_of, found))
        others = [each for each in seen.altered if module_of(each) in modules and packet_of(each.after.name) in NORM]
        changes: tuple[Change, ...] = distinct((*found, *others))
        if back:
            cause = Cause("fused", "on CUDA F.rms_norm is one kernel")
            yield Claim(cause, "operation", f"F.rms_norm does what was written out ({_places(len(found))})", changes)
        else:
            cause = Cause("unfused", "on CUDA F.rms_norm is one kernel; written out it is several")
            yield Claim(cause, "operation", f"F.rms_norm is written out ({_places(len(found))})", changes)


def _is_norm_step(change: Altered, *, written: bool) -> bool:
    """Whether eps is added out of place and not in place (*written*), or the other way round, between pow and rsqrt."""
    names = (change.before.name, change.after.name)
    if tuple(map(packet_of, names)) != (("aten.add_", "aten.add") if written else ("aten.add", "aten.add_")):
        return False
    body = change.after.body
    around = {packet_of(item.name) for item in body.items if isinstance(item, Work)} if body else set()
    return {"aten.pow", "aten.mean", "aten.rsqrt"} <= around


def optimizer(seen: Seen) -> Iterator[Claim]:
    """The same optimizer's work on all parameters at once became a loop over them, or the other way round."""
    inside = [change for change in seen.changes if phase_of(change) == OPTIMIZER]
    went, came = _names(inside, Removed), _names(inside, Added)
    gone, come = _at_once(went), _at_once(came)
    if gone == come or not (went and came) or any(isinstance(change, Replaced) for change in inside):
        return
    if (not come and not _are_parts(gone, went, came)) or (not gone and not _are_parts(come, came, went)):
        return
    before, after = seen.difference.metric("optimizer.ops")
    ops = f" (optimizer.ops {before} -> {after})" if before is not None and after is not None else ""
    many = _looped(inside)
    if not come:
        what = f"the optimizer works on {many} one after the other, no longer at once by {gone}"
    else:
        what = f"the optimizer works on {many} at once by {come}, no longer {f'by {gone}' if gone else 'one by one'}"
    more = (after or 0) > (before or 0)
    cause = Cause("unfused", ONE_BY_ONE) if more else Cause("fused", "few kernels instead of many small ones")
    yield Claim(cause, "operation", f"{what}{ops}", _leading(inside))


ONE_BY_ONE = "many small kernels instead of few; foreach=False, fused=False or differentiable=True?"


def _looped(changes: list[Change]) -> str:
    """``24 parameters``: for how many the work is done."""
    sites = [change.site for change in changes if isinstance(change, (Added, Removed))]
    loops = [block for site in sites for block in (site.item, site.body) if isinstance(block, ParameterLoop)]
    most = max((len(block.parameters) for block in loops), default=0)
    return times(most, "parameter") if most else "the parameters"


def _names(changes: list[Change], kind: type[Added | Removed]) -> frozenset[str]:
    """``_foreach_add_``, ``mul_``: what came or went, inside loops and in the place of something else too."""
    sites = [change.site for change in changes if isinstance(change, kind)]
    swapped = [change for change in changes if isinstance(change, Altered) and change.before.name != change.after.name]
    sites += [change.after if kind is Added else change.before for change in swapped]
    return frozenset(name.removeprefix("aten.") for site in sites for name in work_names(site))


def _at_once(names: frozenset[str]) -> str:
    """``_foreach_ operations``, ``_fused_adamw_``: what works on many parameters at once, if anything does."""
    fused = sorted(name for name in names if name.startswith("_fused_") and name.endswith("_"))
    if fused:
        return ", ".join(fused)
    return "_foreach_ operations" if any(name.startswith("_foreach_") for name in names) else ""


def _are_parts(at_once: str, many: frozenset[str], single: frozenset[str]) -> bool:
    """Whether the *single* operations do what the *many* did, or the other way round; not merely something else."""
    done = {name.removeprefix("_foreach_").rstrip("_") for name in many if name.startswith("_foreach_")}
    return at_once.startswith("_fused_") or bool(done & {name.rstrip("_") for name in single})


def _leading(changes: list[Change]) -> tuple[Change, ...]:
    """Module calls and phases first, which stand for most."""
    whole = [each for each in changes if isinstance(each, (Added, Removed)) and isinstance(each.site.item, Block)]
    return distinct((*whole, *changes))
