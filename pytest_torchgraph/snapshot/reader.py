"""The text of a snapshot file as the canonical graph that it holds."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_torchgraph.canonical.program import ModuleCall, Operand, Program
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.collector import collector_paused
from pytest_torchgraph.snapshot.allowance import Allowance
from pytest_torchgraph.snapshot.calls import read_operand
from pytest_torchgraph.snapshot.earlier import told_from_scopes
from pytest_torchgraph.snapshot.errors import SnapshotUnreadable, unreadable
from pytest_torchgraph.snapshot.head import ROOT, VERSION, Head, read_head
from pytest_torchgraph.snapshot.inner import read_inner
from pytest_torchgraph.snapshot.limits import (
    DIGITS,
    TooLarge,
    check_operations,
    has_long_number,
    levels_of,
    room_for,
)
from pytest_torchgraph.snapshot.parsing import Body, Leaves, Parser
from pytest_torchgraph.snapshot.patterns import CLASS
from pytest_torchgraph.snapshot.tree import Node, nodes_of
from pytest_torchgraph.snapshot.unfolding import unfold
from pytest_torchgraph.snapshot.values import Values
from pytest_torchgraph.words.counting import times
from pytest_torchgraph.words.quoting import QUOTED, name_of

__all__ = ["Snapshot", "SnapshotUnreadable", "read", "read_file"]

_CONFLICT = re.compile(r"([<>|])\1{6}(?: |$)|={7}$")
_MARKS = frozenset("<>|=")
_ROOT = re.compile(rf"{ROOT} ({CLASS}|{QUOTED})", re.ASCII)
_END = "end"
TELLS_WAITS = 2
"""The first format that marks the syncs which a name cannot tell."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a snapshot file holds: the graph, the test that owns it, and the note on what recorded it.

    ``version`` is the format of the file; what an older one could not say is not in its graph.
    """

    program: Program
    test: str
    recorded: str
    version: int = VERSION

    @property
    def is_current(self) -> bool:
        """Whether the file has the format that is written today."""
        return self.version == VERSION


def read_file(path: str | Path) -> Snapshot:
    """The snapshot in the file *path*."""
    return read(_text(path), path=str(path))


def read(text: str, *, path: str = "<snapshot>") -> Snapshot:
    """The snapshot that *text* holds; *path* is the file that errors name. Raises ``SnapshotUnreadable``."""
    lines = _lines(text, path)
    head = read_head(lines, path)
    with collector_paused():
        return _read(lines, head, path)


def _read(lines: list[str], head: Head, path: str) -> Snapshot:
    if lines[-1] != _END:
        raise unreadable(path, len(lines), f"the file is cut: its last line is not '{_END}'", lines[-1])
    allowance = Allowance(_operations(head, path), sum(map(len, lines)))
    folded = nodes_of(lines[head.lines : -1], head.lines + 1, path)
    with room_for(levels_of(lines[head.lines :])):
        nodes = unfold(folded, allowance, path)
    with room_for(allowance.levels):
        return _parsed(nodes, head, path)


def _parsed(nodes: tuple[Node, ...], head: Head, path: str) -> Snapshot:
    parser = Parser(path, head.version)
    root, outputs = _root(nodes, head, parser)
    _check_operations(head, parser.works, path)
    program = Program(
        run=head.run,
        metrics=head.metrics,
        peak_at=head.peak_at,
        alive=head.alive,
        compilation=head.compilation,
        root=root,
        outputs=outputs,
        tells_waits=head.version >= TELLS_WAITS,
    )
    if head.version < VERSION:
        program = told_from_scopes(program)
    return Snapshot(program, head.test, head.recorded, head.version)


def _text(path: str | Path) -> str:
    try:
        return Path(path).read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise unreadable(str(path), 0, f"the file is not UTF-8 text ({error.reason} at byte {error.start})") from None


def _lines(text: str, path: str) -> list[str]:
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").removesuffix("\n").split("\n")
    for number, line in enumerate(lines, 1):
        if len(line) > DIGITS and has_long_number(line):
            raise unreadable(path, number, f"a number of more than {DIGITS} digits is none that was written here", line)
        if line[:1] in _MARKS and _CONFLICT.match(line):
            raise unreadable(
                path,
                number,
                "the file has conflict markers",
                line,
                "A snapshot is not merged by hand: merge the code, then record it again: pytest --torchgraph-update",
            )
    return lines


def _root(nodes: tuple[Node, ...], head: Head, parser: Parser) -> tuple[ModuleCall, tuple[tuple[str, Operand], ...]]:
    first = nodes[0] if nodes else Node("", line=head.lines + 1)
    found = _ROOT.match(first.text)
    if len(nodes) != 1 or found is None:
        extra = nodes[1] if found and len(nodes) > 1 else first
        raise parser.error(extra, f"one graph that begins with '{ROOT}' and a class was expected")
    returns = [node for node in first.children if node.text.startswith("return ")]
    items = tuple(node for node in first.children if not node.text.startswith("return "))
    leaves = Leaves()
    body = parser.body(items, Values((), leaves.specs), leaves)
    outputs = tuple(_output(node, body, parser) for node in returns)
    try:
        exports = body.exports(first.text[found.end() :]) if found.end() < len(first.text) else ()
    except ValueError as error:
        raise parser.error(first, str(error)) from None
    made = tuple(body.values.made)
    root = ModuleCall(name="", class_name=name_of(found[1]), leaves=tuple(leaves.declared), items=made, exports=exports)
    body.values.let_go()
    return root, outputs


def _output(node: Node, body: Body, parser: Parser) -> tuple[str, Operand]:
    line = parser.line(node)
    try:
        operand, end = read_inner(node.text, line.end(), body.values) or read_operand(node.text, line.end(), body)
    except ValueError as error:
        raise parser.error(node, str(error)) from None
    if end != len(node.text) or node.children:
        raise parser.error(node, "one value was expected after 'return'")
    return name_of(line["path"] or ""), operand


def _operations(head: Head, path: str) -> int:
    """How many operations the head counts; a file without such a line may have as many as none needs."""
    counts = [(index, value) for index, (name, value) in enumerate(head.metrics) if name == "ops"]
    for index, value in counts:
        try:
            check_operations(value)
        except TooLarge as error:
            raise unreadable(path, 5 + index, str(error), f"ops {value}") from None
    return max((value for _, value in counts), default=0)


def _check_operations(head: Head, works: int, path: str) -> None:
    for index, (name, value) in enumerate(head.metrics):
        if name == "ops" and value != works:
            raise unreadable(
                path, 5 + index, f"the head counts {times(value, 'operation')}, the graph has {works}", f"ops {value}"
            )
