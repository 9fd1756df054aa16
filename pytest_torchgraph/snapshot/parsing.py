"""Lines as items: the body of a scope from its unfolded lines."""

from __future__ import annotations

import re

from pytest_torchgraph.canonical.naming import (
    Wish,
    is_input,
    operation_wish,
    semantic_word,
    value_names,
)
from pytest_torchgraph.canonical.operands import operands_in
from pytest_torchgraph.canonical.program import (
    AnyBlock,
    Block,
    Given,
    Operand,
    ParameterLoop,
    Reference,
    Result,
    Semantic,
    Work,
    operand_of,
)
from pytest_torchgraph.recorded.tensor import TensorSpec
from pytest_torchgraph.snapshot.blocks import Begun, begun
from pytest_torchgraph.snapshot.calls import read_arguments, read_results
from pytest_torchgraph.snapshot.earlier import LAST_MADE_FIRST, in_order_of_making
from pytest_torchgraph.snapshot.errors import SnapshotUnreadable, unreadable
from pytest_torchgraph.snapshot.head import VERSION
from pytest_torchgraph.snapshot.inner import saved_of
from pytest_torchgraph.snapshot.operations import operation_of, semantic_of
from pytest_torchgraph.snapshot.parameters import read_parameters
from pytest_torchgraph.snapshot.patterns import CALLED, LINE, VALUE
from pytest_torchgraph.snapshot.reading import Base, base_of, reading_of
from pytest_torchgraph.snapshot.tensor import spec_of
from pytest_torchgraph.snapshot.tree import Node
from pytest_torchgraph.snapshot.values import Values
from pytest_torchgraph.words.quoting import name_of

_EXPORT = re.compile(rf"({VALUE})(?::(\d+))?(?:, |$)", re.ASCII)
_LEAVES = "leaves "


class Leaves:
    """The leaves of one scope, in the order in which their specs were read."""

    def __init__(self) -> None:
        self.declared: list[tuple[str, TensorSpec]] = []
        self.specs: dict[str, TensorSpec] = {}

    def leaf(self, path: str, spec: TensorSpec | None, reading: str) -> Operand:
        """The leaf *path*; with *spec*, the scope has it from here on."""
        if spec is None:
            if path not in self.specs:
                raise ValueError(f"no dtype and sizes of a parameter {path} stand above in this scope")
        elif path in self.specs:
            raise ValueError(f"the dtype and sizes of {path} stand above in this scope already")
        else:
            self.declared.append((path, spec))
            self.specs[path] = spec
        plain = operand_of(path)
        if not reading:
            return plain
        return Operand(plain.reference, reading_of(reading, base_of(self.specs[path])))


class Body:
    """The items of one body, read line by line, and what the names in it stand for."""

    def __init__(self, values: Values, leaves: Leaves, words: list[Wish]) -> None:
        self.values = values
        self.leaves = leaves
        self.leaf = leaves.leaf
        values.given_names = value_names(words)
        self.names = {name: index for index, name in enumerate(values.given_names)}
        self._begun: set[tuple[type[AnyBlock], str]] = set()

    def reference(self, name: str, position: int) -> Reference:
        """The value ``%name:position``, which stands above the line that names it."""
        return self._plain(name, position).reference

    def _plain(self, name: str, position: int) -> Operand:
        index = self.names.get(name)
        if index is not None and index < len(self.values.made):
            if (position or self.values.gives_nothing(index)) and position >= self.values.count(index):
                raise ValueError(f"%{name} has no result {position}")
            return operand_of((index, self.values.place(index, position)))
        if is_input(name) and int(name[2:]) < len(self.values.inputs):
            return operand_of(int(name[2:]))
        raise ValueError(f"no value %{name} stands above this line")

    def begin(self, first: Begun) -> None:
        """Take in that the block of *first* is the next item; each stands once in a body."""
        key = first.kind, first.text
        if key in self._begun:
            raise ValueError(f"{first.text} stands above already")
        self._begun.add(key)

    def operand(self, name: str, position: int, reading: str) -> Operand:
        """The value ``%name:position`` as an operand."""
        plain = self._plain(name, position)
        if not reading:
            return plain
        return Operand(plain.reference, reading_of(reading, self.values.resolve(plain.reference)))

    def saved(self, name: str, position: int, reading: str) -> Operand:
        """The forward value ``^name:position`` as an operand."""
        saved = saved_of(name, position, self.values)
        return Operand(saved, reading_of(reading, self.values.resolve(saved)) if reading else None)

    def exports(self, text: str) -> tuple[Result, ...]:
        """What an arrow at the end of a scope's line names; without one, the first result of the last item."""
        if not text:
            last = len(self.values.made) - 1
            if last < 0 or not self.values.count(last):
                raise ValueError("nothing beneath this line makes a value: such a scope ends with ' -> none'")
            return (Result(last),)
        if text == " -> none":
            return ()
        found = list(_EXPORT.finditer(text, 4))
        references = [self.reference(one[1][1:], int(one[2] or 0)) for one in found]
        results = tuple(one for one in references if isinstance(one, Result))
        if not text.startswith(" -> ") or not found or found[-1].end() != len(text) or len(results) != len(found):
            raise ValueError(f"' -> ' and values of this scope were expected at {text!r}")
        return results


