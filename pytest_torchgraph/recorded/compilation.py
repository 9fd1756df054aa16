"""What compilation makes of a model: graphs, the breaks between them, what is compiled again and why."""

from __future__ import annotations

from dataclasses import field
from typing import Literal, TypeAlias

from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.operation import SourceLine

Backend: TypeAlias = Literal["eager", "aot_eager", "inductor"]
BACKENDS: tuple[Backend, ...] = ("eager", "aot_eager", "inductor")


@dataclass(frozen=True, slots=True)
class CodeLine:
    """A line of code, known by what edits above it leave alone.

    ``file`` is the file's name without folders, ``text`` the line without what surrounds it, empty where the file
    cannot be read. ``source`` tells where it stands now and ``package`` in which package; neither is compared.
    """

    file: str
    function: str
    text: str = ""
    source: SourceLine | None = field(default=None, compare=False, repr=False)
    package: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphBreak:
    """A line at which PyTorch could not go on tracing; one that several frames meet is one.

    ``id`` is the number in PyTorch's registry (``GB0170``), empty where it gives none; ``reason`` its title. ``line``
    is the innermost frame outside of PyTorch and the standard library, ``module`` the path of the innermost module
    that runs by itself there. ``frames`` are the user's frames as PyTorch tells them, the innermost last.
    """

    id: str
    reason: str
    module: str
    line: CodeLine
    frames: tuple[SourceLine, ...] = field(default=(), compare=False, repr=False)

    @property
    def title(self) -> str:
        """``Data-dependent branching (GB0170)``."""
        return f"{self.reason} ({self.id})" if self.id else self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Recompilation:
    """A function that was compiled once more, because a ``guard`` of what was compiled before did not hold.

    ``guard`` is what PyTorch says of it, with the values (``tensor 'x' size mismatch at index 0. expected 3, actual
    5``). ``line`` is the line that the guard stands for where PyTorch tells it, the function's first one otherwise.
    """

    guard: str
    module: str
    line: CodeLine


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledGraph:
    """One graph that was compiled, in the order of compilation.

    ``forward`` and ``backward`` count its operations that do work; ``backward`` is ``None`` where no backward graph was
    compiled, ``recomputed`` how many of them compute again what the forward graph does not save. ``dynamic`` are the
    dimensions of inputs that are symbols (``x[0]``). ``runs`` is how often the recorded call ran it: not at all where
    other inputs needed it. ``guards`` is noted, never compared.
    """

    number: int
    module: str
    line: CodeLine
    forward: int
    backward: int | None = None
    recomputed: int = field(default=0, compare=False)
    dynamic: tuple[str, ...] = ()
    runs: int = 1
    guards: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernels:
    """What inductor generated for all graphs: kernels defined and called, and calls of kernels that others wrote."""

    defined: int
    called: int
    extern: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Compilation:
    """What ``torch.compile`` made of one model.

    ``uncompiled`` counts the operations of the model's call that do work and ran in none of the graphs. ``kernels`` is
    there where inductor was asked to generate code; never compared. What a file tells elsewhere (``backend``
    among its modes, ``uncompiled`` among its metrics) is compared there.
    """

    backend: Backend = field(compare=False)
    graphs: tuple[CompiledGraph, ...] = ()
    breaks: tuple[GraphBreak, ...] = ()
    recompiles: tuple[Recompilation, ...] = ()
    uncompiled: int = field(default=0, compare=False)
    kernels: Kernels | None = field(default=None, compare=False)

    @property
    def counts(self) -> tuple[tuple[str, int], ...]:
        """How many graphs, graph breaks and recompilations there are, by the names that budgets give them."""
        return (
            ("graphs", len(self.graphs)),
            ("graph_breaks", len(self.breaks)),
            ("recompiles", len(self.recompiles)),
        )
