"""The modes of a run that are compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Literal, TypeAlias, get_args

from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.compilation import Backend, Compilation
from pytest_torchgraph.recorded.origin import GradMode, Origin, Training

Engine: TypeAlias = Literal[
    "eager",
    "compiled-run-eagerly",
    "fake",
    "fake-compiled-run-eagerly",
    "compiled-by-eager",
    "compiled-by-aot_eager",
    "compiled-by-inductor",
]
ENGINES: dict[tuple[bool, bool], Engine] = {
    (False, False): "eager",
    (True, False): "compiled-run-eagerly",
    (False, True): "fake",
    (True, True): "fake-compiled-run-eagerly",
}
"""What ran, by whether a compiled callable was called and whether fake tensors stood in for real ones."""


COMPILERS: dict[Backend, Engine] = {
    "eager": "compiled-by-eager",
    "aot_eager": "compiled-by-aot_eager",
    "inductor": "compiled-by-inductor",
}
"""What ran, by the backend whose graphs ran."""


@dataclass(frozen=True, slots=True)
class Run:
    """How a graph came about; ``None`` where a file does not say. ``others`` are words of a file that say no more."""

    engine: Engine | None = None
    training: Training | None = None
    grad_mode: GradMode | None = None
    device: str | None = None
    others: tuple[str, ...] = ()

    @property
    def is_compiled(self) -> bool:
        """Whether a compiled callable was called."""
        return self.engine in (ENGINES[True, False], ENGINES[True, True])

    @property
    def backend(self) -> Backend | None:
        """The backend of the compiler whose graphs ran."""
        return next((backend for backend, engine in COMPILERS.items() if engine == self.engine), None)

    @property
    def is_fake(self) -> bool:
        """Whether fake tensors stood in for real ones."""
        return self.engine in (ENGINES[False, True], ENGINES[True, True])

    @property
    def words(self) -> tuple[str, ...]:
        """``eager``, ``train``, ``grad``, ``cpu``: as a file tells them."""
        told = (self.engine, self.training, self.grad_mode, self.device)
        return (*(word for word in told if word is not None), *self.others)


def run_of(origin: Origin, compilation: Compilation | None = None) -> Run:
    """The modes of a graph that was recorded; *compilation* is there where a compiled model was."""
    engine = ENGINES[origin.compiled, origin.fake] if compilation is None else COMPILERS[compilation.backend]
    return Run(engine, origin.training, origin.grad_mode, origin.device)


def read_run(words: Iterable[str]) -> Run:
    """The modes that *words* of a file tell: what is no mode is the device."""
    known: dict[str, str] = {}
    others: list[str] = []
    for word in words:
        name = next((name for name, told in WORDS.items() if word in told), "device")
        if known.setdefault(name, word) != word:
            others.append(word)
    return Run(**known, others=tuple(others))  # type: ignore[arg-type]


WORDS = {"engine": get_args(Engine), "training": get_args(Training), "grad_mode": get_args(GradMode)}


def differing(before: Run, after: Run) -> list[tuple[str, str]]:
    """The words before and after of each mode that differs; empty where a side does not have it."""
    pairs = [(getattr(before, field.name), getattr(after, field.name)) for field in fields(Run)[:-1]]
    length = max(len(before.others), len(after.others))
    pairs += zip(*((*run.others, *[None] * (length - len(run.others))) for run in (before, after)), strict=True)
    return [(left or "", right or "") for left, right in pairs if left != right]
