"""Graphs made by hand, and a stand-in for the room that runs models: a "model" is a function that returns a graph."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.memory import Memory
from pytest_torchgraph.recorded.module import Scope
from pytest_torchgraph.recorded.operation import Operation
from pytest_torchgraph.recorded.origin import Origin
from pytest_torchgraph.recorded.tensor import Geometry, Storage, TensorRef, TensorSpec, contiguous_stride

PACKETS = {"aten.add", "aten.mul", "aten.clone", "aten.relu"}
NAMES = frozenset(PACKETS | {"aten.add.Tensor", "aten.mul.Tensor", "aten.clone.default", "aten.relu.default"})


def graph(
    *names: str,
    peak: int = 4096,
    torch: str = "2.13.0",
    width: int = 16,
    scope: str = "layer",
    device: str = "cpu",
    architecture: str = "x86_64",
    processor: str = "avx2",
) -> Graph:
    """A chain of operations on one tensor, inside one module called *scope*."""
    spec = TensorSpec("float32", (2, width), Geometry((2, width), contiguous_stride((2, width))))
    storages = [Storage(0, "input", 8 * width, spec, name="x")]
    operations = []
    for index, name in enumerate(names):
        before = TensorRef(index, index, spec)
        storages.append(Storage(index + 1, "result", 8 * width, spec, producer=index))
        after = TensorRef(index + 1, index + 1, spec)
        operations.append(
            Operation(index=index, name=name, arguments=(before,), keywords=(), results=(after,), writes=(), scope=1)
        )
    count = len(operations)
    last = TensorRef(count, count, spec)
    return Graph(
        operations=tuple(operations),
        storages=tuple(storages),
        scopes=(Scope(0, None, "", "Model", False, (0, count)), Scope(1, 0, scope, "Layer", False, (0, count))),
        calls=(),
        memory=Memory(
            resident=128,
            peak=peak,
            peak_operation=count - 1,
            timeline=(peak,) * count,
            parameter_bytes=0,
            buffer_bytes=0,
            input_bytes=128,
        ),
        origin=Origin(
            torch=torch,
            python="3.11",
            system="linux",
            architecture=architecture,
            processor=processor,
            device=device,
            grad_mode="no_grad",
            training="eval",
        ),
        inputs=(("x", TensorRef(0, 0, spec)),),
        outputs=(("", last),),
        vocabulary=lambda: NAMES,
    )


ADD, MUL, CLONE, RELU = "aten.add.Tensor", "aten.mul.Tensor", "aten.clone.default", "aten.relu.default"


def trace(model: Any, args: Any, kwargs: Any = None, *, warmup: int = 0) -> Graph:
    """What *model* returns after *warmup* more calls."""
    if not callable(model):
        raise TypeError(f"{type(model).__name__} is not callable")
    for _ in range(warmup):
        model(*args)
    made: Graph = model(*args)
    return made


@contextmanager
def repeated(model: Any, args: Any, kwargs: Any, options: dict[str, Any]) -> Iterator[Any]:
    """What traces *model* each time it is called; warm-ups come before the first time."""
    first = [options.get("warmup", 0)]
    yield lambda: trace(model, args, kwargs, warmup=first.pop() if first else 0)


def calls(*graphs: Graph) -> Any:
    """A model that returns *graphs* one after the other, the last one for ever."""
    left = list(graphs)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


if __name__ == "stubs":
    # Only inside the project under test; this suite's own process keeps the real room.
    capture = ModuleType("pytest_torchgraph.capture.tracing")
    capture.trace = trace  # type: ignore[attr-defined]
    capture.repeated = repeated  # type: ignore[attr-defined]
    options = ModuleType("pytest_torchgraph.capture.options")
    options.Options = dict  # type: ignore[attr-defined]
    sys.modules[options.__name__] = options
    sys.modules[capture.__name__] = capture
