"""Two graphs, or two models, as one subject: what came and went in one tree."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_torchgraph.explorer.module import Module, Place, grown, walked

if TYPE_CHECKING:
    from pytest_torchgraph.comparison import Comparison
    from pytest_torchgraph.explorer.subject import Subject


def of_pair(before: Subject, after: Subject, comparison: Comparison | None) -> Subject:
    """*after*, with the modules of *before* that it no longer has among its own, and what changed."""
    tree = merged(before.tree, after.tree)
    gone = frozenset(module.path for module in walked(tree)) - {module.path for module in walked(after.tree)}
    return replace(
        after,
        title=f"{before.title} → {after.title}",
        tree=tree,
        alone=after.tree,
        gone=gone,
        before=before,
        comparison=comparison,
        amounts={},
    ).warmed()


def merged(before: Module, after: Module) -> Module:
    """The tree after with what is only before; that holds nothing any more."""
    places = {
        module.path: Place(module.path, module.class_name, module.arguments, module.held, module.same_as)
        for module in walked(after)
    }
    for module in walked(before):
        if module.path not in places:
            places[module.path] = Place(module.path, module.class_name, module.arguments)
    for module in [*walked(after), *walked(before)]:
        place = places[module.path]
        known = {child.path for child in place.children}
        place.children += [places[child.path] for child in module.children if child.path not in known]
    return grown(places[""])
