"""How to get into the autograd sources: where to begin, in which order to read, and where common tasks are done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_torchgraph.catalog.autograd.area import BUILDING, CLASSES, EXECUTION, LAYERS, PYTHON, STRUCTURE
from pytest_torchgraph.catalog.autograd.dependency import Dependencies
from pytest_torchgraph.catalog.autograd.lookup import Defined, defined_as, last
from pytest_torchgraph.catalog.autograd.markdown import code, table
from pytest_torchgraph.catalog.autograd.source import Definition, Inventory, SourceFile
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.words.counting import times

CORE_CLASSES = ("torch::autograd::Node", "torch::autograd::Edge", "torch::autograd::GraphTask")
TASKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Give an operation a gradient of its own", ("Function", "FunctionCtx", "once_differentiable")),
    ("Compare a gradient with finite differences", ("gradcheck", "gradgradcheck")),
    ("Find the operation that made a gradient NaN", ("detect_anomaly", "AnomalyMetadata")),
    ("Keep saved tensors elsewhere, or not at all", ("saved_tensors_hooks", "save_on_cpu", "SavedVariable")),
    ("Walk a graph from Python", ("Node", "get_gradient_edge", "GradientEdge")),
    ("See how a result gets its grad_fn", ("set_history", "collect_next_edges", "AutogradMeta")),
    ("See how backward runs", ("Engine", "GraphTask", "InputBuffer", "ReadyQueue")),
    ("See what an operation needs from the graph below it", ("TraceableFunction", "AccumulateGrad", "CopySlices")),
    ("Switch recording off", ("no_grad", "inference_mode", "GradMode", "InferenceMode")),
    ("Use forward mode", ("make_dual", "dual_level", "ForwardGrad")),
    ("Call code while backward runs", ("register_multi_grad_hook", "FunctionPreHook", "PostAccumulateGradHook")),
)
"""What people come for, and the names that they need; a name that a version lacks is left out."""


@dataclass(frozen=True, slots=True)
class Path:
    """A way through the sources for somebody who knows that much: so many files of each of these layers."""

    name: str
    layers: tuple[str, ...]
    files: int
    aim: str


PATHS = (
    Path("Beginner", (PYTHON, STRUCTURE), 4, "what users call, and what a graph is made of"),
    Path(
        "Intermediate", (PYTHON, STRUCTURE, BUILDING, EXECUTION), 4, "how forward builds a graph, and backward runs it"
    ),
    Path("Advanced", tuple(reversed(LAYERS)), 6, "every layer, from what everything stands on to what users call"),
)


def quick_start(inventory: Inventory) -> list[str]:
    """The first steps."""
    core = [found for name in CORE_CLASSES for found in defined_as(inventory.files, name)]
    begin = f" Read {', '.join(map(place, core))} first." if core else ""
    return [
        "## Quick start",
        "",
        f"1. A graph is nodes, edges between them, and the task that runs it.{begin}",
        f"2. Find a name of `grad_fn`, a class, a function or a file: {code('torchgraph autograd show NAME')}.",
        f"3. See the graph of a model of yours: {code('torchgraph autograd graph module:factory')}.",
        "4. Follow one of the [learning paths](#learning-paths), or look up a [common task](#common-tasks).",
    ]


def learning_paths(inventory: Inventory, map_of: Dependencies) -> Iterator[str]:
    """Three ways to read, from what everything stands on to what stands on it."""
    yield "## Learning paths"
    for way in PATHS:
        chosen = [file for layer in way.layers for file in to_read(inventory, map_of, layer)[: way.files]]
        yield ""
        yield f"### {way.name}"
        yield ""
        yield f"{times(len(chosen), 'file')}, {times(sum(one.lines for one in chosen), 'line')}: {way.aim}."
        yield ""
        yield from (f"{number}. {code(one.path)}{what(one)}" for number, one in enumerate(chosen, 1))


def to_read(inventory: Inventory, map_of: Dependencies, layer: str) -> list[SourceFile]:
    """The files of a *layer* that define something: those of its best known classes, then what most others include."""
    known = CLASSES.get(layer, set())

    def weight(file: SourceFile) -> tuple[int, int, str]:
        return -len(known & {last(one.name) for one in file.definitions}), -len(map_of.users[file.path]), file.path

    return sorted((file for file in inventory.files if file.layer == layer and file.definitions), key=weight)


def what(file: SourceFile) -> str:
    """The longest classes or functions of *file*, in its order; what is private only where there is nothing else."""

    def weight(one: Definition) -> tuple[bool, bool, int]:
        return last(one.name).startswith("_"), not one.is_class, one.line - one.end_line

    by_name = {last(one.name): one for one in sorted(file.definitions, key=weight, reverse=True)}
    longest = sorted(by_name.values(), key=weight)[:3]
    return f": {', '.join(named(one) for one in sorted(longest, key=lambda one: one.line))}"


def named(one: Definition) -> str:
    """Name and line."""
    return f"{code(last(one.name))} {one.line}"


def common_tasks(inventory: Inventory) -> list[str]:
    """Where to look for what is often done."""
    rows = [[task, "; ".join(map(place, found))] for task, names in TASKS if (found := all_of(inventory, names))]
    return ["## Common tasks", "", *table(("task", "where"), rows)]


def all_of(inventory: Inventory, names: Sequence[str]) -> list[Defined]:
    """The classes and functions of those *names* in autograd's own layers, each where it is longest."""
    layered = [file for file in inventory.files if file.layer]
    found = ([*defined_as(layered, name)] for name in names)
    return [max(those, key=lambda one: one.definition.end_line - one.definition.line) for those in found if those]


def place(found: Defined) -> str:
    """Name, file and line."""
    return f"{code(found.definition.name)} ({code(found.file.path)} {found.definition.line})"
