"""The tree of modules behind a graph: those that were called, and those that hold what was read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_torchgraph.analysis.traffic import width_of
from pytest_torchgraph.explorer.formatting import format_shape
from pytest_torchgraph.explorer.module import Held, Module, Place, grown, walked

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.recorded.tensor import Storage


def tree_of_graph(graph: Graph, *, model: Module | None = None) -> Module:
    """The tree of *graph*; with that of the live *model*, its modules and what was called besides."""
    growing = Growing(graph.scopes[0].class_name if model is None else model.class_name)
    for module in walked(model) if model is not None else ():
        growing.add(module)
    for scope in graph.scopes[1:]:
        growing.called(scope.path, scope.class_name)
    if model is None:
        for path, held in held_of(graph):
            growing.place(path).held += (held,)
        for place in growing.places.values():
            place.arguments = weight_text(place)
    return grown(growing.places[""])


class Growing:
    """Places while they are gathered; one that is only passed through on the way to others has no class."""

    def __init__(self, class_name: str) -> None:
        self.places = {"": Place("", class_name)}

    def add(self, module: Module) -> None:
        """Take over a module of a live model."""
        place = self.place(module.path)
        place.class_name, place.arguments = module.class_name, module.arguments
        place.held, place.same_as = module.held, module.same_as

    def called(self, path: str, class_name: str) -> None:
        """Note a call of a module."""
        place = self.place(path)
        place.class_name = place.class_name or class_name

    def place(self, path: str) -> Place:
        """The place at *path*, made with all around it where there is none yet."""
        known = self.places.get(path)
        if known is None:
            known = self.places[path] = Place(path, "")
            self.place(path.rpartition(".")[0]).children.append(known)
        return known


def held_of(graph: Graph) -> Iterator[tuple[str, Held]]:
    """What modules hold, with the path of its module. A file knows no bytes, and calls every leaf a parameter."""
    is_file = graph.memory.lives is None
    for storage in graph.storages:
        if storage.kind in {"parameter", "buffer"} and storage.name:
            path, _, name = storage.name.rpartition(".")
            yield path, held(storage, name, is_file=is_file)


def held(storage: Storage, name: str, *, is_file: bool) -> Held:
    """One storage that a module holds under *name*."""
    spec = storage.spec
    known = all(size >= 0 for size in spec.shape)
    count = 1
    for size in spec.shape:
        count *= size
    return Held(
        name=name,
        kind="leaf" if is_file else "buffer" if storage.kind == "buffer" else "parameter",
        shape=spec.shape if known else None,
        dtype=spec.dtype,
        device=spec.device,
        bytes=storage.bytes if storage.bytes is not None else count * width_of(spec.dtype) if known else None,
        trainable=None,
        identity=storage.index,
    )


def weight_text(place: Place) -> str:
    """``weight 64×3×7×7``: what a graph tells of what a module was made with."""
    weight = next((one for one in place.held if one.name == "weight"), None)
    return f"weight {format_shape(weight.shape)}" if weight is not None and weight.shape else ""
