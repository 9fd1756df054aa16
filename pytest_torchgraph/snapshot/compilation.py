"""What the compiler made of a model, as lines of a snapshot's head, and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field, replace

from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.compilation import (
    Backend,
    CodeLine,
    Compilation,
    CompiledGraph,
    GraphBreak,
    Recompilation,
)
from pytest_torchgraph.words.quoting import QUOTED, quote, rest_of, rest_text, unquote

_PLAIN = r"[\w.<>+-]+"
_TOKEN = rf"(?:{_PLAIN}|{QUOTED})"
_PLACE = rf"in (?P<module>{_TOKEN}) at (?P<function>{_TOKEN}) (?P<file>{_TOKEN})(?: (?P<text>{QUOTED}))?"
_FORWARD = re.compile(
    rf"graph (?P<number>\d+) forward (?P<count>\d+)(?: ×(?P<runs>\d+))? {_PLACE}(?P<dynamic>(?: dynamic {QUOTED})*)",
    re.ASCII,
)
_BACKWARD = re.compile(r"graph (?P<number>\d+) backward (?P<count>\d+)(?: recomputes (?P<again>\d+))?", re.ASCII)
_BREAK = re.compile(rf"break (?P<id>GB\d+|-) {_PLACE}: (?P<reason>.+)", re.ASCII)
_RECOMPILE = re.compile(rf"recompile {_PLACE}: (?P<guard>.+)", re.ASCII)
_QUOTED = re.compile(QUOTED)


def compilation_lines(compilation: Compilation | None) -> Iterator[str]:
    """``graph 1 forward 52 in "" at forward model.py``, its backward part, each break and each recompilation."""
    if compilation is None:
        return
    for graph in compilation.graphs:
        runs = "" if graph.runs == 1 else f" ×{graph.runs}"
        dynamic = "".join(f" dynamic {quote(one)}" for one in graph.dynamic)
        yield f"graph {graph.number} forward {graph.forward}{runs} {_place_text(graph.module, graph.line)}{dynamic}"
        if graph.backward is not None:
            again = f" recomputes {graph.recomputed}" if graph.recomputed else ""
            yield f"graph {graph.number} backward {graph.backward}{again}"
    for one in compilation.breaks:
        yield f"break {one.id or '-'} {_place_text(one.module, one.line)}: {rest_text(one.reason)}"
    for made in compilation.recompiles:
        yield f"recompile {_place_text(made.module, made.line)}: {rest_text(made.guard)}"


def _place_text(module: str, line: CodeLine) -> str:
    text = f" {quote(line.text)}" if line.text else ""
    return f"in {_token(module)} at {_token(line.function)} {_token(line.file)}{text}"


def _token(text: str) -> str:
    return text if re.fullmatch(_PLAIN, text, re.ASCII) else quote(text)


@dataclass(slots=True)
class Made:
    """What the lines of a head told so far."""

    graphs: list[CompiledGraph] = field(default_factory=list)
    breaks: list[GraphBreak] = field(default_factory=list)
    recompiles: list[Recompilation] = field(default_factory=list)

    @property
    def anything(self) -> bool:
        """Whether any line told of the compiler."""
        return bool(self.graphs or self.breaks or self.recompiles)

    def take(self, line: str) -> bool:
        """Take in *line*; whether it tells of the compiler."""
        return self._take_graph(line) or self._take_break(line) or self._take_recompile(line)

    def by(self, backend: Backend, uncompiled: int) -> Compilation:
        """All that was told, of *backend*."""
        return Compilation(
            backend=backend,
            graphs=tuple(self.graphs),
            breaks=tuple(self.breaks),
            recompiles=tuple(self.recompiles),
            uncompiled=uncompiled,
        )

    def _take_graph(self, line: str) -> bool:
        if found := _FORWARD.fullmatch(line):
            self.graphs.append(
                CompiledGraph(
                    number=int(found["number"]),
                    module=_word(found["module"]),
                    line=_line(found),
                    forward=int(found["count"]),
                    runs=int(found["runs"] or 1),
                    dynamic=tuple(unquote(one[0]) for one in _QUOTED.finditer(found["dynamic"])),
                )
            )
            return True
        found = _BACKWARD.fullmatch(line)
        if found is None or not self.graphs or self.graphs[-1].number != int(found["number"]):
            return False
        self.graphs[-1] = replace(self.graphs[-1], backward=int(found["count"]), recomputed=int(found["again"] or 0))
        return True

    def _take_break(self, line: str) -> bool:
        found = _BREAK.fullmatch(line)
        if found is None:
            return False
        name = "" if found["id"] == "-" else found["id"]
        module, reason = _word(found["module"]), rest_of(found["reason"])
        self.breaks.append(GraphBreak(id=name, reason=reason, module=module, line=_line(found)))
        return True

    def _take_recompile(self, line: str) -> bool:
        found = _RECOMPILE.fullmatch(line)
        if found is None:
            return False
        module, guard = _word(found["module"]), rest_of(found["guard"])
        self.recompiles.append(Recompilation(guard=guard, module=module, line=_line(found)))
        return True


def _line(found: re.Match[str]) -> CodeLine:
    text = found["text"]
    return CodeLine(_word(found["file"]), _word(found["function"]), unquote(text) if text else "")


def _word(text: str) -> str:
    return unquote(text) if text.startswith('"') else text
