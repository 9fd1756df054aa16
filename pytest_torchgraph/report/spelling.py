"""One operation or one edit as a person would say it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter

from pytest_torchgraph.canonical.program import (
    AnyBlock,
    Argument,
    Block,
    Given,
    Operand,
    Outcome,
    ParameterLoop,
    Semantic,
    Work,
)
from pytest_torchgraph.diff.change import (
    Added,
    Altered,
    BreakChanged,
    CompileChange,
    GraphChanged,
    HeadChange,
    LeafChanged,
    ModuleChange,
    Moved,
    OutputChanged,
    RecompileChanged,
    Removed,
    Renamed,
    Replaced,
    Site,
    SiteChange,
    Value,
)
from pytest_torchgraph.diff.grouping import Group
from pytest_torchgraph.diff.showing import operation_word
from pytest_torchgraph.diff.signature import named_arguments, signature_of
from pytest_torchgraph.recorded.compilation import GraphBreak, Recompilation
from pytest_torchgraph.recorded.tensor import TensorSpec
from pytest_torchgraph.snapshot.operations import operation_text, semantic_text
from pytest_torchgraph.snapshot.tensor import spec_text
from pytest_torchgraph.verdict.title import given_text, input_text, plain_text
from pytest_torchgraph.verdict.wording import field_text, leaf_text, read_text, shown_text
from pytest_torchgraph.words.closed import assert_never
from pytest_torchgraph.words.counting import listed, times

TEXT: Callable[[TensorSpec], str] = attrgetter("text")
FEW = 3


def site_text(site: Site) -> str:
    """``clone(%q) f32[2,4,16,16] stride(1024,16,64,1)``: one item on one line, in the words of the snapshot's file."""
    match site.item:
        case Work(name=name, outcomes=outcomes):
            made = ", ".join(_outcome_text(outcome, spec_text) for outcome in outcomes if outcome is not None)
            return f"{operation_text(name)}({_arguments(site.item, site)}) {made}".rstrip()
        case Semantic(name=name):
            return f"{semantic_text(name)}({_arguments(site.item, site)})"
        case Block(name=name, class_name=class_name):
            return f"{name.lstrip('/')}: {class_name}" if class_name else _loop_text(site.item) or name
        case Given(kind=kind, name=name, spec=spec):
            return f"{kind} %{name} {spec.text}" if name else f"{kind} {spec.text}"


def _arguments(item: Work | Semantic, site: Site) -> str:
    reads = iter(site.reads)
    parts = [_argument_text(argument, reads) for argument in item.arguments]
    parts += [f"{name}={_argument_text(argument, reads)}" for name, argument in item.keywords]
    return ", ".join(parts)


def _argument_text(argument: Argument, reads: Iterator[Value]) -> str:
    if isinstance(argument, Operand):
        return read_text(next(reads))
    if isinstance(argument, tuple):
        return f"[{', '.join(_argument_text(each, reads) for each in argument)}]"
    return shown_text(argument)


def _outcome_text(outcome: Outcome, of_spec: Callable[[TensorSpec], str] = TEXT) -> str:
    """A result; *of_spec* writes its tensors, without strides unless it is another."""
    if isinstance(outcome, TensorSpec):
        return of_spec(outcome)
    if isinstance(outcome, tuple):
        return f"[{', '.join(_outcome_text(each, of_spec) for each in outcome)}]"
    return "" if isinstance(outcome, Operand) else shown_text(outcome)


def group_text(group: Group) -> str:
    """What was done in each scope: ``+3 clone of %q, %k, %v f32[2,4,16,16]``."""
    first = group.first
    match first:
        case Added(site) | Removed(site):
            sign = "+" if isinstance(first, Added) else "-"
            return f"{sign}{_amount(group)}{_item_text(site, group)}{_done_text(site.body)}"
        case Altered(_, site):
            return f"{_amount(group)}{_altered_text(first)}{_done_text(site.body)}"
        case Moved():
            stood = first.before.scope if first.before.stood is None else first.before.stood
            elsewhere = f" from {str(stood) or 'the model'}" if first.before.scope != first.after.scope else ""
            return f"{_amount(group)}{site_text(first.after)} moved{elsewhere}"
        case _:
            return _other_text(first)


def short_text(group: Group) -> str:
    """The edit in few words, without what it reads and how that lies in memory: ``+3 clone f32[2,4,64,16]``."""
    first = group.first
    if not isinstance(first, SiteChange):
        return ""
    match first:
        case Added(site) | Removed(site):
            sign = "+" if isinstance(first, Added) else "-"
            return f"{sign}{_amount(group)}{_short_item(site, group)}"
        case Altered(before, after):
            kinds = {field.kind for field in first.fields}
            telling = [field for field in first.fields if field.kind not in LYING] or first.fields[:1]
            if "name" in kinds or isinstance(after.item, Given):
                return ""
            word = operation_word(after.name) if isinstance(after.item, Work) else semantic_text(before.name)
            return f"{_amount(group)}{word}: {field_text(telling[0])}"
        case Moved():
            return f"{_amount(group)}{operation_word(first.after.name)} moved"
        case _:
            assert_never(first)


def word_text(group: Group) -> str:
    """What came or went in one word, ``+3 clone``; empty for other edits."""
    first = group.first
    if not isinstance(first, (Added, Removed)):
        return ""
    return f"{'+' if isinstance(first, Added) else '-'}{_amount(group)}{_word_of(first.site)}"


def _word_of(site: Site) -> str:
    match site.item:
        case Work(name=name):
            return operation_word(name)
        case Semantic(name=name):
            return semantic_text(name)
        case ParameterLoop():
            return "loop"
        case Block(class_name=class_name, name=name):
            return class_name or name
        case Given(kind=kind):
            return kind


