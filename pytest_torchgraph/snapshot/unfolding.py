"""Write folded lines out again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pytest_torchgraph.snapshot.allowance import Allowance
from pytest_torchgraph.snapshot.errors import SnapshotUnreadable, unreadable
from pytest_torchgraph.snapshot.lists import lengthen
from pytest_torchgraph.snapshot.marks import (
    AS,
    COUNTED,
    ESCAPE,
    LIKE,
    REFERENCE,
    REPEAT,
    SLICE,
    counted_template,
    is_plain,
    path_in,
    scope_of,
)
from pytest_torchgraph.snapshot.template import LETTERS, Counter, instantiate
from pytest_torchgraph.snapshot.tree import Node

Nodes = tuple[Node, ...]


def unfold(nodes: Nodes, allowance: Allowance, path: str = "<snapshot>") -> Nodes:
    """The lines that ``fold`` was given, equal bodies as one object.

    Raises ``SnapshotUnreadable`` for a reference to nothing, and before it would write out more than *allowance* has.
    """
    unfolded = tuple(_Unfolding(path, allowance).siblings(nodes, "", None))
    allowance.take(unfolded)
    return unfolded


class _Unfolding:
    """One pass over folded lines in their order, with the bodies that were written in full so far."""

    def __init__(self, path: str, allowance: Allowance) -> None:
        self._path = path
        self._allowance = allowance
        self._bodies: dict[str, Nodes] = {}
        self._named: list[str] = []
        self._depth = 0

    def siblings(self, nodes: Iterable[Node], parent: str, like: Nodes | None) -> Iterator[Node]:
        """*nodes* unfolded; *parent* is the path they stand in, *like* the body that slices among them are of."""
        for node in nodes:
            if not node.children and is_plain(node.text):
                yield node
                continue
            try:
                yield from self._node(node, parent, like)
            except SnapshotUnreadable:
                raise
            except ValueError as error:
                raise self._error(node, str(error)) from None

    def _node(self, node: Node, parent: str, like: Nodes | None) -> Iterable[Node]:
        text = node.text
        if text.startswith(ESCAPE):
            children = tuple(self.siblings(node.children, parent, None))
            self._allowance.take(children)
            return (Node(text[1:], children, node.line),)
        if text.startswith("... ["):
            return self._slice(node, like)
        if "×" in text:
            repeat = REPEAT.fullmatch(text)
            if repeat:
                return (self._throughout if repeat["throughout"] else self._repeat)(node, repeat, parent)
            counted = COUNTED.fullmatch(text)
            if counted:
                return self._counted(node, counted, parent)
            text = lengthen(text, self._counter(0), self._allowance)
        if not node.children and AS not in text:
            return (node if text is node.text else Node(text, (), node.line),)
        children, text = self._children(node, text, text, parent)
        self._allowance.take(children)
        return (Node(text, children, node.line),)

    def _children(self, node: Node, text: str, first: str, parent: str) -> tuple[Nodes, str]:
        """The body of *node* and its line without a reference; *first* is that line in the first repetition."""
        reference = REFERENCE.fullmatch(text)
        if reference is None:
            return self._body(node, first, parent, None), text
        body = self._bodies.get(reference["path"])
        if body is None:
            raise self._error(node, f"no body of {reference['path']} stands above this line")
        plain = reference["text"]
        if reference["how"] != LIKE:
            if node.children:
                raise self._error(node, f"nothing stands beneath a line that ends with{reference[0][len(plain) :]!r}")
            return body, plain
        return self._body(node, first, parent, body), plain

    def _body(self, node: Node, first: str, parent: str, like: Nodes | None) -> Nodes:
        scope = scope_of(first) if node.children else None
        if scope is None:
            return tuple(self.siblings(node.children, parent, like))
        path = path_in(parent, scope[0])
        children = tuple(self.siblings(node.children, path, like))
        if like is None and " " not in path:
            self._name(path, children)
        return children

    def _name(self, path: str, body: Nodes) -> None:
        """Let *body* be known by the path of the first scope that has it."""
        if path not in self._bodies:
            self._bodies[path] = body
            self._named.append(path)

    def _slice(self, node: Node, like: Nodes | None) -> Nodes:
        found = SLICE.fullmatch(node.text)
        if found is None or like is None or node.children or not int(found[1]) < int(found[2]) <= len(like):
            raise self._error(node, "these lines are not in the body that this one is like")
        return like[int(found[1]) : int(found[2])]

    def _counted(self, node: Node, found: re.Match[str], parent: str) -> Iterator[Node]:
        count, origin = self._counts(node, found)
        self._allowance.spend(count, 1, len(node.text))
        return self._instances(node, counted_template(found, self._counter(origin)), count, origin, parent)

    def _repeat(self, node: Node, found: re.Match[str], parent: str) -> Iterator[Node]:
        count, origin = self._counts(node, found)
        self._allowance.spend(count, len(node.children), sum(len(child.text) for child in node.children))
        columns = [list(self._instances(child, child.text, count, origin, parent)) for child in node.children]
        if not columns:
            raise self._error(node, "nothing stands beneath this line that could be repeated")
        for row in zip(*columns, strict=True):
            yield from row

    def _throughout(self, node: Node, found: re.Match[str], parent: str) -> Iterator[Node]:
        """The lines beneath *node*, written out anew for each repetition; what they name nothing else can name."""
        count, origin = self._counts(node, found)
        counter = Counter(self._depth, origin, is_escaped=False)
        if self._depth + 1 >= len(LETTERS):
            raise self._error(node, f"up to {len(LETTERS) - 1} repetitions inside one another count throughout")
        self._allowance.spend(count, *_extent(node.children))
        self._depth += 1
        for repetition in range(count):
            before = len(self._named)
            yield from self.siblings(_instance(node.children, repetition, counter), parent, None)
            for path in self._named[before:]:
                del self._bodies[path]
            del self._named[before:]
        self._depth -= 1

    def _counter(self, origin: int) -> Counter:
        return Counter(self._depth, origin, not self._depth)

    def _counts(self, node: Node, found: re.Match[str]) -> tuple[int, int]:
        count = int(found["count"])
        origin = int(found["first"] or 0)
        if count < 2 or (found["last"] and int(found["last"]) - origin + 1 != count):
            raise self._error(node, f"×{count} does not fit the numbers that are counted")
        return count, origin

    def _instances(self, node: Node, template: str, count: int, origin: int, parent: str) -> Iterator[Node]:
        reference = REFERENCE.fullmatch(template)
        plain = reference["text"] if reference else template
        children, _ = (
            self._children(node, template, instantiate(plain, 0, self._counter(origin)), parent)
            if self._has_body(node)
            else ((), plain)
        )
        self._allowance.take(children)
        for repetition in range(count):
            yield Node(instantiate(plain, repetition, self._counter(origin)), children, node.line)

    def _has_body(self, node: Node) -> bool:
        return bool(node.children) or REFERENCE.fullmatch(node.text) is not None

    def _error(self, node: Node, what: str) -> SnapshotUnreadable:
        return unreadable(self._path, node.line, what, node.text)


def _instance(nodes: Nodes, repetition: int, counter: Counter) -> Nodes:
    """*nodes* and all beneath them as they are in *repetition*."""
    return tuple(
        [
            Node(instantiate(node.text, repetition, counter), _instance(node.children, repetition, counter), node.line)
            for node in nodes
        ]
    )


def _extent(nodes: Nodes) -> tuple[int, int]:
    """How many lines and characters *nodes* and all beneath them are."""
    lines = characters = 0
    for node in nodes:
        inner = _extent(node.children)
        lines, characters = lines + 1 + inner[0], characters + len(node.text) + inner[1]
    return lines, characters
