"""The four documents of an inventory as Markdown: what exists, file by file, who includes whom, and an index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from pytest_torchgraph.catalog.autograd.area import AREAS, LAYERS, MEANING, PYTHON, STRUCTURE
from pytest_torchgraph.catalog.autograd.dependency import Dependencies, circle, in_order
from pytest_torchgraph.catalog.autograd.guide import common_tasks, learning_paths, quick_start
from pytest_torchgraph.catalog.autograd.lookup import last
from pytest_torchgraph.catalog.autograd.markdown import anchor, code, page, plain, table
from pytest_torchgraph.catalog.autograd.source import BackwardNode, Definition, Inventory, SourceFile
from pytest_torchgraph.words.counting import times

INVENTORY = "PYTORCH_AUTOGRAD_SOURCE_INVENTORY.md"
DETAILS = "PYTORCH_AUTOGRAD_FILE_DETAILS.md"
MAP = "PYTORCH_AUTOGRAD_DEPENDENCY_MAP.md"
INDEX = "PYTORCH_AUTOGRAD_INVENTORY_INDEX.md"
KEY_CLASSES, KEY_FUNCTIONS = 4, 4
LISTED = 60
"""Definitions of one file that are told one by one; generated files have hundreds."""


def documents(inventory: Inventory, map_of: Dependencies) -> dict[str, str]:
    """File name and text of each document."""
    return {
        INVENTORY: source_inventory(inventory),
        DETAILS: file_details(inventory, map_of),
        MAP: dependency_map(inventory, map_of),
        INDEX: index(inventory, map_of),
    }


def of_area(inventory: Inventory, area: str) -> list[SourceFile]:
    """The files of one functional area, sorted by path."""
    return [file for file in inventory.files if file.area == area]


def key_definitions(file: SourceFile) -> list[Definition]:
    """The longest classes and functions of *file*, in its order."""
    classes = [one for one in file.definitions if one.kind != "function"]
    functions = [one for one in file.definitions if one.kind == "function"]
    chosen = [
        *sorted(classes, key=lambda one: one.line - one.end_line)[:KEY_CLASSES],
        *sorted(functions, key=lambda one: one.line - one.end_line)[:KEY_FUNCTIONS],
    ]
    return sorted(chosen, key=lambda one: one.line)


def where(one: Definition) -> str:
    """Name and line."""
    return f"{code(last(one.name))} {one.line}"


def source_inventory(inventory: Inventory) -> str:
    """Every file by functional area."""
    sections = [
        [f"The autograd sources of {plain(inventory.origin)}. Numbers behind names are lines."],
        statistics(inventory),
    ]
    for area in AREAS:
        files = of_area(inventory, area)
        rows = ([*sized(file), ", ".join(map(where, key_definitions(file))), plain(file.summary)] for file in files)
        head = ("file", "language", "lines", "bytes", "key classes and functions", "about")
        sections.append([f"## {area}", "", f"{times(len(files), 'file')}: {MEANING[area]}.", "", *table(head, rows)])
    return page("PyTorch autograd: source inventory", *sections, gaps(inventory))


def sized(file: SourceFile) -> list[str]:
    """The first cells of a file's row."""
    return [code(file.path), file.language, str(file.lines), str(file.size_bytes)]


def statistics(inventory: Inventory) -> list[str]:
    """How many files there are, by language and area."""
    languages = sorted({file.language for file in inventory.files})
    counts = Counter((file.area, file.language) for file in inventory.files)
    totals = [str(sum(counts[area, language] for area in AREAS)) for language in languages]
    rows = [
        [
            f"[{area}]({anchor(area)})",
            *(str(counts[area, language]) for language in languages),
            str(len(of_area(inventory, area))),
        ]
        for area in AREAS
    ]
    all_row = ["all", *totals, str(len(inventory.files))]
    return ["## Statistics", "", *table(("area", *languages, "files"), [*rows, all_row])]


