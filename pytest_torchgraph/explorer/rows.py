"""The tree as rows: what is open, what is folded, what a search leaves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING

from pytest_torchgraph.explorer.folding import Run
from pytest_torchgraph.explorer.module import Module, walked
from pytest_torchgraph.quick import dataclass

if TYPE_CHECKING:
    from pytest_torchgraph.explorer.search import Found
    from pytest_torchgraph.explorer.subject import Subject

BRANCH, LAST, THROUGH, GAP = "├─", "└─", "│ ", "  "


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the tree.

    ``modules`` are all that it stands for, those of a fold and of what is inside it. ``fold`` names the first of the
    neighbours that are or could be folded here, ``""`` where there are none.
    """

    modules: tuple[Module, ...]
    name: str
    guides: str
    depth: int
    is_open: bool
    is_fold: bool
    fold: str
    matches: bool = False

    @property
    def first(self) -> Module:
        """The module that stands for all."""
        return self.modules[0]

    @property
    def path(self) -> str:
        """The path of the first module."""
        return self.modules[0].path

    @property
    def opens(self) -> bool:
        """Whether there is something inside."""
        return bool(self.modules[0].children)


@dataclass(slots=True)
class State:
    """What is open and what is unfolded, by path; while something is searched, ``opened_found`` besides."""

    opened: set[str] = field(default_factory=lambda: {""})
    unfolded: set[str] = field(default_factory=set)
    opened_found: set[str] = field(default_factory=set)
    found: Found | None = None

    def toggle(self, row: Row, *, to: bool | None = None) -> None:
        """Open or close *row*; while something is searched, show all inside it or only what was found."""
        opened = self.opened if self.found is None else self.opened_found
        wanted = row.path not in opened if to is None else to
        (opened.add if wanted else opened.discard)(row.path)

    def toggle_fold(self, row: Row) -> None:
        """Tell the neighbours of *row* that are alike one by one, or as one."""
        if row.fold:
            (self.unfolded.discard if row.fold in self.unfolded else self.unfolded.add)(row.fold)

    def open_to(self, tree: Module, depth: int | None) -> None:
        """Open everything that is less than *depth* deep; without it, everything."""
        self.opened = {one.path for one in walked(tree) if one.children and (depth is None or one.depth < depth)}

    def reveal(self, path: str) -> None:
        """Open all around *path*."""
        parts = path.split(".")
        self.opened.update({"", *(".".join(parts[:end]) for end in range(1, len(parts)))})


class Rows:
    """Makes the rows of one subject; what modules have in common is worked out once."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.likeness = subject.likeness

    def of(self, state: State) -> list[Row]:
        """The rows, the model itself first."""
        tree = self.subject.tree
        root = Row(
            modules=(tree,),
            name=tree.class_name,
            guides="",
            depth=0,
            is_open=state.found is not None or "" in state.opened,
            is_fold=False,
            fold="",
            matches=state.found is not None and "" in state.found.matched,
        )
        return [root, *self._beneath(root, state, "")] if root.is_open else [root]

    def _beneath(self, around: Row, state: State, guides: str) -> Iterator[Row]:
        children = self._children(around, state)
        for place, child in enumerate(children):
            is_last = place == len(children) - 1
            row = replace(child, guides=guides + (LAST if is_last else BRANCH))
            yield row
            if row.is_open:
                yield from self._beneath(row, state, guides + (GAP if is_last else THROUGH))

    def _children(self, around: Row, state: State) -> list[Row]:
        deepest = self.subject.config.max_depth
        if deepest is not None and around.depth >= deepest:
            return []
        found, first = state.found, around.first
        whole = found is None or around.path in state.opened_found
        children = first.children
        if not whole and found is not None:
            children = tuple(child for child in children if child.path in found.shown)
        place = {child.path: index for index, child in enumerate(first.children)}
        rows: list[Row] = []
        for run in self._kept(first, children, state) if whole else self._runs(children, state):
            unfolded = run.is_fold and run.first.path in state.unfolded
            for members in [(one,) for one in run.members] if unfolded or not run.is_fold else [run.members]:
                everywhere = tuple(outer.children[place[one.path]] for outer in around.modules for one in members)
                rows.append(self._row(run, members, everywhere, around, state))
        return rows

    def _row(
        self, run: Run, members: Sequence[Module], everywhere: tuple[Module, ...], around: Row, state: State
    ) -> Row:
        first, found = members[0], state.found
        is_fold = len(members) > 1
        if found is None:
            is_open = first.path in state.opened
        else:
            inside = any(child.path in found.shown for child in first.children)
            is_open = inside or first.path in state.opened_found
        return Row(
            modules=everywhere,
            name=run.name if is_fold else first.name,
            guides="",
            depth=around.depth + 1,
            is_open=is_open and bool(first.children),
            is_fold=is_fold,
            fold=run.first.path if run.is_fold else "",
            matches=found is not None and first.path in found.matched,
        )

    def _kept(self, module: Module, children: Sequence[Module], state: State) -> Sequence[Run]:
        """The runs of all *children* of *module*; those of a tree in which nothing is searched are worked out once."""
        if state.found is not None:
            return list(self._runs(children, state))
        key = "runs", module.path
        if key not in self.subject.amounts:
            self.subject.amounts[key] = tuple(self._runs(children, state))
        found: tuple[Run, ...] = self.subject.amounts[key]
        return found

    def _runs(self, modules: Sequence[Module], state: State) -> Iterator[Run]:
        """Neighbours that are alike, and in which the same was found and the same changed."""
        for run in self.likeness.runs(modules):
            if not run.is_fold:
                yield run
                continue
            members: list[Module] = []
            for module in run.members:
                if members and self._signs(members[-1], state) != self._signs(module, state):
                    yield Run(tuple(members))
                    members = []
                members.append(module)
            yield Run(tuple(members))

    def _signs(self, module: Module, state: State) -> object:
        found, changes = state.found, self.subject.changes
        if found is None and not changes:
            return ()
        inside = [(one.path.removeprefix(module.path), one.path) for one in walked(module)]
        return [
            (name, found is not None and path in found.matched, changes.get(path, 0))
            for name, path in inside
            if changes.get(path) or (found is not None and path in found.matched)
        ]
