"""A canonical graph as the text of a snapshot file."""

from __future__ import annotations

from pytest_torchgraph.canonical.program import Leaf, Operand, Program
from pytest_torchgraph.recorded.collector import collector_paused
from pytest_torchgraph.snapshot.folding import fold
from pytest_torchgraph.snapshot.head import ROOT, Head, head_lines
from pytest_torchgraph.snapshot.limits import check_operations
from pytest_torchgraph.snapshot.patterns import is_output_path
from pytest_torchgraph.snapshot.spelling import Body, class_text, scope_body
from pytest_torchgraph.snapshot.tree import Node, lines_of
from pytest_torchgraph.snapshot.values import Values
from pytest_torchgraph.words.quoting import quote

END = "end"


def write(program: Program, *, test: str, recorded: str) -> str:
    """The whole text of the snapshot of *program* that *test* owns; *recorded* is a note that is not compared.

    Raises ``ValueError`` for a graph of more operations than a file may have (:mod:`~.limits`).
    """
    check_operations(dict(program.metrics).get("ops", 0))
    head = Head(
        test=test,
        recorded=recorded,
        run=program.run,
        metrics=program.metrics,
        peak_at=program.peak_at,
        alive=program.alive,
        compilation=program.compilation,
    )
    with collector_paused():
        return "\n".join([*head_lines(head), *lines_of(fold((root_node(program),))), END, ""])


def root_node(program: Program) -> Node:
    """The whole graph as one tree of lines, nothing folded."""
    root = program.root
    if root.name or root.call != 1 or root.inputs:
        raise ValueError("the root of a program has no name and no call before it, and its inputs are items")
    outputs = tuple(operand for _, operand in program.outputs)
    body, nodes = scope_body(root, (), None, Values(()), outputs)
    returns = [_output_node(path, operand, body) for path, operand in program.outputs]
    exports = " -> " + ", ".join(map(body.reference, root.exports)) if root.exports else ""
    body.values.let_go()
    return Node(f"{ROOT} {class_text(root.class_name)}{exports}", (*nodes, *returns))


def _output_node(path: str, operand: Operand, body: Body) -> Node:
    value = body.operand(operand)
    if isinstance(operand.reference, Leaf) and not value.startswith("$"):
        value = f"${value}"
    plain = is_output_path(path) and path.isprintable()
    return Node(f"return {path if plain else quote(path)} = {value}" if path else f"return {value}")
