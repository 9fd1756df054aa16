"""What a name stands for in the autograd sources: a backward node, a class or function, a member of one, a file."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeAlias

from pytest_torchgraph.catalog.autograd.area import CORE, PYTHON_CORE
from pytest_torchgraph.catalog.autograd.node import close, find
from pytest_torchgraph.catalog.autograd.source import BackwardNode, Definition, Inventory, Member, SourceFile
from pytest_torchgraph.quick import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Defined:
    """A class, an enumeration or a function, and the file that defines it."""

    file: SourceFile
    definition: Definition


@dataclass(frozen=True, slots=True)
class Part:
    """A field or a function of a class."""

    whole: Defined
    member: Member


Found: TypeAlias = "BackwardNode | Defined | Part | SourceFile"


def last(name: str) -> str:
    """``Node`` for ``torch::autograd::Node``, ``apply`` for ``Function.apply``."""
    plain_name, opening, arguments = name.partition("<")
    return plain_name.rpartition("::")[2].rpartition(".")[2] + opening + arguments


def look_up(inventory: Inventory, name: str) -> list[Found]:
    """All that *name* stands for, PyTorch's own autograd first; of several kinds the first that there is.

    A file is named by the end of its path: ``engine.h``, ``functions/utils.h``.
    """
    node = find(inventory.nodes, name)
    if node is not None:
        return [node]
    files = sorted(inventory.files, key=_distance)
    defined, called = [*defined_as(files, name)], [*files_called(files, name)]
    return [*defined] or [*called] or [*parts_called(files, name)]


def _distance(file: SourceFile) -> tuple[bool, str]:
    """Autograd's own files before others."""
    return CORE not in file.path and not file.path.startswith(PYTHON_CORE), file.path


def defined_as(files: Iterable[SourceFile], name: str) -> Iterator[Defined]:
    """Definitions whose name, or whose last part, is *name*."""
    for file in files:
        for one in file.definitions:
            if name in (one.name, last(one.name)):
                yield Defined(file, one)


def parts_called(files: Iterable[SourceFile], name: str) -> Iterator[Part]:
    """Members that are called *name*, or ``Class::name``."""
    owner, _, wanted = name.replace(".", "::").rpartition("::")
    for file in files:
        for one in file.definitions:
            if not owner or owner in (one.name, last(one.name)):
                yield from (Part(Defined(file, one), member) for member in one.members if member.name == wanted)


def files_called(files: Iterable[SourceFile], name: str) -> Iterator[SourceFile]:
    """Files whose path ends in *name*."""
    return (file for file in files if f"/{file.path}".endswith(f"/{name}"))


def alike(inventory: Inventory, name: str) -> list[str]:
    """Names like *name*, for a message: nodes first."""
    known = {last(one.name) for file in inventory.files for one in file.definitions}
    known |= {file.path.rpartition("/")[2] for file in inventory.files}
    lowered = {one.lower(): one for one in sorted(known)}
    others = [lowered[match] for match in get_close_matches(name.lower(), lowered, n=3, cutoff=0.7)]
    return list(dict.fromkeys([*close(inventory.nodes, name), *others]))[:5]
