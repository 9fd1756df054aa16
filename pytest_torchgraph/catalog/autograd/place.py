"""Where autograd sources lie: in the installed torch and in a checkout.

A file has a *path*, relative to the folder that holds ``torch``, and a *name*, which is how others include it in a
checkout: ``torch/include/torch/csrc/autograd/edge.h`` is named ``torch/csrc/autograd/edge.h``.
"""

from __future__ import annotations

import os
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_torchgraph.catalog.autograd.area import CORE, PYTHON_CORE, TOOLS, is_named
from pytest_torchgraph.quick import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

CPP = (".h", ".hpp", ".cpp")
PYTHON = (".py", ".pyi")
GENERATORS = (*CPP, *PYTHON, ".yaml")
LANGUAGES = {
    **dict.fromkeys((".h", ".hpp"), "C++ header"),
    ".cpp": "C++",
    **dict.fromkeys(PYTHON, "Python"),
    ".yaml": "YAML",
}
SKIPPED = {"__pycache__", "testing", "test", "ops", "native", "lib", "share", "third_party", "hip", "db"}
"""Folders without sources of autograd: tests, kernels, one generated header for each operation."""
GENERATED = f"{CORE}generated/"
CPP_MARK = b"torch/csrc/autograd/"
PYTHON_MARKS = (b"from torch.autograd", b"import torch.autograd", b"from torch._C._autograd", b"torch._C._functions")


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that may hold sources of autograd."""

    path: str
    name: str
    suffixes: tuple[str, ...]
    needed: str
    """Folder below whose absence is a gap; empty where the whole folder is needed."""


INSTALLED = (
    Folder("torch/include/torch/csrc", "torch/csrc", CPP, "autograd"),
    Folder("torch/include/c10/core", "c10/core", CPP, ""),
    Folder("torch/include/ATen", "ATen", CPP, ""),
    Folder("torch", "torch", PYTHON, "autograd"),
    Folder("torchgen/packaged/autograd", "tools/autograd", GENERATORS, ""),
)
CHECKOUT = (
    Folder("torch/csrc", "torch/csrc", CPP, "autograd"),
    Folder("c10/core", "c10/core", CPP, ""),
    Folder("aten/src/ATen", "ATen", CPP, ""),
    Folder("torch", "torch", PYTHON, "autograd"),
    Folder("tools/autograd", "tools/autograd", GENERATORS, ""),
)


@dataclass(frozen=True, slots=True)
class Place:
    """One tree of sources."""

    root: Path
    folders: tuple[Folder, ...]
    origin: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that belongs to the inventory, and its bytes; ``problem`` where they cannot be had."""

    path: str
    name: str
    language: str
    content: bytes
    problem: str = ""


class NotACheckout(ValueError):
    """The folder holds no checkout of PyTorch."""


def installed() -> Place | None:
    """The torch of this environment, which is not imported; None where there is none."""
    spec = util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    return Place(Path(spec.origin).parents[1], INSTALLED, f"torch {metadata.version('torch')}")


def checkout(folder: Path) -> Place:
    """A checkout of PyTorch; raises :exc:`NotACheckout` for what is none."""
    missing = [name for name in (CORE, PYTHON_CORE) if not (folder / name).is_dir()]
    if missing:
        what = f"has no {missing[0]}" if folder.is_dir() else "is no folder"
        raise NotACheckout(f"{folder} {what}; expected a checkout of PyTorch, with {CORE} and {PYTHON_CORE}")
    try:
        version = (folder / "version.txt").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        version = "of unknown version"
    return Place(folder, CHECKOUT, f"checkout {version}")


def missing(place: Place) -> list[str]:
    """Paths of needed folders that are not there, sorted."""
    wanted = (f"{folder.path}/{folder.needed}".rstrip("/") for folder in place.folders)
    return sorted(path for path in wanted if not (place.root / path).is_dir())


def candidates(place: Place, within: tuple[str, ...] = ("",)) -> Iterator[Candidate]:
    """The files of *place* that belong to the inventory and whose names begin so, each once, in a fixed order."""
    seen: set[str] = set()
    for folder in place.folders:
        for relative in _walk(place.root / folder.path, folder.suffixes):
            path, name = f"{folder.path}/{relative}", f"{folder.name}/{relative}"
            if path not in seen and name.startswith(within):
                seen.add(path)
                candidate = _candidate(place.root / path, path, name)
                if candidate:
                    yield candidate


def _candidate(file: Path, path: str, name: str) -> Candidate | None:
    language = LANGUAGES[file.suffix]
    certain = name.startswith((CORE, PYTHON_CORE, TOOLS)) or is_named(name)
    try:
        content = file.read_bytes()
    except OSError as error:
        return Candidate(path, name, language, b"", error.strerror or "cannot be read") if certain else None
    if certain or _builds_on_autograd(language, content):
        return Candidate(path, name, language, content)
    return None


def _builds_on_autograd(language: str, content: bytes) -> bool:
    """A quick look for what the parser would find: an include or an import of autograd."""
    if language == "Python":
        return any(mark in content for mark in PYTHON_MARKS)
    return CPP_MARK in content


def _walk(folder: Path, suffixes: tuple[str, ...]) -> Iterator[str]:
    for here, below, names in os.walk(folder):
        skipped = SKIPPED | {"include"} if suffixes == PYTHON else SKIPPED
        below[:] = sorted(name for name in below if name not in skipped)
        relative = Path(here).relative_to(folder)
        for name in sorted(names):
            if name.endswith(suffixes):
                yield (relative / name).as_posix()
