"""Which callables are one function under several names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pytest_torchgraph.catalog.entry import ApiEntry

ROLE = r":(?:func|meth|class):`~?\.?([\w.]+)(?:\(\))?`"
ALIAS = re.compile(rf"\b[Aa]lias (?:for|of|to) {ROLE}")
METHOD = re.compile(rf"^\s*See {ROLE}")
IN_PLACE = re.compile(rf"\b[Ii]n-?place version of {ROLE}")
SHORT = {"Tensor.": "torch.Tensor.", "F.": "torch.nn.functional."}


def with_aliases(namespaces: Mapping[str, Mapping[str, ApiEntry]]) -> dict[str, dict[str, ApiEntry]]:
    """*namespaces* with ``alias_of``, ``method_of`` and ``in_place_of`` filled in."""
    entries = [entry for namespace in namespaces.values() for entry in namespace.values()]
    known = {entry.full_name for entry in entries}
    first = first_names(entries)
    related: dict[str, dict[str, ApiEntry]] = {namespace: {} for namespace in namespaces}
    for entry in entries:
        related[entry.namespace][entry.name] = relate(entry, known, first[id(entry.callable)])
    return related


def first_names(entries: Iterable[ApiEntry]) -> dict[int, str]:
    """The name under which each object is told, by its id: a public one, in the first namespace that has one."""
    first: dict[int, ApiEntry] = {}
    for entry in entries:
        before = first.setdefault(id(entry.callable), entry)
        if before.is_private and not entry.is_private:
            first[id(entry.callable)] = entry
    return {key: entry.full_name for key, entry in first.items()}


def relate(entry: ApiEntry, known: set[str], first: str) -> ApiEntry:
    """*entry* with the names of what it is the same as."""
    text = getattr(entry.callable, "__doc__", None) or ""
    if entry.kind == "class" or not isinstance(text, str):
        return replace(entry, alias_of=first if first != entry.full_name else None)
    named: dict[str, Any] = {
        relation: resolve(found[1], entry, known) if found else None
        for relation, found in (
            ("alias_of", ALIAS.search(text.strip().partition("\n\n")[2][:200] or text[:200])),
            ("method_of", METHOD.match(text.strip().partition("\n\n")[2])),
            ("in_place_of", IN_PLACE.search(text[:400])),
        )
    }
    if first != entry.full_name:
        named["alias_of"] = first
    return replace(entry, **named)


def resolve(written: str, entry: ApiEntry, known: set[str]) -> str | None:
    """The full name of what a docstring refers to; ``None`` for what is not in the catalogue, or is *entry* itself."""
    for short, full in SHORT.items():
        if written.startswith(short):
            written = full + written[len(short) :]
    for candidate in (written, f"{entry.namespace}.{written}", f"torch.{written}"):
        if candidate in known and candidate != entry.full_name:
            return candidate
    return None


def one_function(entries: Iterable[ApiEntry]) -> dict[str, str]:
    """For each full name, the name that stands for its function: aliases and methods followed to their end."""
    leads = {entry.full_name: entry.alias_of or entry.method_of for entry in entries}
    return {name: end_of(name, leads) for name in leads}


def end_of(name: str, leads: Mapping[str, str | None]) -> str:
    """Where the chain from *name* ends; two names that call each other the alias end at the first of them."""
    chain = [name]
    while (after := leads.get(chain[-1])) is not None:
        if after in chain:
            return min(chain[chain.index(after) :])
        chain.append(after)
    return chain[-1]
