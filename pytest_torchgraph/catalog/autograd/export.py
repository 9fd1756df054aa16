"""An inventory in a folder: the four documents, JSON and DOT."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from pytest_torchgraph.catalog.autograd.area import AREAS, LAYERS
from pytest_torchgraph.catalog.autograd.dependency import Dependencies, dependencies
from pytest_torchgraph.catalog.autograd.documents import documents
from pytest_torchgraph.catalog.autograd.source import Inventory

JSON = "autograd_inventory.json"
DOT = "autograd_dependencies.dot"


def export(inventory: Inventory, folder: Path) -> list[Path]:
    """Write every file of *inventory* and return their paths; raises ``OSError`` where *folder* cannot be made."""
    map_of = dependencies(inventory.files)
    folder.mkdir(parents=True, exist_ok=True)
    texts = {**documents(inventory, map_of), JSON: to_json(inventory, map_of), DOT: to_dot(inventory, map_of)}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def to_json(inventory: Inventory, map_of: Dependencies) -> str:
    """All of it; paths are keys of the maps."""
    whole = {
        **asdict(inventory),
        "areas": AREAS,
        "layers": LAYERS,
        "includes": map_of.targets,
        "included_by": map_of.users,
        "cycles": map_of.cycles,
        "outside": map_of.outside,
    }
    return json.dumps(whole, indent=1) + "\n"


def to_dot(inventory: Inventory, map_of: Dependencies) -> str:
    """The files of the layers as a Graphviz graph; includes within a cycle are red."""
    return "\n".join(["digraph autograd {", *dot_lines(inventory, map_of), "}"]) + "\n"


def dot_lines(inventory: Inventory, map_of: Dependencies) -> Iterator[str]:
    """Nodes by layer, then edges."""
    yield '  rankdir=TB; node [shape=box, fontname="sans-serif"];'
    shown = {file.path for file in inventory.files if file.layer}
    for number, layer in enumerate(LAYERS):
        yield f"  subgraph cluster_{number} {{"
        yield f"    label={quoted(layer)};"
        for file in inventory.files:
            if file.layer == layer:
                yield f"    {quoted(file.path)} [label={quoted(file.path.rpartition('/')[2])}];"
        yield "  }"
    circle_of = {path: number for number, component in enumerate(map_of.cycles) for path in component}
    for path, targets in map_of.targets.items():
        for target in targets:
            if path in shown and target in shown:
                together = path in circle_of and circle_of[path] == circle_of.get(target)
                yield f"  {quoted(path)} -> {quoted(target)}{' [color=red]' if together else ''};"


def quoted(text: str) -> str:
    """*text* as an identifier of DOT."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