def gaps(inventory: Inventory) -> list[str]:
    """What could not be read."""
    if not inventory.gaps:
        return ["## Gaps", "", "None: everything that belongs here could be read."]
    return ["## Gaps", "", *(f"- {code(gap.path)}: {plain(gap.reason)}" for gap in inventory.gaps)]


def file_details(inventory: Inventory, map_of: Dependencies) -> str:
    """Classes, functions and neighbours of every file."""
    sections: list[Sequence[str]] = [[f"What each autograd source of {plain(inventory.origin)} defines."]]
    for area in AREAS:
        sections.append([f"## {area}"])
        sections += [list(file_section(file, map_of)) for file in of_area(inventory, area)]
    return page("PyTorch autograd: file details", *sections)


def file_section(file: SourceFile, map_of: Dependencies) -> Iterator[str]:
    """One file."""
    yield f"### {code(file.path)}"
    yield ""
    about = f" {plain(file.summary)}" if file.summary else ""
    layer = f", layer {file.layer}" if file.layer else ""
    yield f"{file.language}, {times(file.lines, 'line')}, {times(file.size_bytes, 'byte')}{layer}.{about}"
    told = file.definitions if len(file.definitions) <= LISTED else key_definitions(file)
    if told:
        yield ""
        yield from map(definition_line, told)
    if len(told) < len(file.definitions):
        yield f"- and {times(len(file.definitions) - len(told), 'more definition')}"
    for word, paths in (("Includes", map_of.targets[file.path]), ("Included by", map_of.users[file.path])):
        if paths:
            yield ""
            yield f"{word} {', '.join(map(code, paths))}."
    if file.unread:
        yield ""
        yield f"The grammar went past lines {', '.join(map(str, file.unread[:20]))}{' …' * (len(file.unread) > 20)}."


def definition_line(one: Definition) -> str:
    """One class or function: where it stands, what it derives from, and its fields."""
    lines = str(one.line) if one.line == one.end_line else f"{one.line}-{one.end_line}"
    bases = f", derives from {', '.join(map(code, one.bases))}" if one.bases else ""
    fields = [member.name for member in one.members if member.kind == "field"]
    methods = list(dict.fromkeys(member.name for member in one.members if member.kind == "function"))
    kept = f"; fields {code(', '.join(fields))}" if fields else ""
    does = f"; functions {code(', '.join(methods))}" if methods else ""
    about = f": {plain(one.comment)}" if one.comment else ""
    return f"- {one.kind} {code(one.name)} ({lines}){bases}{about}{kept}{does}"


def dependency_map(inventory: Inventory, map_of: Dependencies) -> str:
    """Layers, who includes whom between them, cycles, and the most used files."""
    return page(
        "PyTorch autograd: dependency map",
        [f"Who includes whom among the autograd sources of {plain(inventory.origin)}."],
        layers(inventory),
        between(map_of),
        cycles(map_of),
        compilation_order(map_of),
        ["## Most included", "", *table(("file", "included by"), most_used(map_of))],
        [
            "## From outside",
            "",
            *table(("include", "files"), ([code(name), str(n)] for name, n in map_of.outside[:30])),
        ],
        ["## Includes of each file", "", *includes(map_of)],
    )


def layers(inventory: Inventory) -> list[str]:
    """The six layers, the one that users see first."""
    lines = ["## Layers", "", f"From what users call ({PYTHON}) down to what everything stands on ({STRUCTURE}).", ""]
    for number, layer in enumerate(LAYERS, 1):
        files = [file for file in inventory.files if file.layer == layer]
        names = ", ".join(code(file.path.rpartition("/")[2]) for file in files)
        lines.append(f"{number}. **{layer}**, {times(len(files), 'file')}, {MEANING[layer]}: {names}")
    return lines


