"""Entries of the catalogue by the names that people write, and what is known of one as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from textwrap import indent
from typing import Any

from pytest_torchgraph.catalog.aliases import one_function
from pytest_torchgraph.catalog.entry import ApiEntry, Catalogue, OperatorEntry
from pytest_torchgraph.catalog.reach import described as reached
from pytest_torchgraph.catalog.reach import stored_table
from pytest_torchgraph.catalog.summary import described, operator_described

SHOWN_CALLS = 12
SHORT = {"F": "torch.nn.functional", "Tensor": "torch.Tensor", "nn.functional": "torch.nn.functional"}
SHORT |= {name: f"torch.{name}" for name in ("linalg", "fft", "special", "sparse")}


def full_namespace(name: str) -> str:
    """``torch.nn.functional`` for ``F``."""
    return SHORT.get(name, name)


def full_name(name: str) -> str:
    """*name* as the catalogue spells it: ``F.relu`` and ``aten::add.Tensor`` have other names there."""
    name = name.replace("::", ".").removeprefix("torch.ops.")
    namespace, dot, last = name.rpartition(".")
    return f"{full_namespace(namespace)}{dot}{last}"


def found(catalogue: Catalogue, name: str) -> list[ApiEntry | OperatorEntry]:
    """Every entry that *name* may mean: the one of this full name, else all with this last part."""
    wanted = full_name(name)
    api = [entry for entries in catalogue.api.values() for entry in entries.values()]
    entries: list[ApiEntry | OperatorEntry] = [*api, *catalogue.operators.values()]
    if "." in wanted:
        overload = {f"{one.full_name}.{each.name}" for one in catalogue.operators.values() for each in one.overloads}
        packet = wanted.rpartition(".")[0] if wanted in overload else wanted
        return [entry for entry in entries if entry.full_name in (wanted, packet)]
    return [entry for entry in entries if entry.name == wanted]


def explained(catalogue: Catalogue, name: str) -> str:
    """All that is known of *name*; raises :exc:`LookupError` with names like it."""
    entries = found(catalogue, name)
    if not entries:
        raise LookupError(f"there is no operation {name!r} in PyTorch {catalogue.torch}{close(catalogue, name)}")
    leads = one_function(entry for of_namespace in catalogue.api.values() for entry in of_namespace.values())
    blocks = []
    for entry in entries:
        if isinstance(entry, OperatorEntry):
            lines = [operator_described(entry), *callers_of(entry)]
        else:
            lines = [described(entry), *names_and_reach(entry, leads)]
        blocks.append(f"{entry.full_name}\n{indent(chr(10).join(lines), '  ')}\n")
    return "\n".join(blocks)


def names_and_reach(entry: ApiEntry, leads: Mapping[str, str]) -> Iterator[str]:
    """The other names of *entry*, and what the stored table says of the first name that it has."""
    end = leads[entry.full_name]
    same = [other for other, of_other in leads.items() if of_other == end and other != entry.full_name]
    if same:
        yield f"same function: {', '.join(same)}"
    table = stored_table()
    call = next(filter(None, map(table.of, [entry.full_name, *same])), None)
    if call is not None:
        yield from reached(call)


def same_function(api: Mapping[str, Mapping[str, ApiEntry]], name: str) -> list[Any]:
    """The live objects of *name* and of all its other names; raises :exc:`LookupError` with names like it."""
    __tracebackhide__ = True
    leads = one_function(entry for entries in api.values() for entry in entries.values())
    wanted = full_name(name)
    if wanted not in leads:
        raise LookupError(f"PyTorch has no {name!r}{like(wanted, leads)}")
    entries = (entry for of_namespace in api.values() for entry in of_namespace.values())
    return [entry.callable for entry in entries if leads[entry.full_name] == leads[wanted]]


def callers_of(operator: OperatorEntry) -> Iterator[str]:
    """The API calls that led to *operator* when the stored table was made."""
    calls = stored_table().calls_that_reach(operator.full_name)
    if calls:
        more = f" and {len(calls) - SHOWN_CALLS} more" if len(calls) > SHOWN_CALLS else ""
        yield f"reached by {', '.join(calls[:SHOWN_CALLS])}{more}"


def close(catalogue: Catalogue, name: str) -> str:
    """The end of a message: names like *name*."""
    api = [entry for entries in catalogue.api.values() for entry in entries.values()]
    wanted = full_name(name)
    known = [*(entry.full_name for entry in api), *catalogue.operators]
    if "." not in wanted:
        known = [full.rpartition(".")[2] for full in known]
    return like(wanted, known)


def like(name: str, known: Iterable[str]) -> str:
    """``; did you mean …?`` where something is spelled like *name*."""
    lowered = {one.lower(): one for one in known}
    matches = [lowered[match] for match in get_close_matches(name.lower(), lowered, n=3, cutoff=0.6)]
    return f"; did you mean {', '.join(matches)}?" if matches else ""
