"""The catalogue as JSON, so that two PyTorch versions can be compared; needs no PyTorch."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from pytest_torchgraph.catalog.entry import ApiEntry, Catalogue, OperatorEntry, OverloadEntry

FILE = "operations.json"
FORMAT = 1


class CatalogueUnreadable(ValueError):
    """A file that holds no catalogue."""


def to_json(catalogue: Catalogue) -> str:
    """*catalogue* without its live objects; values that are the default are left out."""
    found = {
        "format": FORMAT,
        "torch": catalogue.torch,
        "api": [sparse(entry) for entries in catalogue.api.values() for entry in entries.values()],
        "operators": {
            name: [sparse(overload) for overload in operator.overloads]
            for name, operator in catalogue.operators.items()
        },
    }
    return json.dumps(found, indent=1) + "\n"


def sparse(entry: ApiEntry | OverloadEntry) -> dict[str, Any]:
    """The fields of *entry* that are not at their default."""
    defaults = {one.name: one.default for one in fields(entry)}
    named = [one.name for one in fields(entry) if one.name != "callable"]
    return {name: getattr(entry, name) for name in named if getattr(entry, name) != defaults[name]}


def load(path: Path) -> Catalogue:
    """The catalogue of an exported folder or its JSON file; raises :exc:`CatalogueUnreadable`."""
    file = path / FILE if path.is_dir() else path
    wanted = "expected what 'torchgraph ops export' writes"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
            raise CatalogueUnreadable(f"{file}: format {found['format']}, expected {FORMAT}; export it again")
        return from_json(found)
    except OSError as error:
        raise CatalogueUnreadable(f"{file}: {error.strerror}; {wanted}") from error
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise CatalogueUnreadable(f"{file}: no exported catalogue; {wanted}") from error


def from_json(found: dict[str, Any]) -> Catalogue:
    """The catalogue that :func:`to_json` wrote."""
    api: dict[str, dict[str, ApiEntry]] = {}
    for values in found["api"]:
        entry = ApiEntry(**listed(values))
        api.setdefault(entry.namespace, {})[entry.name] = entry
    operators = {
        name: OperatorEntry(
            namespace=name.partition(".")[0],
            name=name.partition(".")[2],
            overloads=tuple(OverloadEntry(**listed(overload)) for overload in overloads),
        )
        for name, overloads in found["operators"].items()
    }
    return Catalogue(found["torch"], api, operators)


def listed(values: dict[str, Any]) -> dict[str, Any]:
    """*values* with the tuples that JSON keeps as lists."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
