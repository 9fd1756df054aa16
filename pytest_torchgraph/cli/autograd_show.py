"""What ``torchgraph autograd show`` prints of a node, a class, a function, a member of one, or a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_torchgraph.catalog.autograd.dependency import Dependencies, dependencies
from pytest_torchgraph.catalog.autograd.lookup import Defined, Found, Part
from pytest_torchgraph.catalog.autograd.source import BackwardNode, Inventory, Member, SourceFile
from pytest_torchgraph.words.counting import times

SHOWN = 10
"""How many things of one name are told."""


class Shown:
    """Tells of parts of an *inventory*; paths below *source* or the installed PyTorch are told as they lie there."""

    def __init__(self, inventory: Inventory, source: str | None) -> None:
        self.inventory = inventory
        self.source = source

    def lines(self, found: Sequence[Found]) -> Iterator[str]:
        """All that was found; the first of them where there are many."""
        for one in found[:SHOWN]:
            yield from self._of(one)
        if len(found) > SHOWN:
            yield f"and {len(found) - SHOWN} more"

    def _of(self, found: Found) -> Iterator[str]:
        match found:
            case BackwardNode():
                return self._node(found)
            case Defined():
                return self._definition(found)
            case Part():
                return self._part(found)
            case SourceFile():
                return self._file(found, dependencies(self.inventory.files))

    def _at(self, path: str, line: int) -> str:
        return f"{openable(path, self.source)}:{line}"

    def _node(self, node: BackwardNode) -> Iterator[str]:
        """Where it is, what it saves, and the formula that it was made from."""
        yield f"{node.name} ({node.language} class {node.qualified})"
        yield f"  defined  {self._at(node.path, node.line)}"
        if node.bases:
            yield f"  derives  {', '.join(node.bases)}"
        if node.comment:
            yield f"  about    {node.comment}"
        yield from listed("saves", map(typed, node.saved))
        if node.formula is not None:
            key = "" if node.formula.key == "Default" else f" on {node.formula.key}"
            yield f"  forward  {node.formula.schema}{key}"
            yield from (f"  gradient {name} = {text}" for name, text in node.formula.gradients)
            yield from (f"  tangent  {name} = {text}" for name, text in node.formula.forward)
            yield f"  formula  {self._at(node.formula.path, node.formula.line)}"

    def _definition(self, found: Defined) -> Iterator[str]:
        one = found.definition
        yield f"{one.name} ({found.file.language} {one.kind}, {found.file.area})"
        yield f"  defined  {self._at(found.file.path, one.line)}{f' to {one.end_line}' * (one.end_line > one.line)}"
        if one.bases:
            yield f"  derives  {', '.join(one.bases)}"
        if one.comment:
            yield f"  about    {one.comment}"
        yield from listed("fields", (typed(part) for part in one.members if part.kind == "field"))
        functions = {part.name: part for part in reversed(one.members) if part.kind == "function"}
        yield from listed("does", (f"{part.name} (line {part.line})" for part in reversed(functions.values())))

    def _part(self, found: Part) -> Iterator[str]:
        whole, member = found.whole, found.member
        yield f"{whole.definition.name}::{member.name} ({whole.file.language} {member.kind}, {whole.file.area})"
        yield f"  defined  {self._at(whole.file.path, member.line)}"
        if member.type:
            yield f"  type     {member.type}"

    def _file(self, file: SourceFile, map_of: Dependencies) -> Iterator[str]:
        yield f"{file.name} ({file.language}, {times(file.lines, 'line')}, {file.area})"
        yield f"  lies     {openable(file.path, self.source)}"
        if file.summary:
            yield f"  about    {file.summary}"
        yield from listed("defines", (f"{one.kind} {one.name} (line {one.line})" for one in file.definitions))
        yield from listed("includes", map_of.targets[file.path])
        yield from listed("used by", map_of.users[file.path])


def listed(word: str, texts: Iterator[str] | Sequence[str]) -> Iterator[str]:
    """A line for each of *texts*, the first one behind *word*."""
    for number, text in enumerate(texts):
        yield f"  {word if number == 0 else '':<9}{text}"


def typed(member: Member) -> str:
    """A field with its type and line."""
    return f"{member.name}: {member.type} (line {member.line})"


def openable(path: str, source: str | None) -> str:
    """*path* of the inventory where it lies on this machine."""
    from pytest_torchgraph.catalog.autograd.place import installed

    here = installed()
    roots = [*([Path(source)] if source else []), *([here.root] if here else [])]
    return next((str(root / path) for root in roots if (root / path).is_file()), path)