def between(map_of: Dependencies) -> list[str]:
    """A table of includes: rows include columns."""
    rows = ([upper, *(str(map_of.between_layers.get((upper, lower), "")) for lower in LAYERS)] for upper in LAYERS)
    return ["## Includes between layers", "", "A row includes a column.", "", *table(("layer", *LAYERS), rows)]


def cycles(map_of: Dependencies) -> list[str]:
    """Files that reach each other, with a shortest way round."""
    lines = ["## Cycles", ""]
    if not map_of.cycles:
        return [*lines, "None."]
    lines += ["The dependencies are not acyclic: a reader of one file of a circle needs all of them.", ""]
    for component in map_of.cycles:
        way = " → ".join(map(code, circle(component, map_of.at_once)))
        lines.append(
            f"- {len(component)} files that reach each other: {', '.join(map(code, component))}. One way: {way}"
        )
    return lines


def compilation_order(map_of: Dependencies) -> list[str]:
    """The steps in which files can be compiled or imported."""
    lines = ["## Compilation order", "", "A file needs only files of earlier steps, and those of its own circle."]
    for number, step in enumerate(in_order(map_of), 1):
        told = (" + ".join(map(code, circle_of)) for circle_of in step)
        lines += ["", f"{number}. {', '.join(told)}"]
    return lines


def most_used(map_of: Dependencies) -> list[list[str]]:
    """The twenty files that most others include."""
    ranked = sorted(map_of.users.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [[code(path), str(len(users))] for path, users in ranked[:20] if users]


def includes(map_of: Dependencies) -> list[str]:
    """One line for each file that includes another one."""
    return [f"- {code(path)} → {', '.join(map(code, used))}" for path, used in map_of.targets.items() if used]


def index(inventory: Inventory, map_of: Dependencies) -> str:
    """Where to find what."""
    return page(
        "PyTorch autograd: index",
        [f"The autograd sources of {plain(inventory.origin)}: {times(len(inventory.files), 'file')}."],
        quick_start(inventory),
        documents_section(),
        learning_paths(inventory, map_of),
        common_tasks(inventory),
        ["## Classes", "", *table(("class", "file", "line"), classes(inventory))],
        ["## Backward nodes", "", *table(("node", "file", "line", "forward"), map(node_row, inventory.nodes))],
        ["## Files", "", *table(("file", "area"), ([code(one.path), one.area] for one in inventory.files))],
        gaps(inventory),
    )


def documents_section() -> list[str]:
    """The four documents, and which question each answers."""
    rows = (
        ("Which files are there?", f"[source inventory]({INVENTORY})"),
        ("What does a file define?", f"[file details]({DETAILS})"),
        ("Who includes whom?", f"[dependency map]({MAP})"),
        ("Where is a class?", "[classes](#classes), [backward nodes](#backward-nodes)"),
        ("In which order is all compiled?", f"[compilation order]({MAP}#compilation-order)"),
        ("Where do I begin?", "[quick start](#quick-start), [learning paths](#learning-paths)"),
        ("Where is what I want to do?", "[common tasks](#common-tasks)"),
        ("What did a node save, and by which formula does it go back?", code("torchgraph autograd show NAME")),
        ("What is the graph of a model?", code("torchgraph autograd graph module:factory")),
    )
    return ["## Quick reference", "", *table(("question", "answer"), rows)]


def classes(inventory: Inventory) -> Iterator[list[str]]:
    """Classes of the layers, by name; nodes have a table of their own."""
    nodes = {node.qualified for node in inventory.nodes}
    found = (
        (one, file) for file in inventory.files if file.layer for one in file.definitions if one.kind != "function"
    )
    for one, file in sorted(found, key=lambda pair: (last(pair[0].name).lower(), pair[1].path, pair[0].line)):
        if one.name not in nodes:
            yield [code(one.name), code(file.path), str(one.line)]


def node_row(node: BackwardNode) -> list[str]:
    """One backward node."""
    forward = node.formula.schema.partition("(")[0] if node.formula else ""
    return [code(node.name), code(node.path), str(node.line), code(forward)]
