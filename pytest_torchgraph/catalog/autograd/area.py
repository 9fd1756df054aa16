"""Where a file belongs: its functional area and its layer.

A file is placed by where it lies and what it is called; one that no rule names is placed by what it defines, so that a
renamed or split file keeps its place.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_torchgraph.catalog.autograd.source import Definition

STRUCTURE = "Graph structure"
BUILDING = "Graph building"
EXECUTION = "Graph execution"
SUPPORT = "Supporting infrastructure"
PYTHON = "Python API"
GENERATION = "Code generation"
INTEGRATION = "Integration"
AREAS = (STRUCTURE, BUILDING, EXECUTION, SUPPORT, PYTHON, GENERATION, INTEGRATION)

BINDING = "Python binding"
LAYERS = (PYTHON, BINDING, SUPPORT, EXECUTION, BUILDING, STRUCTURE)
"""From what users call down to what everything stands on."""

MEANING = {
    STRUCTURE: "what a graph is made of: nodes, edges, what tensors and nodes keep",
    BUILDING: "how forward connects tensors to nodes, and the nodes themselves",
    EXECUTION: "how backward runs, and the modes that switch recording",
    SUPPORT: "hooks, custom functions, forward mode, profiling, bindings",
    PYTHON: "what users import from torch.autograd",
    GENERATION: "derivative formulas, and the tools and templates that make classes of them",
    INTEGRATION: "files elsewhere in PyTorch that build on autograd",
    BINDING: "Python's view of the C++ objects",
}

CORE = "torch/csrc/autograd/"
PYTHON_CORE = "torch/autograd/"
STUBS = "torch/_C/_autograd."
TOOLS = "tools/autograd/"
FOLDERS = (
    (TOOLS, GENERATION),
    (PYTHON_CORE, PYTHON),
    (STUBS, PYTHON),
    (f"{CORE}functions/", BUILDING),
    (f"{CORE}utils/", SUPPORT),
)

STEMS = {
    STRUCTURE: (
        *("function", "node", "edge", "graphtask", "inputbuffer", "inputmetadata"),
        *("savedvariable", "variable", "variableinfo"),
    ),
    BUILDING: (
        *("functionsmanual", "variabletypeutils", "variabletypemanual"),
        *("autogradnotimplementedfallback", "variabletype", "viewfuncs", "variablefactories"),
    ),
    EXECUTION: (
        *("engine", "pythonengine", "autograd", "autogradstate", "gradmode", "inferencemode"),
        *("anomalymode", "pythonanomalymode", "execinfo"),
    ),
    SUPPORT: ("customfunction",),
}
AREA_OF_STEM = {stem: area for area, stems in STEMS.items() for stem in stems}

CLASSES = {
    STRUCTURE: {"Node", "Edge", "GraphTask", "InputBuffer", "InputMetadata", "SavedVariable", "AutogradMeta"},
    EXECUTION: {"Engine", "ReadyQueue", "GradMode", "InferenceMode", "AnomalyMode", "AutogradState"},
}
BASES = {"Node", "TraceableFunction"}
NAMED = ("autograd", "gradmode", "inferencemode", "savedtensorhooks", "forwardgrad")


def is_named(name: str) -> bool:
    """Whether the path speaks of autograd itself, not of a dispatch key that ends in the word."""
    parts = [_plain(part) for part in PurePosixPath(name).parts]
    return any(word in part and not part.startswith("composite") for part in parts for word in NAMED)


def area_of(name: str, definitions: Iterable[Definition]) -> str:
    """Functional area of the file *name*, one of :data:`AREAS`."""
    for folder, area in FOLDERS:
        if name.startswith(folder):
            return area
    stem = _plain(PurePosixPath(name).stem)
    if not name.startswith((CORE, "c10/", "ATen/")) or not (name.startswith(CORE) or is_named(name)):
        return INTEGRATION
    if stem in AREA_OF_STEM:
        return AREA_OF_STEM[stem]
    return SUPPORT if stem.startswith("python") else _area_by_content(definitions)


def _area_by_content(definitions: Iterable[Definition]) -> str:
    classes = [definition for definition in definitions if definition.is_class]
    names = {definition.name.rpartition("::")[2] for definition in classes}
    for area, known in CLASSES.items():
        if names & known:
            return area
    derived = any(base.rpartition("::")[2] in BASES for definition in classes for base in definition.bases)
    return BUILDING if derived else SUPPORT


def layer_of(name: str, area: str) -> str | None:
    """Layer of the file, or None for what lies beside the layers."""
    if name.startswith(STUBS) or (name.startswith(CORE) and PurePosixPath(name).name.startswith("python_")):
        return BINDING
    return area if area in LAYERS else None


def _plain(word: str) -> str:
    return word.lower().replace("_", "")