class Inlined:
    """The names in a scope that stands on one line: values are the outer body's, leaves its own."""

    def __init__(self, outer: Body, own: Values) -> None:
        self.outer = outer
        self.own = own
        self.leaves = Leaves()
        self.leaf = self.leaves.leaf
        self.taken: list[Operand] = []

    def operand(self, name: str, position: int, reading: str) -> Operand:
        """The outer value as an input of the scope, the next one when it is named for the first time."""
        operand = self.outer.operand(name, position, reading)
        if operand not in self.taken:
            self.taken.append(operand)
        return operand_of(self.taken.index(operand))

    def saved(self, name: str, position: int, reading: str) -> Operand:
        """The forward value, as seen from the scope."""
        saved = saved_of(name, position, self.own)
        return Operand(saved, reading_of(reading, self.own.resolve(saved)) if reading else None)


class Parser:
    """Reads the bodies of one file; equal bodies that are given equal values are read once."""

    def __init__(self, path: str, version: int = VERSION) -> None:
        self.path = path
        self.version = version
        self.works = 0
        self._bodies: dict[tuple[int, tuple[Base | None, ...]], tuple[Body, int, tuple[Node, ...]]] = {}
        self._lines: dict[str, re.Match[str]] = {}

    def scope(self, nodes: tuple[Node, ...], values: Values) -> Body:
        """The body of a scope whose *values* tell so far what it takes."""
        if not values.is_forward:  # what its names stand for depends on the forward call
            leaves = Leaves()
            values.leaves = leaves.specs
            return self.body(nodes, values, leaves)
        inputs = values.inputs
        key = (id(nodes), inputs)
        known = self._bodies.get(key)
        if known is None:
            before = self.works
            leaves = Leaves()
            body = self.body(nodes, Values(inputs, leaves.specs, values.outer), leaves)
            # The nodes are kept with what was read from them, so that their id stays theirs.
            known = self._bodies[key] = (body, self.works - before, nodes)
        else:
            self.works += known[1]
        return known[0]

    def body(self, nodes: tuple[Node, ...], values: Values, leaves: Leaves) -> Body:
        """The body whose lines are *nodes*."""
        if nodes and nodes[0].text.startswith(_LEAVES):
            self._declare(nodes[0], leaves)
            nodes = nodes[1:]
        lines = [self.line(node) for node in nodes]
        begins = list(map(self._begun, nodes, lines))
        body = Body(values, leaves, list(map(_wish, nodes, lines, begins)))
        for node, line, first in zip(nodes, lines, begins, strict=True):
            try:
                self._item(node, line, first, body)
            except SnapshotUnreadable:
                raise
            except ValueError as error:
                raise self.error(node, str(error)) from None
        return body

    def line(self, node: Node) -> re.Match[str]:
        """What kind of line *node* is: what ``CALLED`` or ``LINE`` found there."""
        found = CALLED.match(node.text) or self._lines.get(node.text)
        if found is None:
            found = LINE.match(node.text)
            if found is None:
                raise self.error(node, "this is no line of a snapshot")
            self._lines[node.text] = found
        return found

    def _begun(self, node: Node, line: re.Match[str]) -> Begun | None:
        """The block that begins with *line*, if one does."""
        try:
            return None if line.re is CALLED else begun(line)
        except ValueError as error:
            raise self.error(node, str(error)) from None

    def error(self, node: Node, what: str) -> SnapshotUnreadable:
        """The error for *what* is wrong with the line of *node*."""
        return unreadable(self.path, node.line, what, node.text)

    def _declare(self, node: Node, leaves: Leaves) -> None:
        try:
            read_arguments(f"{node.text})", len(_LEAVES), Body(Values(()), leaves, []))
        except ValueError as error:
            raise self.error(node, str(error)) from None

    def _item(self, node: Node, line: re.Match[str], first: Begun | None, body: Body) -> None:
        if line.re is CALLED:
            self._call(node, line, body)
        elif first is not None:
            self._block(node, line.end(), first, body)
        elif line["given"] and not node.children:
            body.values.add(Given(line["given"], name_of(line["name"] or ""), spec_of(line["spec"])))
        else:
            raise ValueError("this line does not belong here")

    def _call(self, node: Node, line: re.Match[str], body: Body) -> None:
        text = node.text
        arguments, keywords, position = read_arguments(text, line.end(), body)
        if not _is_semantic(node):
            told = text[position:]
            outcomes, becomes, wait, end = read_results(told, body)
            if end != len(told):
                raise ValueError(f"nothing stands after the results of an operation: {told[end:]!r}")
            self.works += 1
            body.values.add(Work(operation_of(line[1]), arguments, keywords, outcomes, becomes, wait))
            return
        bases = tuple(map(body.values.through, operands_in((*arguments, *(value for _, value in keywords)))))
        inner = self.body(node.children, Values(bases, body.values.leaves, body.values), body.leaves)
        exports = self._exports(text[position:], inner, body)
        name = semantic_of(line[1])
        body.values.add(Semantic(name, arguments, keywords, tuple(inner.values.made), exports), inner.values)

    def _block(self, node: Node, position: int, first: Begun, body: Body) -> None:
        text = node.text
        body.begin(first)
        values = body.values.beneath(first.kind, first.name, first.turn.number)
        inputs: tuple[Operand, ...] | None = None
        if text.startswith("(", position):
            taken, keywords, position = read_arguments(text, position + 1, body)
            inputs = tuple(one for one in taken if isinstance(one, Operand))
            if keywords or len(inputs) != len(taken):
                raise ValueError("a scope takes tensors alone")
        if text.startswith(" = ", position):
            inputs, inner, position = self._single(node, position + 3, body, values, inputs)
        else:
            values.inputs = tuple(map(body.values.through, inputs or ()))
            works = self.works
            inner = self.scope(node.children, values)
        parameters: tuple[str, ...] = ()
        if first.kind is ParameterLoop:
            parameters, position = self._loop(text, position, body, self.works - works if first.name == "each" else 0)
        held = Block(
            inputs=inputs or (),
            leaves=tuple(inner.leaves.declared),
            items=tuple(inner.values.made),
            exports=self._exports(text[position:], inner, body),
        )
        body.values.add(first.block(held, parameters), inner.values)

    def _exports(self, text: str, inner: Body, outer: Body) -> tuple[Result, ...]:
        """What leaves a scope that is the next item of *outer*."""
        exports = inner.exports(text)
        if self.version <= LAST_MADE_FIRST and len(exports) > 1:
            exports, outer.values.places[len(outer.values.made)] = in_order_of_making(exports)
        return exports

    def _loop(self, text: str, position: int, body: Body, works: int) -> tuple[tuple[str, ...], int]:
        """The parameters of a loop, and where they end; *works* are the operations that each of them comes to."""
        trained = body.values.outer.trained() if body.values.outer else set()
        parameters, position = read_parameters(text, position, trained)
        self.works += (len(parameters) - 1) * works
        return parameters, position

    def _single(
        self, node: Node, position: int, outer: Body, values: Values, inputs: tuple[Operand, ...] | None
    ) -> tuple[tuple[Operand, ...], Body, int]:
        """The scope whose one operation stands on its own line, naming the outer values unless *inputs* are given."""
        line = CALLED.match(node.text, position)
        if line is None or node.children:
            raise ValueError("one operation stands after '=', and nothing beneath it")
        inlined = Inlined(outer, values)
        leaves = inlined.leaves
        words = [operation_wish(operation_of(line[1]))]
        values.inputs, values.leaves = tuple(map(outer.values.through, inputs or ())), leaves.specs
        body = Body(values, leaves, words)
        names = inlined if inputs is None else body
        arguments, keywords, position = read_arguments(node.text, line.end(), names)
        outcomes, becomes, wait, end = read_results(node.text[position:], names)
        if inputs is None:
            inputs = tuple(inlined.taken)
            body.values.inputs = tuple(map(outer.values.through, inputs))
        self.works += 1
        body.values.add(Work(operation_of(line[1]), arguments, keywords, outcomes, becomes, wait))
        return inputs, body, position + end


def _wish(node: Node, line: re.Match[str], first: Begun | None) -> Wish:
    """What the item of a line would be called, by the rule that ``naming.wish`` has for items."""
    if line.re is CALLED:
        name = line[1]
        is_semantic = _is_semantic(node)
        return Wish(semantic_word(semantic_of(name)), False) if is_semantic else operation_wish(operation_of(name))
    if first is not None:
        return Wish(first.text, True)
    if line["given"]:
        return Wish(line["name"], True) if line["name"] else Wish(line["given"], False)
    return Wish("", False)


def _is_semantic(node: Node) -> bool:
    """Whether a call's line is that of an API call: it has lines beneath, or says that it has none."""
    return bool(node.children) or node.text.endswith(" -> none")
