"""The backend: it takes every graph that PyTorch's compiler makes, and runs its nodes one by one under the recorder."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import field
from typing import Any

import torch
from torch import Tensor, fx

from pytest_torchgraph.capture.compiling.listening import Frame
from pytest_torchgraph.capture.compiling.reading import code_line, plain_name
from pytest_torchgraph.capture.compiling.running import GraphRuns
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.compilation import Backend, CodeLine
from pytest_torchgraph.recorded.operation import SourceLine
from pytest_torchgraph.recorded.phase import BACKWARD, FORWARD

_LOCAL = re.compile(r"^L\['(\w+)'\]")


@dataclass(slots=True)
class TakenGraph:
    """One graph as the compiler handed it over."""

    number: int
    frame: Frame
    module: str
    line: CodeLine
    dynamic: tuple[str, ...]


@dataclass(slots=True)
class Graphs:
    """The backend of one recording; ``runs`` records what its graphs compute."""

    backend: Backend
    runs: GraphRuns
    taken: list[TakenGraph] = field(default_factory=list)

    def __call__(self, module: fx.GraphModule, examples: list[Any], **_: Any) -> Callable[..., Any]:
        """What runs *module* in the place of its function."""
        taken = TakenGraph(
            number=len(self.taken) + 1,
            frame=frame_at_hand(),
            module=self.runs.module_path(),
            line=function_at_hand(),
            dynamic=dynamic_dimensions(module),
        )
        self.taken.append(taken)
        self.runs.made_for[taken.number] = taken.module
        if self.backend == "eager":
            return self.runs.unboxed(module, taken.number)
        if self.backend == "inductor":
            from torch._inductor.compile_fx import compile_fx

            inner: Any = compile_fx
            lowered: Callable[..., Any] = inner(module, examples, inner_compile=self._taking(taken, None))
            return lowered
        return self._lowered(module, examples, taken)

    def _lowered(self, module: fx.GraphModule, examples: list[Any], taken: TakenGraph) -> Callable[..., Any]:
        """*module* as PyTorch's autograd lowers it, partitioned as the backend ``aot_eager`` has it."""
        from torch._dynamo.backends.common import aot_autograd
        from torch._functorch.partitioners import min_cut_rematerialization_partition

        lower: Any = aot_autograd(
            fw_compiler=self._taking(taken, FORWARD),
            bw_compiler=self._taking(taken, BACKWARD),
            inference_compiler=self._taking(taken, FORWARD),
            partition_fn=min_cut_rematerialization_partition,
        )
        lowered: Callable[..., Any] = lower(module, examples)
        return lowered

    def _taking(self, taken: TakenGraph, part: str | None) -> Callable[..., Any]:
        """What compiles one part of a graph: it is run as it is."""

        def compiler(module: fx.GraphModule, _: Any, **options: Any) -> Callable[..., Any]:
            is_backward = part == BACKWARD or bool(options.get("is_backward"))
            return self.runs.boxed(module, taken.number, is_backward=is_backward)

        return compiler


def frame_at_hand() -> Frame:
    """The function that is compiled now, and the how-manieth time."""
    compiling: Any = torch._guards.CompileContext.current_compile_id()
    number = getattr(compiling, "frame_id", None)
    return (-1, -1) if number is None else (int(number), int(compiling.frame_compile_id))


def function_at_hand() -> CodeLine:
    """The function that is compiled now; its line is told where it goes on after a graph break."""
    code = code_at_hand()
    if code is None:
        return CodeLine("", "")
    name = plain_name(code.co_name)
    found = code_line(SourceLine(code.co_filename, code.co_firstlineno, name))
    return found if name != code.co_name else CodeLine(found.file, name, "", found.source, found.package)


def code_at_hand() -> Any:
    """The code of the function that is compiled now, as the compiler's own frame has it."""
    frame = sys._getframe(1)
    while frame is not None:
        owner = frame.f_locals.get("self")
        if type(owner).__name__ == "OutputGraph":
            translator = getattr(owner, "root_tx", None)
            return getattr(translator, "f_code", None)
        following = frame.f_back
        if following is None:
            return None
        frame = following
    return None


def dynamic_dimensions(module: fx.GraphModule) -> tuple[str, ...]:
    """The dimensions of the graph's inputs that are symbols: ``x[0]``; to be asked while the compiler is at work."""
    found: list[str] = []
    for node in module.graph.nodes:
        example = node.meta.get("example_value")
        if node.op != "placeholder" or not isinstance(example, Tensor):
            continue
        name = input_name(node)
        found += [f"{name}[{place}]" for place, size in enumerate(example.shape) if isinstance(size, torch.SymInt)]
    return tuple(found)


def input_name(node: fx.Node) -> str:
    """What the user calls the input behind *node*."""
    source = getattr(node.meta.get("grapharg"), "source", None)
    name = getattr(source, "name", None)
    text = str(name() if callable(name) else name) if name is not None else node.name
    return _LOCAL.sub(r"\1", text)