LYING = frozenset({"stride", "geometry", "shape"})
"""Kinds of fields that say how a tensor lies in memory."""


def _short_item(site: Site, group: Group) -> str:
    match site.item:
        case Work(name=name, outcomes=outcomes):
            made = next((outcome for outcome in outcomes if isinstance(outcome, TensorSpec)), None)
            names = list(dict.fromkeys(_first_names(group)))
            of = f" of {', '.join(names)}" if 0 < len(names) <= FEW else ""
            return f"{operation_word(name)}{of} {made.text}" if made else f"{operation_word(name)}{of}"
        case Semantic(name=name):
            return semantic_text(name)
        case ParameterLoop(parameters=parameters):
            return f"loop over {times(len(parameters), 'parameter')}"
        case Block(class_name=class_name, name=name):
            return class_name or name
        case Given(kind=kind, spec=spec):
            return f"{kind} {spec.text}"


def _first_names(group: Group) -> Iterator[str]:
    """The values that the edit reads first, without how they are read."""
    sites = [change.site for change in group.changes if isinstance(change, (Added, Removed))]
    return (site.reads[0].name for site in sites if site.scope == sites[0].scope and site.reads)


def _done_text(body: object) -> str:
    """`` for each of 24 parameters``: of work in a loop, for how many it is done."""
    if not isinstance(body, ParameterLoop):
        return ""
    count = times(len(body.parameters), "parameter")
    return f" for each of {count}" if body.name == "each" else f" on {count} at once"


def _loop_text(block: AnyBlock) -> str:
    """``9 operations on 24 parameters at once (_foreach_mul_, _foreach_sqrt, …)``; empty for what is no loop."""
    if not isinstance(block, ParameterLoop):
        return ""
    names = list(dict.fromkeys(operation_word(item.name) for item in block.items if isinstance(item, Work)))
    told = listed(names, FEW)
    return f"{times(len(block.items), 'operation')}{_done_text(block)} ({told})"


def _amount(group: Group) -> str:
    """How many in each scope, where it is more than one: ``3 ``."""
    each = group.per_scope
    return "" if each == 1 else f"{each} " if each else f"{len(group.changes)} in all: "


def _item_text(site: Site, group: Group) -> str:
    if isinstance(site.item, Block):
        operations = {change.operations for change in group.changes if isinstance(change, (Added, Removed))}
        loop = _loop_text(site.item)
        if loop:
            return loop
        what = site.item.class_name or site.item.name
        return f"{what} ({times(max(operations), 'operation')})"
    if isinstance(site.item, Semantic):
        return _call_text(site)
    if not isinstance(site.item, Work):
        return site_text(site)
    made = ", ".join(_outcome_text(outcome) for outcome in site.item.outcomes if outcome is not None)
    names = dict.fromkeys(_operand_names(group))
    if len(names) > 4:
        names = {name: None for name in names if name.startswith("%")} or names
    of = f" of {listed(list(names), 4)}" if names else ""
    return f"{operation_word(site.name)}{of} {made}".rstrip()


def _call_text(site: Site) -> str:
    """An API call with what it reads, and those of its other arguments that are not the default."""
    assert isinstance(site.item, Semantic)
    named = named_arguments(site.item)
    usual = signature_of(site.item).defaults
    told = [
        f"{name}={shown_text(value)}"
        for name, value in named.items()
        if not isinstance(value, (Operand, tuple)) and (name not in usual or value != usual[name])
    ]
    reads = dict.fromkeys(read_text(value) for value in site.reads)
    return f"{semantic_text(site.item.name)} of {', '.join([*reads, *told])}"


def _operand_names(group: Group) -> Iterator[str]:
    """What the edit reads: of one operation everything, of several the first operand of each in the first scope."""
    sites = [change.site for change in group.changes if isinstance(change, (Added, Removed))]
    within = [site for site in sites if site.scope == sites[0].scope]
    if len(within) == 1:
        yield from map(read_text, within[0].reads)
    else:
        yield from (read_text(site.reads[0]) for site in within if site.reads)


def _altered_text(change: Altered) -> str:
    fields = [field_text(field) for field in change.fields]
    if change.fields[0].kind == "name":
        before, after = operation_word(change.before.name), operation_word(change.after.name)
        if before == after:
            before, after = (side.name.removeprefix("aten.") for side in (change.before, change.after))
        swapped = f"{before} -> {after}"
        reads = f" of {change.after.reads[0].name}" if change.after.reads else ""
        return ", ".join([f"{swapped}{reads}", *fields[1:]])
    if isinstance(change.after.item, Given):
        return f"{given_text(change)} {input_text(change)}"
    colon = "" if change.fields[0].kind == "leaf" else ":"
    is_call = isinstance(change.after.item, Semantic)
    word = semantic_text(change.after.name) if is_call else operation_word(change.after.name)
    return f"{word}{colon} {', '.join(fields)}"


def fact_text(fact: GraphBreak | Recompilation | None) -> str:
    """The line at which the compiler stopped, or which it compiled again, as it stands in the code."""
    if fact is None:
        return ""
    line = fact.line
    told = line.text or line.function
    return f"`{told}` in {line.function}" if isinstance(fact, GraphBreak) else f"`{told}`: {fact.guard}"


def _other_text(change: ModuleChange | HeadChange | CompileChange | OutputChanged) -> str:
    match change:
        case LeafChanged(scope, path, before, after):
            return f"{path.removeprefix(f'{scope}.')} {leaf_text(before, after)}"
        case Renamed(_, before, after) | Replaced(_, before, after):
            return f"{before} -> {after}"
        case BreakChanged(before=one, after=other) | RecompileChanged(before=one, after=other):
            return fact_text(other or one)
        case GraphChanged():
            return change.after.line.function
        case _:
            return plain_text(change)
